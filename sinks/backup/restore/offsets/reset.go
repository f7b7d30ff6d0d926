package offsets

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/restore/groups"
)

// Strategy says where groups are put.
type Strategy string

// The strategies of KafkaOffsetReset.
const (
	ToEarliest  Strategy = "to-earliest"
	ToLatest    Strategy = "to-latest"
	ToTimestamp Strategy = "to-timestamp" // the first record of that time or later, or the end
	ToOffset    Strategy = "to-offset"    // within what the partition has
	FromMapping Strategy = "from-mapping" // where a restore has put the records the group was at
)

// ResetOptions are one reset.
type ResetOptions struct {
	Name       string // of the snapshot that is taken first
	Dial       func(context.Context) (*kgo.Client, error)
	Repository *repository.Repository // of the snapshot; may be nil where none is wanted
	Groups     []string
	Topics     []string // none are all that a group has offsets in
	Strategy   Strategy
	Timestamp  time.Time // of ToTimestamp
	Offset     int64     // of ToOffset
	Restore    string    // of FromMapping: the restore that wrote the map
	// Mapping is the repository of that restore; nil is Repository.
	Mapping *repository.Repository
	// Parallelism is groups at once; 0 is 50.
	Parallelism     int
	ContinueOnError bool // a group that fails does not stop the others
	Snapshot        bool // what the groups have is written down first
	DryRun          bool
	Now             func() time.Time
}

// Reset puts groups to other offsets. Groups with members are left alone: the
// error is ErrLive then, beside what else went wrong; the report is there in
// any case.
func Reset(ctx context.Context, o ResetOptions) (Report, error) {
	r := Report{DryRun: o.DryRun, Began: clock(o.Now)}
	s, err := open(ctx, o.Dial)
	if err != nil {
		return r, err
	}
	defer s.client.Close()
	all, err := groups.Read(ctx, s.client, o.Groups)
	if err != nil {
		return r, err
	}
	if r.Groups, err = s.plan(ctx, o, all); err != nil || o.DryRun {
		return r, err
	}
	if o.Snapshot {
		taken, err := s.take(ctx, o.Repository, o.Name, r.Began, all)
		if err != nil {
			return r, err
		}
		r.Snapshot = taken.Name
	}
	err = s.carryOut(ctx, r.Groups, o.Parallelism, o.ContinueOnError, true)
	r.Took = clock(o.Now).Sub(r.Began)
	return r, err
}

// plan says where every group goes, and touches none.
func (s *session) plan(ctx context.Context, o ResetOptions, all []groups.Group) ([]GroupReport, error) {
	where, err := s.destination(ctx, o, all)
	if err != nil {
		return nil, err
	}
	out := make([]GroupReport, 0, len(all))
	for _, g := range all {
		one := GroupReport{Group: g.Name, Live: g.Members}
		partitions := where.partitions(g)
		if len(partitions) == 0 {
			one.Error = fmt.Sprintf("consumer group %s has no offsets in these topics: name topics, or another group", g.Name)
		}
		for _, p := range partitions {
			m := Move{Topic: p.topic, Partition: p.partition, From: -1, To: where.to(g, p)}
			if c, ok := g.At(p.topic, p.partition); ok {
				m.From, m.Metadata = c.Offset, c.Metadata
			}
			one.Moves = append(one.Moves, m)
		}
		out = append(out, one)
	}
	return out, nil
}

// carryOut sets what the reports say.
func (s *session) carryOut(ctx context.Context, reports []GroupReport, parallel int, goOn, verify bool) error {
	if parallel <= 0 {
		parallel = 50
	}
	var mu sync.Mutex
	var failed []error
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for i := range reports {
		g.Go(func() error {
			err := s.one(ctx, &reports[i], verify)
			if err == nil {
				return nil
			}
			reports[i].Error = err.Error()
			mu.Lock()
			defer mu.Unlock()
			failed = append(failed, err)
			if goOn || errors.Is(err, ErrLive) {
				return nil
			}
			return err
		})
	}
	_ = g.Wait() // failed holds the same
	return errors.Join(failed...)
}

func (s *session) one(ctx context.Context, r *GroupReport, verify bool) error {
	switch {
	case r.Live > 0:
		return fmt.Errorf("consumer group %s has %d members: %w", r.Group, r.Live, ErrLive)
	case r.Error != "":
		return errors.New(r.Error)
	default:
		return s.set(ctx, *r, verify)
	}
}

// place is a partition.
type place struct {
	topic     string
	partition int32
}

func sorted(all map[place]bool) []place {
	out := make([]place, 0, len(all))
	for p := range all {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b place) int {
		if a.topic != b.topic {
			if a.topic < b.topic {
				return -1
			}
			return 1
		}
		return int(a.partition) - int(b.partition)
	})
	return out
}
