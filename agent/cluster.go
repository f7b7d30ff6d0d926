package agent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sources"
)

// Target is a connected cluster.
type Target interface {
	// ID is the id the cluster gave itself.
	ID(context.Context) (string, error)
	// Kinds lists its live kinds in the order in which they are written.
	Kinds() []reconcile.Kind
	Close()
}

// Cluster is one cluster with the syncs that are kept on it. One round runs at
// a time; its ledger is written by nobody else.
type Cluster struct {
	Name     string
	Interval time.Duration // between rounds
	Settle   time.Duration // how long an acknowledged change may take to show
	Connect  func(context.Context) (Target, error)
	Ledger   reconcile.Ledger
	Election Election // nil where the ledger is this agent's alone
	Key      []byte   // seals secrets
	Syncs    []*Sync
	Work     Work // what goes on beside the rounds; may be nil
	// Preparer takes final backups before something is taken away for good; may be nil.
	Preparer Preparer
	Now      func() time.Time
	// Step is called by name between any two steps of a round. It may be nil.
	Step func(string)

	mu     sync.Mutex
	target Target
	look   looker
	proofs prover
}

// batchSize is how many changes one intent holds: a thousand topics are one
// request, and the broker publishes them as one.
const batchSize = 1000

// scene is what one round knows: the cluster, the ledger, and what each sync
// declares.
type scene struct {
	target Target
	id     string
	state  *reconcile.State
	seen   seen
	report *Report
}

// Round is the whole story: what is declared, what lives, what differs, what is
// done about it, and whether it shows.
func (c *Cluster) Round(ctx context.Context, scope reconcile.Scope) Report {
	return c.RoundAsAgreed(ctx, scope, nil)
}

// RoundAsAgreed is a Round that carries out only plans somebody agreed to.
func (c *Cluster) RoundAsAgreed(ctx context.Context, scope reconcile.Scope, agreed Agreement) Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	report := Report{Cluster: c.Name, Began: c.Now()}
	s, known := c.survey(ctx, &report, scope, true)
	for i, sync := range known {
		c.step("before plan")
		c.plan(ctx, s, sync, &report.Syncs[i], scope, sync.Mode != Observe)
		c.step("after plan")
		if report.Syncs[i].RunErr = agreed.covers(c.Name, report.Syncs[i]); report.Syncs[i].RunErr != nil {
			continue
		}
		c.carryOut(ctx, s, sync, &report.Syncs[i])
	}
	return c.end(report)
}

// Plan is a round that stops before anything is written.
func (c *Cluster) Plan(ctx context.Context, scope reconcile.Scope) Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.propose(ctx, scope)
}

// propose is Plan for whoever holds the lock.
func (c *Cluster) propose(ctx context.Context, scope reconcile.Scope) Report {
	report := Report{Cluster: c.Name, Began: c.Now()}
	s, known := c.survey(ctx, &report, scope, false)
	for i, sync := range known {
		c.plan(ctx, s, sync, &report.Syncs[i], scope, false)
	}
	return c.end(report)
}

// survey learns what is declared and what lives. It returns the syncs that can
// be planned: none where the cluster or its ledger could not be read.
func (c *Cluster) survey(ctx context.Context, report *Report, scope reconcile.Scope, accept bool) (*scene, []*Sync) {
	s, err := c.begin(ctx, report, accept)
	if err == nil {
		err = c.observe(ctx, s, scope)
	}
	if err != nil {
		report.Err = err
		return nil, nil
	}
	return s, c.Syncs
}

func (c *Cluster) end(r Report) Report {
	r.Took = c.Now().Sub(r.Began)
	return r
}

func (c *Cluster) step(name string) {
	if c.Step != nil {
		c.Step(name)
	}
}

// begin replays the ledger, brings every sync up to its newest revision, and
// reaches the cluster. What is declared is looked at even where the cluster is
// down, so that a bad revision is told at once.
func (c *Cluster) begin(ctx context.Context, report *Report, accept bool) (*scene, error) {
	state, err := c.Ledger.Replay(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the ledger of cluster %s: %w", c.Name, err)
	}
	c.step("after replay")
	if err := c.lookAtAll(ctx, state, report, accept); err != nil {
		return nil, err
	}
	c.step("after look")
	target, id, err := c.reach(ctx)
	if err != nil {
		return nil, &sources.HintError{Err: fmt.Errorf("reach cluster %s: %w", c.Name, err), Hint: "ottla check tries every step on the way"}
	}
	report.ClusterID = id
	return &scene{target: target, id: id, state: state, report: report}, nil
}

// lookAtAll looks at every sync. Each feed is read once: syncs that share one
// see the same revision, or what moves between them in one commit would for a
// moment be declared by none.
func (c *Cluster) lookAtAll(ctx context.Context, state *reconcile.State, report *Report, accept bool) error {
	news := map[*Feed]fetched{}
	var errs []error
	for _, sync := range c.Syncs {
		if _, read := news[sync.Feed]; !read {
			news[sync.Feed] = sync.Feed.newest(ctx)
		}
		r, err := sync.look(ctx, news[sync.Feed], c.looking(state, sync, accept))
		report.Syncs = append(report.Syncs, r)
		errs = append(errs, err)
	}
	return errors.Join(append(errs, ctx.Err())...)
}

