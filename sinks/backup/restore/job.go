package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// job is one restore under way.
type job struct {
	o        Options
	target   *target
	journal  *journal
	rec      record
	layout   *layout
	maps     *mapper
	ids      map[string][16]byte // of target topics
	limits   *limits
	frames   budget    // memory of what was read
	cuts     budget    // memory of batches of our own making
	buffers  sync.Pool // of *[]byte: frames that nobody reads any more
	patience time.Duration
	began    time.Time
	plan     Plan
	expiry   map[string]int64 // records that retention will remove, by target

	done, bytes  atomic.Int64 // records and bytes that are in the target, by this run
	raw, encoded atomic.Int64
	skipped      atomic.Int64 // records that were in the target before this run
	finishedLen  atomic.Int64 // partitions
	mu           sync.Mutex
	current      string // phase
	halted       []*ForeignWriteError
	left         []string
	proof        []format.Digest
	unequal      []string
}

// Run restores. Killed and run again under its name it goes on, and doubles
// nothing; one that is done says so and does nothing. What it was stopped for
// is in the error; a *ForeignWriteError is among the errors for each partition
// that somebody else wrote to.
func Run(ctx context.Context, o Options) (Report, error) {
	j, err := open(ctx, o)
	if err != nil {
		return Report{}, err
	}
	defer j.target.close()
	if j.rec.Phase == finished {
		return j.again(ctx)
	}
	stop := j.reporting()
	defer stop()
	err = j.carryOut(ctx)
	return j.report(), err
}

// open reads the record, the point and the state of the target.
func open(ctx context.Context, o Options) (*job, error) {
	if o.Name == "" || strings.ContainsAny(o.Name, "/\\") || strings.HasSuffix(o.Name, "-offsets") {
		return nil, fmt.Errorf("restore %q: a restore needs a name, under which it is recorded, without slashes and without -offsets at its end", o.Name)
	}
	journal, rec, err := openJournal(ctx, o.Repository, o.Name)
	if err != nil {
		return nil, err
	}
	if rec.Phase == abandoning || rec.Phase == abandoned {
		return nil, fmt.Errorf("restore %s was given up: what it wrote stays, and nothing is added to it; restore under a new name", o.Name)
	}
	if rec.Phase != "" && rec.Spec != o.digest() {
		return nil, rec.belongs(o, rec.Cluster)
	}
	point, err := pointOf(ctx, o, rec)
	if err != nil {
		return nil, err
	}
	absent, err := unknown(ctx, point, o)
	if err != nil {
		return nil, err
	}
	t, err := dial(ctx, o, min(maxClients, o.concurrency()))
	if err != nil {
		return nil, err
	}
	j := &job{o: o, target: t, journal: journal, rec: rec, limits: newLimits(o), patience: 4 * timeoutOf(o), began: o.now(), expiry: map[string]int64{}}
	j.frames, j.cuts = newBudget(o.memory()/4), newBudget(o.memory()/8)
	var problems []Problem
	j.layout, problems = lay(point, o)
	if err := j.survey(ctx, append(absent, problems...)); err != nil {
		t.close()
		return nil, err
	}
	return j, nil
}

// pointOf reads the point: the one that was fixed when the restore began.
func pointOf(ctx context.Context, o Options, rec record) (*repository.Point, error) {
	n := o.Point
	if rec.Phase != "" {
		n = rec.Point
	}
	if n == 0 {
		return o.Repository.Newest(ctx)
	}
	return o.Repository.Point(ctx, n)
}

// carryOut goes on from the phase that is written down.
func (j *job) carryOut(ctx context.Context) error {
	if len(j.plan.Problems) > 0 {
		return &ProblemsError{j.plan.Problems}
	}
	j.maps = newMapper(j.o.Repository, j.o.Name)
	for _, step := range []struct {
		before string
		do     func(context.Context) error
	}{
		{"", j.begins},
		{planned, j.prepare},
		{prepared, j.fill},
		{loaded, j.complete},
	} {
		if j.rec.Phase != step.before {
			continue
		}
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("restore %s: %w", j.o.Name, err)
		}
	}
	return nil
}

