package repository_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"gocloud.dev/blob/memblob"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/retention"
	"github.com/ottla-io/ottla/sinks/backup/store/storetest"
	"github.com/ottla-io/ottla/sinks/backup/store/through"
)

// steps of the model test.
const steps = 10_000

// model is agents that back up a source, drop and sweep, crash and meet each
// other, beside what every point contained when it was committed.
type model struct {
	t       *testing.T
	world   *world
	rng     *rand.Rand
	source  *source
	enc     *batch.Encoder
	agents  []*agent
	points  map[int64]contents // kept or dropped, not yet swept
	ends    map[int64]map[string]partitionEnd
	dropped map[int64]bool
	written map[string]int // successful writes by name
	ran     map[string]int // what happened how often
}

// partitionEnd is where a point's partition ends, and when that was.
type partitionEnd struct {
	id      string
	end, at int64
}

// agent is a process with its own connection to the bucket, which can fail.
type agent struct {
	faults *storetest.Faults
	opts   repository.Options
	repo   *repository.Repository
}

func TestNothingOfAKeptPointIsEverLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel(t)
		n := steps
		if testing.Short() {
			n /= 10
		}
		for step := range n {
			m.step()
			if t.Failed() {
				t.Fatalf("at step %d", step)
			}
		}
		m.checkPoints(slices.Sorted(maps.Keys(m.points)))
		m.everythingElseIsSwept()
		for name, times := range m.written {
			if times > 1 {
				t.Errorf("%s was written %d times", name, times)
			}
		}
		t.Logf("%d steps: %v", n, m.ran)
	})
}

func newModel(t *testing.T) *model {
	enc, err := batch.NewEncoder(batch.None, 0)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(4, 20261121))
	m := &model{
		t: t, rng: rng, source: newSource(rng), enc: enc, points: map[int64]contents{}, ends: map[int64]map[string]partitionEnd{},
		dropped: map[int64]bool{}, written: map[string]int{}, ran: map[string]int{},
	}
	m.world = &world{t: t, bucket: memblob.OpenBucket(nil)}
	counted := through.Bucket(m.world.bucket, func(_ context.Context, op through.Op, key string, do func() error) error {
		err := do()
		if op == through.Write && err == nil {
			m.written[key]++
		}
		return err
	})
	t.Cleanup(func() { _ = counted.Close() })
	for i := range 2 {
		a := &agent{faults: &storetest.Faults{}}
		a.opts = repository.Options{
			Bucket: a.faults.Wrap(counted), Identity: format.Identity{Namespace: "default", Name: "nightly", Cluster: "cluster-1"},
			Writer: fmt.Sprintf("host/%d", i),
		}
		m.agents = append(m.agents, a)
		m.world.opts = a.opts
		m.restart(a)
	}
	return m
}

// restart is a new process: nothing is remembered, the network is well.
func (m *model) restart(a *agent) {
	a.faults.Heal()
	a.faults.Reset()
	repo, err := repository.Open(m.t.Context(), a.opts)
	if err != nil {
		m.t.Fatal(err)
	}
	a.repo = repo
}

func (m *model) step() {
	a := m.agents[m.rng.IntN(len(m.agents))]
	switch n := m.rng.IntN(1000); {
	case n < 800:
		m.source.change()
	case n < 860:
		m.act(a, "run", m.run)
	case n < 875:
		m.act(a, "drop", m.drop)
	case n < 890:
		m.act(a, "sweep", m.sweep)
	case n < 894:
		m.stale()
	case n < 897:
		m.verify(a)
	case n < 900:
		m.restart(a)
	default:
		pass(time.Duration(m.rng.Int64N(int64(20 * time.Hour))))
	}
}

// act does something under the lease, and dies at any of its calls now and then.
func (m *model) act(a *agent, what string, do func(context.Context, *agent, *repository.Lease) error) {
	m.ran[what]++
	dies := m.rng.IntN(4) == 0
	if dies {
		when := []storetest.When{storetest.Before, storetest.After}[m.rng.IntN(2)]
		if m.rng.IntN(2) == 0 {
			a.faults.Die(1+m.rng.IntN(6), when, through.Write, through.Delete)
		} else {
			a.faults.Die(1+m.rng.IntN(60), when)
		}
	}
	ctx, end := context.WithCancel(m.t.Context())
	err := m.leased(ctx, a, do)
	end()
	synctest.Wait()
	var held *repository.HeldError
	switch {
	case err == nil || errors.As(err, &held):
	case !dies:
		m.t.Errorf("%s: %v", what, err)
	default:
		m.ran[what+" died"]++
	}
	if dies {
		m.restart(a)
	}
	if held == nil && m.rng.IntN(3) == 0 || what == "sweep" {
		m.checkSome()
	}
}

