package reconcile

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Batches cuts what goes ahead into requests' worth: bookkeeping first, then
// creates and updates in the order of kinds, then deletes in the reverse order.
// A deletion is a batch of one, so that what it rests on is looked at right
// before it.
func (p Plan) Batches(order []string, size int) [][]Change {
	var notes []Change
	writes, deletes := map[string][]Change{}, map[string][]Change{}
	for _, c := range p.Changes {
		e, some := c.Effective()
		switch {
		case !some:
		case e.Action == Note:
			notes = append(notes, e)
		case e.Action == Delete:
			deletes[e.ID.Kind] = append(deletes[e.ID.Kind], e)
		default:
			writes[e.ID.Kind] = append(writes[e.ID.Kind], e)
		}
	}
	order = complete(order, writes, deletes)
	batches := cut(notes, size)
	for _, kind := range order {
		batches = append(batches, cut(writes[kind], size)...)
	}
	for _, kind := range slices.Backward(order) {
		batches = append(batches, cut(deletes[kind], 1)...)
	}
	return batches
}

// complete adds the kinds that the order forgot: nothing drops out of sight.
func complete(order []string, of ...map[string][]Change) []string {
	order = slices.Clone(order)
	for _, m := range of {
		for _, kind := range sortedNames(m) {
			if kind != BindingKind && !slices.Contains(order, kind) {
				order = append(order, kind)
			}
		}
	}
	return order
}

func cut(changes []Change, size int) [][]Change {
	if len(changes) == 0 {
		return nil
	}
	return slices.Collect(slices.Chunk(changes, max(size, 1)))
}

// Runner carries plans out.
type Runner struct {
	Order  []string // of kinds
	Size   int      // changes in one batch
	Kinds  map[string]Kind
	Ledger Ledger
	Now    func() time.Time
	// Step is called by name between any two steps; tests kill the process there.
	// It may be nil.
	Step func(string)
}

// Run carries out what of the plan goes ahead: for each batch the intent is
// written, the kind applies it, each outcome is written as it comes. It stops
// between batches when the context ends or the ledger cannot be written: what
// is not journaled is not done. One failed change does not stop the rest, only
// what needs it.
func (r Runner) Run(ctx context.Context, p Plan) ([]Outcome, error) {
	run := run{Runner: r, plan: p, failed: p.blockedNeeds(), claims: map[ID]ID{}, unbound: p.binds()}
	for _, batch := range p.Batches(r.Order, r.Size) {
		if err := ctx.Err(); err != nil {
			return run.outcomes, err
		}
		if err := run.batch(ctx, batch); err != nil {
			return run.outcomes, err
		}
	}
	return run.outcomes, run.bind(ctx)
}

// binds tells a section that is bound for the first time, or anew because a
// person confirmed it.
func (p Plan) binds() bool {
	return p.Newborn || slices.ContainsFunc(p.Changes, func(c Change) bool {
		return c.ID.Kind == BindingKind && c.Confirmed != ""
	})
}

type run struct {
	Runner
	plan     Plan
	failed   map[ID]string
	claims   map[ID]ID // of jobs that this run started
	unbound  bool      // the section is still to be bound
	outcomes []Outcome
}

// blockedNeeds lists what will not be carried out, so that what needs it is
// skipped.
func (p Plan) blockedNeeds() map[ID]string {
	blocked := map[ID]string{}
	for _, c := range p.Changes {
		if c.Action != Note && !c.goesAhead() {
			blocked[c.ID] = "is not carried out"
		}
	}
	for _, u := range p.Unknown {
		blocked[u.ID] = "could not be observed"
	}
	return blocked
}

func (r *run) step(name string) {
	if r.Step != nil {
		r.Step(name)
	}
}

func (r *run) append(ctx context.Context, e Entry) error {
	e.Time, e.Sync, e.Revision = r.Now(), r.plan.Sync, r.plan.Revision
	// What happened is written down also when somebody wants us to stop.
	if err := r.Ledger.Append(context.WithoutCancel(ctx), e); err != nil {
		return fmt.Errorf("write the ledger: %w", err)
	}
	return nil
}

// bind ties the ledger's section to what is configured now. It comes after the
// bookkeeping: a newborn section must know which one-shots were already there
// before it counts as born.
func (r *run) bind(ctx context.Context) error {
	if !r.unbound {
		return nil
	}
	r.unbound = false
	r.step("before bind")
	return r.append(ctx, Entry{Bind: &r.plan.Binding})
}

func (r *run) batch(ctx context.Context, batch []Change) error {
	batch = r.ready(batch)
	if len(batch) == 0 {
		return nil
	}
	if batch[0].Action != Note {
		if err := r.bind(ctx); err != nil {
			return err
		}
	}
	r.step("before intent")
	if err := r.append(ctx, Entry{Intent: batch}); err != nil {
		return err
	}
	r.step("after intent")
	if batch[0].Action == Note {
		return nil
	}
	for _, c := range batch {
		for _, claimed := range c.Claims {
			r.claims[claimed] = c.ID
		}
	}
	return r.apply(ctx, batch)
}

// ready leaves out what needs something that failed or is not carried out.
func (r *run) ready(batch []Change) []Change {
	var out []Change
	for _, c := range batch {
		if words := r.unmet(c); words != "" {
			r.conclude(Outcome{ID: c.ID, Failed: words})
			continue
		}
		out = append(out, c)
	}
	return out
}

func (r *run) unmet(c Change) string {
	for _, need := range c.Needs {
		why := firstOf(r.failed[need], r.failed[ID{Kind: need.Kind}])
		if why != "" {
			return fmt.Sprintf("not tried: it needs %s, which %s", need, why)
		}
	}
	if job, ok := r.claims[c.ID]; ok && job != c.ID {
		return fmt.Sprintf("not tried: %s works on it", job)
	}
	return ""
}

func (r *run) conclude(o Outcome) {
	if o.Failed != "" || o.Unsure {
		r.failed[o.ID] = "failed"
	}
	r.outcomes = append(r.outcomes, o)
}

func (r *run) apply(ctx context.Context, batch []Change) error {
	kind := r.Kinds[batch[0].ID.Kind]
	if kind == nil {
		return fmt.Errorf("no kind %s is wired", batch[0].ID.Kind)
	}
	// Where the ledger cannot be written, nothing more is done.
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var broken error
	answered := map[ID]bool{}
	kind.Apply(ctx, batch, func(outcomes ...Outcome) {
		if len(outcomes) == 0 {
			return
		}
		r.step("before outcome")
		if err := r.append(ctx, Entry{Outcomes: outcomes}); err != nil && broken == nil {
			broken = err
			stop()
		}
		for _, o := range outcomes {
			answered[o.ID] = true
			r.conclude(o)
		}
		r.step("after outcome")
	})
	for _, c := range batch {
		if !answered[c.ID] {
			r.conclude(Outcome{ID: c.ID, Unsure: true, Failed: "no answer came"})
		}
	}
	return broken
}