// begins writes down what is to be done, before anything is.
func (j *job) begins(ctx context.Context) error {
	if err := j.o.Repository.Begin(ctx); err != nil {
		return err
	}
	return j.advance(ctx, planned)
}

// advance writes the next phase down.
func (j *job) advance(ctx context.Context, phase string) error {
	j.step("before " + phase)
	j.rec.Phase = phase
	if err := j.journal.write(ctx, j.rec); err != nil {
		return err
	}
	j.step(phase)
	return nil
}

// fill writes the records and the map of offsets.
func (j *job) fill(ctx context.Context) error {
	if err := j.still(ctx); err != nil {
		return err
	}
	if err := j.load(ctx); err != nil {
		return errors.Join(err, j.giveUp(ctx))
	}
	id, err := j.maps.save(ctx)
	if err != nil {
		return err
	}
	j.rec.Maps = id
	for i, t := range j.rec.Topics {
		j.rec.Topics[i].Ends = map[int32]int64{}
		for p, start := range t.Starts {
			j.rec.Topics[i].Ends[p] = max(start, j.maps.ends[laneKey{t.Target, p}])
		}
	}
	return j.advance(ctx, loaded)
}

// still looks that the topics are those that the restore began with.
func (j *job) still(ctx context.Context) error {
	if err := j.appear(ctx); err != nil {
		return err
	}
	for _, t := range j.rec.Topics {
		if now := idText(j.ids[t.Target]); now != t.ID {
			return fmt.Errorf("topic %s was deleted and created anew (its id was %s and is %s) since the restore began: restore under a new name", t.Target, t.ID, now)
		}
	}
	return nil
}

// complete does what comes after the records.
func (j *job) complete(ctx context.Context) error {
	if err := j.still(ctx); err != nil {
		return err
	}
	if err := j.prove(ctx); err != nil {
		if len(j.unequal) > 0 { // the data is in, and stays: its topics need not stay lifted
			err = errors.Join(err, j.settle(ctx))
		}
		return err
	}
	if err := j.settle(ctx); err != nil {
		return err
	}
	j.step("topics configured")
	if err := j.groups(ctx); err != nil {
		return err
	}
	j.step("groups set")
	if err := j.access(ctx); err != nil {
		return err
	}
	r := j.report()
	j.rec.Report = &r
	return j.advance(ctx, finished)
}

// settle gives every topic its final configuration.
func (j *job) settle(ctx context.Context) error {
	j.phase("topics")
	changes := map[string]map[string]*string{}
	for i, t := range j.rec.Topics {
		tl := &j.layout.topics[i]
		set, note := tl.final(t, j.o.replicas(tl.source.Replicas))
		if note != "" {
			j.leave(t.Target + ": " + note)
		}
		changes[t.Target] = set
	}
	return j.patiently(ctx, func() error { return j.target.alter(ctx, changes) })
}

// giveUp settles the topics where the restore cannot go on, because somebody
// else wrote into them. One that was merely interrupted needs them as they are:
// it goes on later, or is abandoned.
func (j *job) giveUp(ctx context.Context) error {
	if len(j.foreign()) == 0 || ctx.Err() != nil {
		return nil
	}
	return j.settle(ctx)
}

func (j *job) layoutOf(target string) *topicLayout {
	i := slices.IndexFunc(j.layout.topics, func(t topicLayout) bool { return t.target == target })
	return &j.layout.topics[i]
}

func (j *job) topicRecord(target string) *topicRecord {
	i := slices.IndexFunc(j.rec.Topics, func(t topicRecord) bool { return t.Target == target })
	return &j.rec.Topics[i]
}

func (j *job) names() []string {
	out := make([]string, len(j.layout.topics))
	for i, t := range j.layout.topics {
		out[i] = t.target
	}
	return out
}