func (m *model) leased(ctx context.Context, a *agent, do func(context.Context, *agent, *repository.Lease) error) error {
	if err := a.repo.Begin(ctx); err != nil {
		return err
	}
	l, err := a.repo.Acquire(ctx, time.Minute)
	if err != nil {
		return err
	}
	if err := do(ctx, a, l); err != nil {
		return err // as a process that died: the lease runs out
	}
	return l.Release(ctx)
}

// run makes a point of the source as it is.
func (m *model) run(ctx context.Context, a *agent, l *repository.Lease) error {
	man, want, ends, err := m.capture(ctx, a)
	if err != nil {
		return err
	}
	return m.commit(ctx, a, l, man, want, ends)
}

// commit commits, and believes that the point is there only if it is.
func (m *model) commit(ctx context.Context, a *agent, l *repository.Lease, man format.Manifest, want contents, ends map[string]partitionEnd) error {
	before := m.world.names("points/")
	_, err := a.repo.Commit(ctx, l, man)
	for _, name := range m.world.names("points/") {
		if !slices.Contains(before, name) {
			var n int64
			if _, err := fmt.Sscanf(name, "points/%d.manifest", &n); err != nil {
				m.t.Fatal(err)
			}
			m.points[n], m.ends[n] = want, ends
		}
	}
	return err
}

// capture writes the packs of a run, as capture does, and says what its point contains.
func (m *model) capture(ctx context.Context, a *agent) (man format.Manifest, want contents, ends map[string]partitionEnd, err error) {
	man = format.Manifest{Kind: format.Scheduled, Began: time.Now(), Taken: time.Now(), Ended: time.Now(), Software: "test"}
	before, known := contents{}, map[string]partitionEnd{}
	parent, err := a.repo.Newest(ctx)
	if err == nil {
		man.Parent, before, known = parent.Number, m.points[parent.Number], m.ends[parent.Number]
	} else if !errors.Is(err, repository.ErrNoPoint) {
		return man, nil, nil, err
	}
	out := &runWriter{m: m, ctx: ctx, a: a, part: format.Part{Writer: a.opts.Writer}}
	defer out.abort()
	want, ends = contents{}, map[string]partitionEnd{}
	for _, name := range sortedNames(m.source.topics) {
		t := m.source.topics[name]
		topic := format.Topic{Name: name, ID: t.id, Replicas: 1, Timestamps: "CreateTime"}
		for i, log := range t.partitions {
			key := fmt.Sprintf("%s/%d", name, i)
			base := log.start
			if k, ok := known[key]; ok && k.id == t.id {
				base = log.base(k.end, k.at)
			}
			want[key] = append(between(before[key], log.start, base), log.lines(base, log.end)...)
			ends[key] = partitionEnd{t.id, log.end, m.source.clock}
			topic.Partitions = append(topic.Partitions, format.Partition{Partition: int32(i), Start: log.start, Base: base, End: log.end, High: log.end, Epoch: -1})
			if err := out.copy(log, format.Frame{Topic: name, TopicID: t.id, Partition: int32(i)}, base); err != nil {
				return man, nil, nil, err
			}
		}
		man.Topics = append(man.Topics, topic)
	}
	err = out.close()
	man.Parts = []format.Part{out.part}
	return man, want, ends, err
}

// between are the lines with offsets in [from, to).
func between(lines []string, from, to int64) (inside []string) {
	for _, l := range lines {
		var o int64
		if _, err := fmt.Sscanf(l, "%d ", &o); err == nil && o >= from && o < to {
			inside = append(inside, l)
		}
	}
	return inside
}

// runWriter writes frames into packs.
type runWriter struct {
	m    *model
	ctx  context.Context
	a    *agent
	part format.Part
	pack *repository.PackWriter
}

