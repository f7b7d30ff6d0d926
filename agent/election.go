package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ottla-io/ottla/reconcile"
)

// Election is how one of several agents comes to work on a cluster. It is safe
// for concurrent use.
type Election interface {
	// Lead calls do whenever this agent leads, with a context that ends when it
	// no longer does, until ctx ends.
	Lead(ctx context.Context, do func(context.Context))
	// Claim is nil where this agent leads. One that takes part in no election
	// yet waits for one; NotLeaderError says who leads.
	Claim(context.Context) error
	Standing() Standing
	Agents(context.Context) ([]AgentView, error)
}

// Standing is how an agent stands to a cluster that several agents keep.
type Standing struct {
	Leading bool      `json:"leading"`
	Agent   string    `json:"agent,omitempty"` // that leads, or led last
	Host    string    `json:"host,omitempty"`
	Since   time.Time `json:"since,omitzero"`
	Problem *Problem  `json:"problem,omitempty"` // why this agent cannot lead
}

// String is "standby, led by a on h since T".
func (s Standing) String() string {
	switch {
	case s.Leading:
		return "leads since " + s.Since.UTC().Format(time.RFC3339)
	case s.Agent == "":
		return "standby, led by nobody yet"
	default:
		return fmt.Sprintf("standby, led by %s on %s since %s", s.Agent, s.Host, s.Since.UTC().Format(time.RFC3339))
	}
}

// AgentView is one agent of a cluster, for `ottla get agents`.
type AgentView struct {
	Cluster string    `json:"cluster"`
	Agent   string    `json:"agent"`
	Host    string    `json:"host"`
	Role    string    `json:"role"` // leader, standby
	Since   time.Time `json:"since,omitzero"`
	Ledger  string    `json:"ledger"` // file, kafka
}

// The roles.
const (
	RoleLeader  = "leader"
	RoleStandby = "standby"
)

// NotLeaderError says that another agent leads, or nobody does yet.
type NotLeaderError struct{ Err error }

// Error says who does.
func (e *NotLeaderError) Error() string { return e.Err.Error() }

// Unwrap returns the error behind it.
func (e *NotLeaderError) Unwrap() error { return e.Err }

func isNotLeader(err error) bool {
	var not *NotLeaderError
	return errors.As(err, &not)
}

// leads is nil where this agent may write to the cluster.
func (c *Cluster) leads(ctx context.Context) error {
	if c.Election == nil {
		return nil
	}
	return c.Election.Claim(ctx)
}

// deposed tells that what a round said is not ours to tell any more.
func (c *Cluster) deposed() bool { return c.Election != nil && !c.Election.Standing().Leading }

// claimed are the clusters that this agent leads, by their place. It is an error
// where it leads none of them.
func (a *Agent) claimed(ctx context.Context) (map[int]error, error) {
	not := map[int]error{}
	for i, c := range a.Clusters {
		err := c.leads(ctx)
		switch {
		case isNotLeader(err):
			not[i] = err
		case err != nil:
			return nil, err
		}
	}
	if len(not) == len(a.Clusters) && len(not) > 0 {
		return nil, not[0]
	}
	return not, nil
}

// Agents lists those who keep the clusters, the leaders first.
func (a *Agent) Agents(ctx context.Context) ([]AgentView, error) {
	var all []AgentView
	for _, c := range a.Clusters {
		if c.Election == nil {
			all = append(all, AgentView{Cluster: c.Name, Agent: a.Name, Host: a.Host, Role: RoleLeader, Since: a.since(), Ledger: LedgerFile})
			continue
		}
		some, err := c.Election.Agents(ctx)
		if err != nil {
			return nil, fmt.Errorf("cluster %s: %w", c.Name, err)
		}
		for _, one := range some {
			one.Cluster, one.Ledger = c.Name, LedgerKafka
			all = append(all, one)
		}
	}
	slices.SortStableFunc(all, func(x, y AgentView) int {
		return cmp.Or(strings.Compare(x.Cluster, y.Cluster), strings.Compare(x.Role, y.Role), strings.Compare(x.Agent, y.Agent))
	})
	return all, nil
}

func (a *Agent) since() time.Time {
	if t := a.began.Load(); t != nil {
		return *t
	}
	return time.Time{}
}

// attend has a cluster kept: at once where its ledger is ours alone, and
// otherwise whenever we lead. Until then its syncs are kept warm.
func (a *Agent) attend(ctx context.Context, at int) {
	c := a.Clusters[at]
	if c.Election == nil {
		a.serve(ctx, at)
		return
	}
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		a.standBy(waiting, at)
	}()
	c.Election.Lead(ctx, func(ctx context.Context) {
		a.led(c.Name, true)
		defer a.led(c.Name, false)
		c.accede(ctx)
		a.serve(ctx, at)
	})
	<-ended
}

func (a *Agent) led(cluster string, leads bool) {
	if a.Led != nil {
		a.Led(cluster, leads)
	}
}

// standBy fetches and renders what is declared at the cluster's interval while
// another agent leads, so that the first round after a takeover finds it.
func (a *Agent) standBy(ctx context.Context, at int) {
	c := a.Clusters[at]
	for {
		if !c.Election.Standing().Leading {
			if r, waits := c.warm(ctx); waits && ctx.Err() == nil && a.Stood != nil {
				a.Stood(r)
			}
		}
		timer := time.NewTimer(c.Interval)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// warm looks at what is declared, and writes nothing. It is no report where we
// came to lead meanwhile.
func (c *Cluster) warm(ctx context.Context) (Report, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	report := Report{Cluster: c.Name, Began: c.Now()}
	state, err := c.Ledger.Replay(ctx)
	if err != nil {
		report.Err = fmt.Errorf("read the ledger of cluster %s: %w", c.Name, err)
		state = reconcile.NewState()
	}
	if !c.deposed() {
		return report, false
	}
	_ = c.lookAtAll(ctx, state, &report, false) // nothing is written: it is ctx that ended
	for i := range report.Syncs {
		report.Syncs[i].Standby = true
	}
	return c.end(report), true
}

// accede forgets what was read while another agent led, unless it is what that
// agent kept: a standby whose repository lags must not go back behind it.
func (c *Cluster) accede(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	state, err := c.Ledger.Replay(ctx)
	if err != nil {
		return // the round tells of it, and keeps nothing
	}
	for _, s := range c.Syncs {
		accepted := ""
		if section := state.Sections[s.Name]; section != nil {
			accepted = section.Accepted
		}
		if s.good == nil || s.good.snapshot.Revision == accepted {
			continue
		}
		s.good, s.rejected, s.lost = nil, verdict{}, verdict{}
		bounded, cancel := context.WithTimeout(ctx, recallMost)
		s.Feed.refresh(bounded)
		cancel()
	}
}
