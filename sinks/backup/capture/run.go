package capture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// Run takes the lease, copies what is new up to the last stable offsets of now,
// and commits a point. After an error nothing is committed; packs that were
// written are swept later.
func Run(ctx context.Context, o Options) (report Report, err error) {
	err = with(ctx, o, func(ctx context.Context, s *session) error {
		report, err = s.run(ctx, 0)
		return err
	})
	return report, err
}

// run is one point in the making.
type run struct {
	*session
	cluster        *kgo.Client // for everything but the data
	began, taken   time.Time
	topics         []*topic
	groups         []format.Group
	share          []string
	acls           []format.ACL
	quotas         []format.Quota
	users          []format.User
	made           format.Part
	gone           format.Gone
	records, bytes int64
	stored         int64
	requests       int64

	mu     sync.Mutex
	notes  []string
	alerts []Alert
	again  []int // how often each alert came again
	marks  map[*topic]*bool
}

// run makes a point. age is how long a last stable offset may stand still
// beyond one interval before it is told.
func (s *session) run(ctx context.Context, age time.Duration) (Report, error) {
	r := &run{session: s, began: s.Now(), marks: make(map[*topic]*bool)}
	var point *repository.Point
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"connect", r.connect},
		{"parent and groups", r.readParent},
		{"topics", r.readTopics},
		{"configuration, access and offsets", r.readCluster},
		{"windows", func(context.Context) error { r.plan(); r.watch(age); return nil }},
		{"copy", r.copy},
		{"commit", func(ctx context.Context) (err error) { point, err = r.commit(ctx); return err }},
	} {
		s.Step(step.name)
		if err := step.do(ctx); err != nil {
			return r.report(nil), err
		}
	}
	s.Step("committed")
	s.parent = point
	return r.report(point), nil
}

func (r *run) connect(ctx context.Context) (err error) {
	r.cluster, err = r.clients.at(ctx, 0)
	return err
}

// readParent reads the newest good point and, at the same time, the groups.
func (r *run) readParent(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return r.readGroups(ctx) })
	if r.parent != nil {
		return group.Wait()
	}
	group.Go(func() error {
		parent, over, err := r.Repository.NewestGood(ctx)
		if err != nil && !errors.Is(err, repository.ErrNoPoint) {
			return fmt.Errorf("read the newest point: %w", err)
		}
		r.parent, r.looked = parent, r.Now()
		r.passed(over)
		return nil
	})
	return group.Wait()
}

// passed tells the points that this one does not stand on because they are no
// good. The next run stands on this one, and has nothing to tell.
func (r *run) passed(over []repository.NoGood) {
	if len(over) == 0 {
		return
	}
	words := fmt.Sprintf("point %d is no good: %s", over[0].Number, over[0].Why)
	if more := len(over) - 1; more > 0 {
		words += fmt.Sprintf(" (and %d more, down to point %d)", more, over[more].Number)
	}
	if r.parent == nil {
		words += "; none is good, so everything is copied anew"
	} else {
		words += fmt.Sprintf("; this run stands on point %d, and copies again what came after it", r.parent.Number)
	}
	r.alert(sinks.TroubleBad, "", words+": look whether a rule of the store, or somebody, deletes packs, and run ottla backup verify")
}

// readCluster reads all else but the data. The ends of the data are read after
// the groups.
func (r *run) readCluster(ctx context.Context) error {
	group, both := errgroup.WithContext(ctx)
	group.Go(func() error { return r.readConfigs(both) })
	group.Go(func() error { return r.readAccess(both) })
	group.Go(func() error {
		if err := r.readOffsets(both); err != nil {
			return err
		}
		return r.readEpochs(both)
	})
	if err := group.Wait(); err != nil {
		return err
	}
	r.settle()
	return nil
}

// mark notes what offsets told of a topic, while its configuration is read.
func (r *run) mark(t *topic, flag *bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.marks[t] = flag
}

// settle takes topics out that offsets told are gone, or not ours to read.
func (r *run) settle() {
	for t, flag := range r.marks {
		*flag = true
		r.topics = slices.DeleteFunc(r.topics, func(other *topic) bool { return other == t })
		if t.gone {
			r.note("%s was deleted while the run began; it is not in the point", t.Name)
			continue
		}
		r.unread(t.Name, "we may not describe it: grant Describe and Read on the topic")
	}
	slices.SortFunc(r.topics, func(a, b *topic) int { return strings.Compare(a.Name, b.Name) })
}

func (r *run) note(words string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, fmt.Sprintf(words, args...))
}

