package main

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/agent/journal"
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/kafka"
	"github.com/ottla-io/ottla/sinks/kafka/ledger"
	"github.com/ottla-io/ottla/sources"
)

// sharedRequest bounds requests to a cluster that several agents keep: a new
// leader waits as long before it writes.
const sharedRequest = 10 * time.Second

// sharedLedger is a ledger in Kafka as the agent wants it: its errors say what a
// person can do, and that another agent leads.
type sharedLedger struct{ l *ledger.Ledger }

var (
	_ reconcile.Ledger = (*sharedLedger)(nil)
	_ agent.Election   = (*sharedLedger)(nil)
)

func newSharedLedger(ctx context.Context, config *agent.Config, c agent.ClusterConfig, importing bool) (*sharedLedger, error) {
	key, err := sealKey(config)
	if err != nil {
		return nil, err
	}
	o := kafkaOptions(c)
	o.RequestTimeout = sharedRequest
	return &sharedLedger{ledger.New(ctx, ledger.Options{
		Topic: cmp.Or(c.LedgerTopic, ledger.DefaultTopic), Agent: agentName(config), Host: hostName(), Key: printOfKey(key),
		Request: sharedRequest, Import: importing,
		Dial: func(ctx context.Context, more ...kgo.Opt) (*kgo.Client, error) {
			return kafka.Dial(ctx, o, more...)
		},
		Known: func() (string, error) { return journal.Topic(config.StateDir, c.Name) },
		Know:  func(id string) error { return journal.SetTopic(config.StateDir, c.Name, id) },
	})}, nil
}

func hostName() string {
	host, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return host
}

func agentName(c *agent.Config) string { return cmp.Or(c.Name, hostName()) }

// sealKey keys the prints of passwords: a file that agents share, or this one's
// own.
func sealKey(c *agent.Config) ([]byte, error) {
	if c.SealKeyFile != "" {
		return c.SealKey()
	}
	return journal.Key(c.StateDir)
}

// printOfKey tells a key from another one, and helps nobody to guess it: it is
// 32 random bytes or more.
func printOfKey(key []byte) string {
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte("ottla ledger: which key this is"))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// hinted gives an error of the ledger its way out, and its place among others.
func hinted(err error) error {
	var told *ledger.Error
	switch {
	case errors.As(err, &told):
		return &sources.HintError{Err: err, Hint: told.Hint}
	case errors.Is(err, ledger.ErrNotLeading):
		return &sources.HintError{Err: &agent.NotLeaderError{Err: err}, Hint: "ottla get agents shows who leads; run the command there"}
	}
	return err
}

func (s *sharedLedger) Replay(ctx context.Context) (*reconcile.State, error) {
	state, err := s.l.Replay(ctx)
	return state, hinted(err)
}

func (s *sharedLedger) Append(ctx context.Context, e reconcile.Entry) error {
	return hinted(s.l.Append(ctx, e))
}

func (s *sharedLedger) Close() error { return s.l.Close() }

// hold is asked right before a change leaves for any cluster.
func (s *sharedLedger) hold() error { return hinted(s.l.Hold()) }

func (s *sharedLedger) Lead(ctx context.Context, do func(context.Context)) { s.l.Lead(ctx, do) }

func (s *sharedLedger) Claim(ctx context.Context) error { return hinted(s.l.Claim(ctx)) }

func (s *sharedLedger) Standing() agent.Standing {
	now := s.l.Standing()
	out := agent.Standing{Leading: now.Leading}
	if now.Leader != nil && !now.Leader.Released {
		out.Agent, out.Host, out.Since = now.Leader.Agent, now.Leader.Host, now.Leader.Since
	}
	if now.Fault != nil {
		p := agent.ProblemOf(hinted(now.Fault))
		out.Problem = &p
	}
	return out
}

func (s *sharedLedger) Agents(ctx context.Context) ([]agent.AgentView, error) {
	all, err := s.l.Agents(ctx)
	if err != nil {
		return nil, hinted(err)
	}
	lease, err := s.l.Lease(ctx)
	if err != nil {
		return nil, hinted(err)
	}
	var out []agent.AgentView
	for _, one := range all {
		view := agent.AgentView{Agent: one.Agent, Host: one.Host, Role: agent.RoleStandby}
		if one.Leads {
			view.Role = agent.RoleLeader
		}
		if one.Leads && lease != nil && lease.Agent == one.Agent {
			view.Since = lease.Since
		}
		out = append(out, view)
	}
	return out, nil
}

// The names of what is kept beside the journal.
const (
	noteIncidents = "incidents"
	noteJobs      = "jobs/"
)

// incidentShelf keeps open incidents in the ledger.
type incidentShelf struct{ l *ledger.Ledger }

func (s incidentShelf) Load() []byte { return s.l.Note(noteIncidents) }

func (s incidentShelf) Save(data []byte) error {
	return hinted(s.l.Keep(noteIncidents, data))
}

// jobShelf keeps records of jobs in the ledger.
type jobShelf struct{ l *ledger.Ledger }

func (s jobShelf) Names() []string {
	var out []string
	for _, name := range s.l.Notes() {
		if job, ok := strings.CutPrefix(name, noteJobs); ok {
			out = append(out, job)
		}
	}
	return out
}

func (s jobShelf) Load(name string) []byte { return s.l.Note(noteJobs + name) }

func (s jobShelf) Save(ctx context.Context, name string, data []byte) error {
	return hinted(s.l.SetNote(ctx, noteJobs+name, data))
}
