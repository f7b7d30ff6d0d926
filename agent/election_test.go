package agent

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// poll is an election that a test decides.
type poll struct {
	mu    sync.Mutex
	leads bool
	turn  chan struct{} // closed and made anew when it is decided
}

func newPoll() *poll { return &poll{turn: make(chan struct{})} }

func (p *poll) decide(leads bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leads = leads
	close(p.turn)
	p.turn = make(chan struct{})
}

func (p *poll) now() (bool, chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.leads, p.turn
}

func (p *poll) Lead(ctx context.Context, do func(context.Context)) {
	for ctx.Err() == nil {
		leads, turn := p.now()
		if leads {
			reign, end := context.WithCancel(ctx)
			go func() {
				select {
				case <-turn:
				case <-reign.Done():
				}
				end()
			}()
			do(reign)
			end()
			continue
		}
		select {
		case <-ctx.Done():
		case <-turn:
		}
	}
}

func (p *poll) Claim(context.Context) error {
	if leads, _ := p.now(); !leads {
		return &NotLeaderError{errors.New("agent b leads")}
	}
	return nil
}

func (p *poll) Standing() Standing {
	leads, _ := p.now()
	return Standing{Leading: leads, Agent: "b", Host: "h", Since: time.Unix(0, 0)}
}

func (p *poll) Agents(context.Context) ([]AgentView, error) {
	return []AgentView{{Agent: "z", Role: RoleStandby}, {Agent: "b", Role: RoleLeader}}, nil
}

// shared is a house whose cluster several agents keep.
func shared(t *testing.T) (*house, *poll) {
	h, p := newHouse(t, "p"), newPoll()
	h.Election = p
	h.repo.push("r1", paths{"p": all(ordersOne)})
	return h, p
}

func TestAStandbyKeepsGitWarmAndWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, p := shared(t)
		var stood []Report
		h.stood = func(r Report) { stood = append(stood, r) }
		d := h.work()
		pass(5 * time.Minute)
		if d.rounds() != 0 || len(h.ledger.entries) != 0 || h.repo.reads != 1 {
			t.Errorf("entries %d, read %d times", len(h.ledger.entries), h.repo.reads)
		}
		h.wrote()
		if last := stood[len(stood)-1].Syncs[0]; last.State() != Standby || last.Revision() != "r1" {
			t.Errorf("it is %s at %q", last.State(), last.Revision())
		}
		if _, err := d.agent.Sync(t.Context()); !isNotLeader(err) {
			t.Errorf("sync on a standby: %v", err)
		}
		if _, err := d.agent.Release(t.Context(), thing("Topic/orders")); !isNotLeader(err) {
			t.Errorf("release on a standby: %v", err)
		}
		p.decide(true)
		if n := d.rounds(); n != 1 {
			t.Errorf("%d rounds right after the takeover", n)
		}
		h.wrote("create Topic/orders")
		p.decide(false)
		d.rounds()
		h.broker.set("Topic/orders", "a", "9")
		pass(5 * time.Minute)
		if n := d.rounds(); n != 0 {
			t.Errorf("%d rounds after the lead was lost", n)
		}
		h.wrote()
		d.stop()
	})
}

func TestAStandbyWhoseRepositoryLagsDoesNotGoBackBehindTheLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, p := shared(t)
		d := h.work()
		pass(time.Minute) // r1 is warm
		h.ledger.state.Section("p").Accepted = "r2"
		h.ledger.state.Section("p").Binding = h.Syncs[0].Binding
		h.repo.fault(func() {
			h.repo.tree["r2/p"] = all(declare("Topic/orders", "a", "2"))
			h.repo.err = errors.New("the repository is down")
		})
		p.decide(true)
		d.rounds()
		if got := h.broker.get("Topic/orders", "a"); got != "2" || h.accepted("p") != "r2" {
			t.Errorf("it went back: a is %q, accepted %q", got, h.accepted("p"))
		}
		d.stop()
	})
}

func TestTheAgentsAreListedWithTheLeaderFirst(t *testing.T) {
	h, _ := shared(t)
	a := New(Options{Clusters: []*Cluster{h.Cluster, {Name: "other"}}, Name: "me", Host: "here"})
	all, err := a.Agents(t.Context())
	if err != nil || len(all) != 3 || all[0].Agent != "b" || all[0].Ledger != LedgerKafka || all[1].Agent != "z" || all[2].Agent != "me" || all[2].Ledger != LedgerFile {
		t.Errorf("%v, %+v", err, all)
	}
}

func TestAStandingIsSaidInWords(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for want, s := range map[string]Standing{
		"leads since 2026-03-01T12:00:00Z":                  {Leading: true, Agent: "a", Since: at},
		"standby, led by a on h since 2026-03-01T12:00:00Z": {Agent: "a", Host: "h", Since: at},
		"standby, led by nobody yet":                        {},
	} {
		if s.String() != want {
			t.Errorf("%q, want %q", s, want)
		}
	}
}
