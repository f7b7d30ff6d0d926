package main

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/restore"
	"github.com/ottla-io/ottla/sinks/kafka"
)

// guardsOf lists what judges a sync's plan, in order.
func guardsOf(c agent.ClusterConfig, s agent.SyncConfig, safe *protected) []reconcile.Guard {
	users := c.AllowDeletion.Users == nil || *c.AllowDeletion.Users
	guards := []reconcile.Guard{
		reconcile.Protect(outside(s.Allow)),
		refusing(outsideJob(s.Allow)),
		reconcile.Protect(safe.words),
		brokerLogins(c.BrokerLogins),
		reconcile.Preserve(protectedTopic(c.Protected.Topics)),
		reconcile.Deletions(map[string]bool{
			kafka.KindTopic: c.AllowDeletion.Topics, kafka.KindScramCredential: users,
			kafka.KindACLSet: users, kafka.KindQuotaEntity: users,
			// Both take nothing away: a schedule ends, a job is cancelled.
			backup.KindPolicy: true, backup.KindJob: true,
		}),
		reconcile.Wipe(wipeLimits(s.WipeGuard)),
		reconcile.Confirming(purges),
	}
	if c.Confirm == "irreversible" {
		guards = append(guards, reconcile.ConfirmIrreversible)
	}
	return guards
}

func wipeLimits(w agent.WipeGuardConfig) reconcile.WipeLimits {
	limits := reconcile.WipeLimits{Topics: 5, Percent: 20, TopicKind: kafka.KindTopic}
	if w.Topics != nil {
		limits.Topics = *w.Topics
	}
	if w.Percent != nil {
		limits.Percent = *w.Percent
	}
	return limits
}

// outside has words for what the configuration does not let a sync declare.
func outside(allow agent.AllowConfig) func(reconcile.ID) string {
	return func(id reconcile.ID) string {
		if id.Kind == kafka.KindTopic {
			if len(allow.Topics) > 0 && !matches(allow.Topics, id.Name) {
				return fmt.Sprintf("the agent's configuration does not allow this sync topic %s (syncs[].allow.topics)", id.Name)
			}
			return ""
		}
		if words := everybodys(id, allow); words != "" {
			return words
		}
		principal := kafka.PrincipalOf(id)
		if principal != "" && len(allow.Principals) > 0 && !matches(allow.Principals, principal) {
			return fmt.Sprintf("the agent's configuration does not allow this sync %s (syncs[].allow.principals)", principal)
		}
		return ""
	}
}

// everybodys has words for what is nobody's in particular, where a sync may
// declare some topics or principals only: brokers, and quotas that no user has.
func everybodys(id reconcile.ID, allow agent.AllowConfig) string {
	bounded := len(allow.Topics)+len(allow.Principals) > 0
	switch {
	case bounded && id.Kind == kafka.KindBrokerConfig:
		return "the configuration of brokers is everybody's, and the agent's configuration bounds what this sync may declare (syncs[].allow)"
	case len(allow.Principals) > 0 && id.Kind == kafka.KindQuotaEntity && kafka.PrincipalOf(id) == "":
		return "a quota that names no user is everybody's, and the agent's configuration bounds which principals this sync may declare (syncs[].allow.principals)"
	default:
		return ""
	}
}

// brokerLogins refuses what decides who may log in to brokers, and as whom,
// unless the configuration allows it: such a commit could make anybody anyone,
// also a principal that is protected.
func brokerLogins(allowed bool) reconcile.Guard {
	return func(p reconcile.Plan) reconcile.Plan {
		var verdicts []reconcile.Verdict
		for _, c := range p.Changes {
			for _, f := range c.Fields {
				if !allowed && c.ID.Kind == kafka.KindBrokerConfig && kafka.DecidesLogins(f.Name) {
					verdicts = append(verdicts, reconcile.Verdict{ID: c.ID, Field: f.Name, Refused: "it decides who may log in to the brokers, and the agent's configuration does not let a commit set that (clusters[].brokerLogins)"})
				}
			}
		}
		return p.Judged(verdicts)
	}
}

// refusing refuses every change that it has words for.
func refusing(words func(reconcile.Change) string) reconcile.Guard {
	return func(p reconcile.Plan) reconcile.Plan {
		var verdicts []reconcile.Verdict
		for _, c := range p.Changes {
			if w := words(c); w != "" {
				verdicts = append(verdicts, reconcile.Verdict{ID: c.ID, Refused: w})
			}
		}
		return p.Judged(verdicts)
	}
}