func (w *runWriter) copy(log *modelLog, f format.Frame, base int64) error {
	frames, bodies := log.frames(w.m.t, w.m.source, w.m.enc, f, base, log.end)
	for i := range frames {
		if len(bodies[i]) == 0 {
			w.part.Empty = append(w.part.Empty, frames[i])
			continue
		}
		if w.pack == nil {
			var err error
			if w.pack, err = w.a.repo.NewPack(w.ctx); err != nil {
				return err
			}
		}
		if err := w.pack.Add(frames[i], bodies[i]); err != nil {
			return err
		}
		if w.m.rng.IntN(10) == 0 {
			if err := w.close(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *runWriter) close() error {
	if w.pack == nil {
		return nil
	}
	pack, err := w.pack.Close()
	w.pack = nil
	if err == nil {
		w.part.Packs = append(w.part.Packs, pack)
	}
	return err
}

func (w *runWriter) abort() {
	if w.pack != nil {
		w.pack.Abort()
	}
}

// drop applies a random policy.
func (m *model) drop(ctx context.Context, a *agent, l *repository.Lease) error {
	entries, err := a.repo.Points(ctx)
	if err != nil {
		return err
	}
	var points []retention.Point
	for _, e := range entries {
		if e.Bad != "" && e.Removed == "" {
			m.t.Errorf("point %d is bad: %s", e.Manifest.Number, e.Bad)
		}
		if e.Removed == "" {
			points = append(points, retention.Point{Number: e.Manifest.Number, Taken: e.Manifest.Taken, Good: e.Bad == ""})
		}
	}
	decisions, err := retention.Apply(points, retention.Policy{Last: 1 + m.rng.IntN(6), Daily: m.rng.IntN(4)}, time.Now())
	if err != nil {
		return err
	}
	why := map[int64]string{}
	for _, d := range decisions {
		if len(d.Keep) == 0 {
			why[d.Point.Number] = d.Drop
		}
	}
	err = a.repo.Remove(ctx, l, why)
	m.seeDropped()
	return err
}

// seeDropped looks in the bucket itself which points have a tombstone.
func (m *model) seeDropped() {
	for _, name := range m.world.names("removals/") {
		var r format.Removal
		if _, err := format.Open(m.world.get(name), format.KindRemoval, &r); err != nil {
			m.t.Fatal(err)
		}
		for n := range r.Points {
			m.dropped[n] = true
		}
	}
}

func (m *model) sweep(ctx context.Context, a *agent, l *repository.Lease) error {
	m.seeDropped()
	dry, err := a.repo.Sweep(ctx, nil, true)
	if err != nil {
		return err
	}
	done, err := a.repo.Sweep(ctx, l, false)
	if err == nil && !a.faults.Planned() && (dry.Objects != done.Objects || dry.Bytes != done.Bytes || dry.Moved != done.Moved || len(done.Deferred) > 0 || len(done.Refused) > 0) {
		m.t.Errorf("a dry sweep says %+v, a real one %+v", dry, done)
	}
	m.ran["swept"] += done.Objects
	m.ran["bytes moved"] += int(done.Moved)
	return err
}

// stale is a writer that hangs in the middle of a run, while another takes over.
func (m *model) stale() {
	m.ran["stale"]++
	first, second := m.agents[0], m.agents[1]
	ctx, end := context.WithCancel(m.t.Context())
	defer end()
	l, err := first.repo.Acquire(ctx, time.Minute)
	if err != nil {
		return
	}
	man, want, ends, err := m.capture(ctx, first)
	if err != nil {
		m.t.Errorf("capture: %v", err)
		return
	}
	first.faults.Die(1, storetest.Before)
	pass(2*time.Minute + time.Duration(m.rng.Int64N(int64(30*time.Hour))))
	m.source.change()
	m.act(second, "run", m.run)
	if m.rng.IntN(2) == 0 {
		m.act(second, "sweep", m.sweep)
	}
	first.faults.Heal()
	if err := m.commit(ctx, first, l, man, want, ends); err == nil {
		m.t.Errorf("a writer that lost its lease has committed")
	}
	end()
	synctest.Wait()
	m.restart(first)
	m.checkSome()
}

func (m *model) verify(a *agent) {
	m.ran["verify"]++
	level := []repository.Level{repository.Structure, repository.Subset, repository.Data}[m.rng.IntN(3)]
	found, err := a.repo.Verify(m.t.Context(), repository.VerifyOptions{Level: level, Share: 0.3})
	if err != nil {
		m.t.Errorf("verify: %v", err)
	}
	for _, v := range found {
		if !v.Good || len(v.Found) > 0 {
			m.t.Errorf("verification of point %d: %q", v.Point, v.Found)
		}
		if want, err := oneByOne(m.t.Context(), a.repo, v.Point); level == repository.Data && (err != nil || !slices.Equal(want, v.Digests)) {
			m.t.Errorf("digests of point %d: %+v, want %+v %v", v.Point, v.Digests, want, err)
		}
	}
}
