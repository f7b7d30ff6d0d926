package work

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/restore"
)

// doesOf is what a thing does, from its id: BackupPolicy/default/nightly is a
// backup, Job/restore/default/x a restore.
func doesOf(id reconcile.ID) string {
	does, rest, _ := strings.Cut(id.Name, "/")
	if id.Kind == backup.KindPolicy && !strings.Contains(rest, "/") {
		return backup.DoesBackup
	}
	return does
}

// refused has words for what is never carried out as written: what the document
// itself says, and what the agent's configuration does not allow.
func (s *Service) refused(spec backup.Spec) string {
	if spec[backup.FieldRefused] != "" {
		return spec[backup.FieldRefused]
	}
	if spec[backup.FieldStorage] != "" {
		st, err := s.storeOf(spec, nil)
		if err != nil {
			return err.Error()
		}
		if spec["verify"] == "data" && st.sealed() {
			return fmt.Sprintf("%s: data wants to read what store %s encrypts, and no identity is at hand (stores[].encryption.identityFiles)", reconcile.VerifyMark, st.Name)
		}
	}
	if spec[backup.FieldCluster] != "" {
		if _, err := s.clusterOf(spec); err != nil {
			return err.Error()
		}
	}
	if spec[backup.FieldExisting] == "purge" {
		if words := s.unpurgeable(spec); words != "" {
			return words
		}
	}
	if spec[backup.FieldEvidence] != "" {
		if _, err := s.storeOf(backup.EvidenceOf(spec), nil); err != nil {
			return "spec.evidence.storage: " + err.Error()
		}
	}
	return s.unasked(spec)
}

// unasked has words for the first host that a document would have asked, or
// told, and that the configuration does not allow.
func (s *Service) unasked(spec backup.Spec) string {
	var hosts []string
	webhooks := spec.Below("webhook")
	for _, name := range slices.Sorted(maps.Keys(webhooks)) {
		if strings.HasSuffix(name, ".host") {
			hosts = append(hosts, webhooks[name])
		}
	}
	if host := spec[backup.FieldSlack]; host != "" {
		hosts = append(hosts, host)
	}
	if spec[backup.FieldPagerDuty] != "" {
		hosts = append(hosts, s.pagerDuty())
	}
	for _, host := range hosts {
		if !matches(s.o.AllowWebhooks, host) {
			return fmt.Sprintf("the agent's configuration does not allow asking %s (backups.allowWebhooks)", host)
		}
	}
	return ""
}

// pagerDuty is the events host that the configuration allows: of the service
// region of the United States, or of Europe's.
func (s *Service) pagerDuty() string {
	const first, other = "events.pagerduty.com", "events.eu.pagerduty.com"
	if !matches(s.o.AllowWebhooks, first) && matches(s.o.AllowWebhooks, other) {
		return other
	}
	return first
}

// allowed reads an address that a document brought, and once more holds its
// host against the configuration: the address may be newer than what was
// applied. The error holds nothing of it.
func (s *Service) allowed(read func() (string, error)) func() (string, error) {
	if read == nil {
		return func() (string, error) { return "", errors.New("the secret is not at hand") }
	}
	return func() (string, error) {
		address, err := read()
		if err != nil {
			return "", err
		}
		address = strings.TrimSpace(address)
		if !matches(s.o.AllowWebhooks, backup.WebHost(address)) {
			return "", errors.New("its host is not one that the agent's configuration allows (backups.allowWebhooks)")
		}
		return address, nil
	}
}

// unpurgeable says which topic may not be emptied. A document that empties
// topics names them: a pattern would reach what is made tomorrow.
func (s *Service) unpurgeable(spec backup.Spec) string {
	topics := spec.List(backup.FieldTopics)
	if len(topics) == 0 {
		return "purgeTopics wants the topics named one by one"
	}
	rename := spec.Below("rename")
	for _, from := range slices.Sorted(maps.Keys(rename)) {
		if strings.ContainsAny(from, "*?") {
			return fmt.Sprintf("purgeTopics wants the topics named one by one, and topicMapping has the pattern %s", from)
		}
	}
	target, err := s.clusterOf(spec)
	if err != nil {
		return err.Error()
	}
	for _, t := range topics {
		if strings.ContainsAny(t, "*?") {
			return fmt.Sprintf("purgeTopics wants the topics named one by one, and %s is a pattern", t)
		}
		if words := s.keeps(target, restore.Target(rename, t)); words != "" {
			return words
		}
	}
	return ""
}

// keeps says why a topic of a cluster may not be emptied.
func (s *Service) keeps(target Cluster, topic string) string {
	switch {
	case strings.ContainsAny(topic, "*?"):
		return fmt.Sprintf("purgeTopics wants the topics named one by one, and %s is a pattern", topic)
	case strings.HasPrefix(topic, "__"):
		return topic + " is internal: it is never emptied"
	case matches(target.Protected, topic):
		return fmt.Sprintf("topic %s is protected (clusters[].protected.topics): it is never emptied", topic)
	case !matches(s.o.AllowPurge, topic):
		return fmt.Sprintf("the agent's configuration does not allow emptying topic %s (backups.allowPurge)", topic)
	}
	return ""
}

// emptied has words where a restore, as it was planned, would empty what its
// document does not name or the configuration keeps. What was allowed when the
// job was recorded need not be any more.
func (s *Service) emptied(spec backup.Spec, plan restore.Plan) error {
	for _, t := range plan.Topics {
		if t.Action == "purge" {
			if err := s.emptiedTopic(spec, t.Target); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Service) emptiedTopic(spec backup.Spec, topic string) error {
	if words := s.unpurgeable(spec); words != "" {
		return errors.New(words)
	}
	if !slices.Contains(targetsNamed(spec), topic) {
		return fmt.Errorf("topic %s would be emptied, and the document does not name it", topic)
	}
	return nil
}

// targetsNamed are the names in the target of the topics that a document names.
func targetsNamed(spec backup.Spec) []string {
	rename := spec.Below("rename")
	var all []string
	for _, t := range spec.List(backup.FieldTopics) {
		all = append(all, restore.Target(rename, t))
	}
	return all
}

func matches(patterns []string, name string) bool {
	for _, p := range patterns {
		if ok, err := path.Match(p, name); ok && err == nil {
			return true
		}
	}
	return false
}