// looking says what the ledger knows of a sync's revisions. One that was
// accepted from another repository or ref says nothing of this one, and stays
// where it is until a person confirms the new binding.
func (c *Cluster) looking(state *reconcile.State, sync *Sync, accept bool) looking {
	l := looking{key: c.Key, now: c.Now()}
	same := true
	if section := state.Sections[sync.Name]; section != nil {
		bound := section.Binding
		l.known = section.Accepted
		same = bound.Repository == sync.Binding.Repository && bound.Ref == sync.Binding.Ref
		if same {
			l.accepted = section.Accepted
		}
		same = same || bound == reconcile.Binding{}
	}
	if accept && same && sync.Mode != Observe {
		l.accept = c.accept
	}
	return l
}

func (c *Cluster) accept(ctx context.Context, sync, revision string) error {
	return c.append(ctx, reconcile.Entry{Sync: sync, Accepted: revision})
}

// reach connects where that has not been done, and asks for the cluster's id
// each time: an address may lead to another cluster tomorrow.
func (c *Cluster) reach(ctx context.Context) (Target, string, error) {
	if c.target == nil {
		target, err := c.Connect(ctx)
		if err != nil {
			return nil, "", err
		}
		c.target = target
	}
	id, err := c.target.ID(ctx)
	if err != nil {
		c.target.Close()
		c.target = nil
		return nil, "", err
	}
	return c.target, id, nil
}

// Close closes the connection, if there is one.
func (c *Cluster) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.target != nil {
		c.target.Close()
		c.target = nil
	}
}

// plan makes a sync's plan: diff, what the brokers say of it, the guards, what
// people confirmed, and what must be done before; with begin that is begun.
func (c *Cluster) plan(ctx context.Context, s *scene, sync *Sync, r *SyncReport, scope reconcile.Scope, begin bool) {
	if sync.good == nil {
		return
	}
	plan := reconcile.Diff(c.input(s, sync, scope))
	plan, err := c.check(ctx, s, plan)
	if err != nil {
		r.CheckErr = fmt.Errorf("let the brokers check the plan of sync %s: %w", sync.Name, err)
	}
	plan = plan.Guarded(sync.Guards...)
	r.Plan = c.prepared(ctx, plan.Confirmed(s.state.Confirmed(sync.Name, c.Now())), begin)
	r.Holds = r.Plan.Held()
}

func (c *Cluster) input(s *scene, sync *Sync, scope reconcile.Scope) reconcile.Input {
	binding := sync.Binding
	binding.Cluster = s.id
	return reconcile.Input{
		Sync: sync.Name, Revision: sync.good.snapshot.Revision, Now: c.Now(),
		Binding: binding, Scope: scope, Want: sync.want(),
		Have: s.seen.live(), Unknown: s.unknownTo(sync), State: s.state,
		Rules: c.rules(s, sync), Others: c.others(sync),
	}
}

func (c *Cluster) rules(s *scene, sync *Sync) map[string]reconcile.Rules {
	rules := map[string]reconcile.Rules{}
	for _, k := range s.target.Kinds() {
		rules[k.Name()] = k.Rules()
	}
	if sync.Rules != nil {
		rules = sync.Rules(rules)
	}
	return rules
}

func (c *Cluster) others(of *Sync) map[string]reconcile.Claimant {
	others := map[string]reconcile.Claimant{}
	for _, s := range c.Syncs {
		if s != of {
			others[s.Name] = s.claimant(of)
		}
	}
	return others
}

// check asks the kinds that can validate about what would be carried out. What
// could not be checked waits; the other kinds go on.
func (c *Cluster) check(ctx context.Context, s *scene, plan reconcile.Plan) (reconcile.Plan, error) {
	var errs []error
	for _, k := range s.target.Kinds() {
		checker, can := k.(reconcile.Checker)
		changes := proposed(plan, k.Name())
		if !can || len(changes) == 0 {
			continue
		}
		verdicts, err := checker.Check(ctx, changes)
		plan = plan.Judged(verdicts)
		if err != nil {
			plan = plan.Guarded(reconcile.Postpone(k.Name(), "the brokers could not be asked to check it"))
			errs = append(errs, err)
		}
	}
	return plan, errors.Join(errs...)
}

func proposed(plan reconcile.Plan, kind string) []reconcile.Change {
	var changes []reconcile.Change
	for _, ch := range plan.Changes {
		if ch.ID.Kind == kind && (ch.Action == reconcile.Create || ch.Action == reconcile.Update && len(ch.Fields) > 0) {
			changes = append(changes, ch)
		}
	}
	return changes
}

// carryOut does what goes ahead of a plan, and looks again until it shows.
// Nothing is written for a sync that only observes.
func (c *Cluster) carryOut(ctx context.Context, s *scene, sync *Sync, r *SyncReport) {
	if sync.good == nil || sync.Mode == Observe {
		return
	}
	began := c.Now()
	r.Outcomes, r.RunErr = c.runner(s).Run(ctx, r.Plan)
	c.step("after run")
	c.settle(ctx, s, sync, r)
	c.brief(s) // what was applied now is at work now
	r.Took = c.Now().Sub(began)
}

func (c *Cluster) runner(s *scene) reconcile.Runner {
	runner := reconcile.Runner{
		Size: batchSize, Kinds: map[string]reconcile.Kind{}, Ledger: c.Ledger, Now: c.Now, Step: c.Step,
	}
	for _, k := range s.target.Kinds() {
		runner.Order = append(runner.Order, k.Name())
		runner.Kinds[k.Name()] = k
		if c.Preparer != nil {
			runner.Kinds[k.Name()] = assured{k, c.Preparer}
		}
	}
	return runner
}