// alert is told to people, and noted in the point. What happens to many
// partitions of a topic is told once, with their number.
func (r *run) alert(kind sinks.Trouble, topic, words string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.alerts {
		if a := &r.alerts[i]; topic != "" && a.Kind == kind && a.Topic == topic {
			r.again[i]++
			return
		}
	}
	r.alerts = append(r.alerts, Alert{Kind: kind, Topic: topic, Words: words})
	r.again = append(r.again, 0)
}

// told are the alerts, as they are to be read.
func (r *run) told() []Alert {
	r.mu.Lock()
	defer r.mu.Unlock()
	told := slices.Clone(r.alerts)
	for i, more := range r.again {
		if more > 0 {
			told[i].Words += fmt.Sprintf(" (and so in %d more cases)", more)
		}
	}
	return told
}

// remarks are what the point says of itself.
func (r *run) remarks() []string {
	remarks := slices.Clone(r.notes)
	for _, a := range r.told() {
		if a.Topic != "" {
			a.Words = a.Topic + ": " + a.Words
		}
		remarks = append(remarks, a.Words)
	}
	return remarks
}

func (r *run) commit(ctx context.Context) (*repository.Point, error) {
	r.clamp()
	m, err := r.manifest()
	if err != nil {
		return nil, err
	}
	return r.Repository.Commit(ctx, r.lease, m)
}

func (r *run) manifest() (format.Manifest, error) {
	m := format.Manifest{
		Kind: r.Kind, Pinned: r.Pinned, Software: software(),
		Began: r.began, Taken: r.taken, Ended: r.Now(),
		Groups: r.groups, Share: r.share, ACLs: r.acls, Quotas: r.quotas, Users: r.users,
	}
	if r.parent != nil {
		m.Parent = r.parent.Number
	}
	records := recordsOf(r.made)
	for _, t := range r.topics {
		t.Partitions = nil
		for _, p := range t.parts {
			t.Partitions = append(t.Partitions, p.Partition)
		}
		r.empty(t, records[t.Name])
		m.Topics = append(m.Topics, t.Topic)
	}
	if len(r.made.Packs)+len(r.made.Empty) > 0 {
		m.Parts = []format.Part{r.made}
	}
	m.Notes = r.remarks()
	return m, whole(m)
}

func recordsOf(p format.Part) map[string]int64 {
	records := make(map[string]int64)
	for _, pack := range p.Packs {
		for _, f := range pack.Frames {
			records[f.Topic] += f.Records
		}
	}
	return records
}

// whole holds a manifest against its promise before it is made: the frames of
// every partition cover [Base, End), without a hole and without overlap.
func whole(m format.Manifest) error {
	frames := make(map[place][]format.Frame)
	take := func(f format.Frame) {
		at := place{f.Topic, f.Partition}
		frames[at] = append(frames[at], f)
	}
	for _, part := range m.Parts {
		for _, pack := range part.Packs {
			for _, f := range pack.Frames {
				take(f)
			}
		}
		for _, f := range part.Empty {
			take(f)
		}
	}
	for _, t := range m.Topics {
		for _, p := range t.Partitions {
			at := place{t.Name, p.Partition}
			if err := covers(at, frames[at], p.Base, p.End); err != nil {
				return err
			}
			delete(frames, at)
		}
	}
	for at := range frames {
		return fmt.Errorf("%s was copied, and is not in the point: this is a fault in ottla, and nothing was committed", at)
	}
	return nil
}

func covers(at place, frames []format.Frame, from, to int64) error {
	slices.SortFunc(frames, func(a, b format.Frame) int { return cmp.Compare(a.First, b.First) })
	for _, f := range frames {
		if f.First != from {
			return fmt.Errorf("the frames of %s reach to offset %d, and the next one begins at %d: this is a fault in ottla, and nothing was committed", at, from, f.First)
		}
		from = f.Next
	}
	if from != to {
		return fmt.Errorf("the frames of %s reach to offset %d instead of %d: this is a fault in ottla, and nothing was committed", at, from, to)
	}
	return nil
}

func (r *run) report(point *repository.Point) Report {
	report := Report{
		Point: point, New: r.gone, Records: r.records, Bytes: r.bytes, Stored: r.stored,
		Objects: len(r.made.Packs), Requests: r.requests,
		Began: r.began, Took: r.Now().Sub(r.began), Alerts: r.told(),
	}
	if point != nil {
		report.Objects++
	}
	return report
}

// software is our name and version.
func software() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return "ottla " + info.Main.Version
	}
	return "ottla"
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