// outsideJob has words for what a job would write to beyond what a sync may
// declare. What is only read, or copied into a store, is not bounded; nor is the
// end of a job.
func outsideJob(allow agent.AllowConfig) func(reconcile.Change) string {
	return func(c reconcile.Change) string {
		bounded := len(allow.Topics)+len(allow.Principals) > 0
		if !bounded || c.ID.Kind != backup.KindJob || c.Action != reconcile.Create {
			return ""
		}
		job := declared(c)
		switch job[backup.FieldDoes] {
		case backup.DoesRestore:
			if job["access"] != "" {
				return "it restores access, which may be anybody's, and the agent's configuration bounds what this sync may declare (syncs[].allow)"
			}
			return outsideTopics(allow.Topics, job)
		case backup.DoesReset:
			return outsideTopics(allow.Topics, job)
		case backup.DoesRollback:
			if len(allow.Topics) > 0 {
				return "it puts groups back on whatever topics its snapshot has, and the agent's configuration bounds which ones this sync may declare (syncs[].allow.topics)"
			}
		}
		return ""
	}
}

// outsideTopics has words for a topic that a job writes to, or moves groups on,
// and that is not allowed. A pattern may lead anywhere.
func outsideTopics(allowed []string, job backup.Spec) string {
	if len(allowed) == 0 {
		return ""
	}
	topics, rename := job.List(backup.FieldTopics), job.Below("rename")
	if len(topics) == 0 {
		return "the agent's configuration bounds which topics this sync may declare (syncs[].allow.topics): name the job's topics one by one"
	}
	for _, t := range topics {
		target := restore.Target(rename, t)
		switch {
		case strings.ContainsAny(t+target, "*?"):
			return fmt.Sprintf("the agent's configuration bounds which topics this sync may declare (syncs[].allow.topics): name the job's topics one by one, %s is a pattern", t)
		case !matches(allowed, target):
			return fmt.Sprintf("the agent's configuration does not allow this sync topic %s (syncs[].allow.topics)", target)
		}
	}
	return ""
}

// declared is what a change that creates something asks for.
func declared(c reconcile.Change) backup.Spec {
	fields := map[string]reconcile.Value{}
	for _, f := range c.Fields {
		fields[f.Name] = f.To
	}
	return backup.SpecOf(fields)
}

// protected are the principals of one cluster that no commit may change.
type protected struct {
	patterns []string // of the configuration

	mu    sync.Mutex // guards what follows
	own   []string
	super []string
}

func newProtected(c agent.ClusterConfig) (*protected, error) {
	own, err := ownPrincipals(c)
	return &protected{patterns: c.Protected.Principals, own: own}, err
}

// learn takes what the brokers say of themselves and of us.
func (p *protected) learn(r kafka.Rights) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.super = r.SuperUsers
	if r.Principal != "" && !slices.Contains(p.own, r.Principal) {
		p.own = append(p.own, r.Principal)
	}
}

// words says why a principal is left alone, "" where it is not.
func (p *protected) words(id reconcile.ID) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	principal := kafka.PrincipalOf(id)
	switch {
	case principal == "":
		return ""
	case slices.Contains(p.own, principal):
		return principal + " is the agent's own: no commit changes it"
	case slices.Contains(p.super, principal):
		return principal + " is one of the brokers' super.users: no commit changes it"
	case matches(p.patterns, principal):
		return principal + " is protected (clusters[].protected.principals)"
	}
	return ""
}

// protectedTopic has words for topics that are never deleted, nor robbed of data.
func protectedTopic(patterns []string) func(reconcile.ID) string {
	return func(id reconcile.ID) string {
		switch {
		case id.Kind != kafka.KindTopic:
			return ""
		case strings.HasPrefix(id.Name, "__"):
			return id.Name + " is internal: Kafka itself needs it"
		case matches(patterns, id.Name):
			return "topic " + id.Name + " is protected (clusters[].protected.topics)"
		}
		return ""
	}
}

func matches(patterns []string, name string) bool {
	for _, p := range patterns {
		// A name may hold slashes, which patterns should not stop at.
		ok, err := path.Match(strings.ReplaceAll(p, "/", "\x00"), strings.ReplaceAll(name, "/", "\x00"))
		if ok && err == nil {
			return true
		}
	}
	return false
}

// rulesOf adjusts the kinds' rules to a sync's configuration.
func rulesOf(s agent.SyncConfig) func(map[string]reconcile.Rules) map[string]reconcile.Rules {
	return func(rules map[string]reconcile.Rules) map[string]reconcile.Rules {
		for kind, r := range rules {
			r.Drift = s.Drift
			if mode, ok := s.DriftByKind[kind]; ok {
				r.Drift = mode
			}
			r.Grace = s.Grace.Access
			if kind == kafka.KindTopic {
				r.Recreate = r.Recreate || s.Recreate
				if s.Grace.Topics != nil {
					r.Grace = *s.Grace.Topics
				}
			}
			rules[kind] = r
		}
		return rules
	}
}
