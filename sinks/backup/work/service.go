package work

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"gocloud.dev/blob"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/capture"
	"github.com/ottla-io/ottla/sinks/backup/restore"
	"github.com/ottla-io/ottla/sinks/backup/store"
	"github.com/ottla-io/ottla/sinks/kafka"
)

// Service is the work of one cluster. It is safe for concurrent use.
type Service struct {
	o      Options
	engine engine
	ids    clusterIDs
	homes  homes
	looks  looks

	mu       sync.Mutex
	briefs   map[reconcile.ID]brief
	keepers  map[reconcile.ID]*keeper
	jobs     map[reconcile.ID]*job
	finals   map[finalKey]*final
	found    map[reconcile.ID]found // by scheduled validations and drills
	errands  map[reconcile.ID]*errand
	figures  figures
	working  context.Context //nolint:containedctx // of Run, nil before it: what it starts ends with it
	workers  sync.WaitGroup
	changed  chan struct{}
	briefed  bool
	oneFinal sync.Mutex // their repository has one lease
}

// engine is what runs are made of; tests put their own in.
type engine struct {
	store   func(context.Context, store.Options) (*blob.Bucket, error)
	capture func(context.Context, capture.Options) (capture.Report, error)
	follow  func(context.Context, capture.Options, capture.Window, capture.Each) error
	check   func(context.Context, restore.Options) (restore.Plan, error)
	restore func(context.Context, restore.Options) (restore.Report, error)
}

// brief is what a round told about one thing.
type brief struct {
	id       reconcile.ID
	want     backup.Spec // nil where nothing declares it
	means    means
	skip     string
	claims   []reconcile.ID
	declared bool
	ours     bool
	last     backup.Spec
	refused  bool
}

// spec is what the thing is looked for by: what is declared where that is
// allowed, what was applied otherwise.
func (b brief) spec() backup.Spec {
	if b.want == nil || b.refused && b.ours {
		return b.last
	}
	return b.want
}

// New returns work that has not begun.
func New(o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Service{
		o: o, engine: engine{store: store.Open, capture: capture.Run, follow: capture.Follow, check: restore.Check, restore: restore.Run},
		ids: clusterIDs{known: map[string]knownID{}}, homes: homes{open: map[string]*home{}}, looks: looks{seen: map[reconcile.ID]look{}},
		briefs: map[reconcile.ID]brief{}, keepers: map[reconcile.ID]*keeper{}, jobs: map[reconcile.ID]*job{},
		finals: map[finalKey]*final{}, found: map[reconcile.ID]found{}, errands: map[reconcile.ID]*errand{}, figures: newFigures(), changed: make(chan struct{}, 1),
	}
}

func (s *Service) dial(ctx context.Context, o kafka.Options) (*kgo.Client, error) {
	return kafka.Dial(ctx, o)
}

// Kinds are the live kinds, in the order they are carried out.
func (s *Service) Kinds() []reconcile.Kind { return []reconcile.Kind{&policies{s}, &jobs{s}} }

// brief takes what a round says of all things of a kind. What it no longer
// speaks of is forgotten.
func (s *Service) brief(kind string, all []reconcile.Brief) {
	s.mu.Lock()
	maps.DeleteFunc(s.briefs, func(id reconcile.ID, _ brief) bool { return id.Kind == kind })
	for _, one := range all {
		b := brief{
			id: one.ID, means: one.Want.Means, skip: one.Want.Skip, claims: one.Want.Claims,
			declared: one.Declared, ours: one.Last != nil, last: backup.SpecOf(one.Last),
		}
		if !one.Want.ID.IsZero() {
			b.want = backup.SpecOf(one.Want.Fields)
			b.refused = s.refused(b.want) != ""
		}
		s.briefs[one.ID] = b
	}
	s.briefed = true
	s.mu.Unlock()
	s.touch()
}

func (s *Service) briefOf(id reconcile.ID) brief {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b, ok := s.briefs[id]; ok {
		return b
	}
	return brief{id: id}
}

// backupBrief is a declared KafkaBackup as others refer to it.
type backupBrief struct {
	spec  backup.Spec
	means means
}

// declaredBackup finds a KafkaBackup by namespace/name, on a schedule or once.
func (s *Service) declaredBackup(name string) (backupBrief, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range []reconcile.ID{{Kind: backup.KindPolicy, Name: name}, {Kind: backup.KindJob, Name: backup.DoesBackup + "/" + name}} {
		if b, ok := s.briefs[id]; ok && b.spec() != nil {
			return backupBrief{b.spec(), b.means}, true
		}
	}
	return backupBrief{}, false
}

// touch says that something changed: incidents are worked out anew.
func (s *Service) touch() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// lookEvery is how often schedules and incidents are looked at where nothing
// touches them.
const lookEvery = 15 * time.Second

// Run works until the context ends, and returns when nothing is at work any
// more. What is not done by then goes on at the next start, which may be another
// agent's. It may be called again after it has returned.
func (s *Service) Run(ctx context.Context) {
	s.mu.Lock()
	s.working = ctx
	s.mu.Unlock()
	s.looks.clear()
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		s.tend()
		s.tell()
		select {
		case <-ctx.Done():
			s.mu.Lock()
			s.working = nil
			s.mu.Unlock()
			s.workers.Wait()
			s.homes.close()
			s.forget()
			return
		case <-s.changed:
		case <-ticker.C:
		}
	}
}

// forget drops what was known of work that ended: when Run begins again, another
// agent may have gone on with it.
func (s *Service) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.keepers)
	clear(s.jobs)
	clear(s.finals)
	clear(s.found)
}

// tend begins what should be at work and is not, and ends what should not be.
func (s *Service) tend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.working == nil || s.working.Err() != nil {
		return
	}
	s.tendPolicies()
	s.tendJobs()
	s.tendFinals()
	s.tendErrands()
}

// begin runs a function beside the rounds for as long as the service works. The
// caller holds the lock.
func (s *Service) begin(do func(context.Context)) context.CancelCauseFunc {
	ctx, cancel := context.WithCancelCause(s.working)
	s.workers.Go(func() {
		defer cancel(nil)
		do(ctx)
	})
	return cancel
}

// Jobs lists schedules, jobs and final backups, sorted by id.
func (s *Service) Jobs() []sinks.Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []sinks.Job
	for _, id := range slices.SortedFunc(maps.Keys(s.briefs), reconcile.CompareID) {
		all = append(all, s.view(id)...)
	}
	for _, f := range s.finals {
		all = append(all, f.view())
	}
	slices.SortFunc(all, func(a, b sinks.Job) int { return compare(a.ID, b.ID) })
	return all
}
