package offsets

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/restore/groups"
)

// RollbackOptions are one rollback.
type RollbackOptions struct {
	Snapshot   string // its name: that of the restore or the reset that took it
	Dial       func(context.Context) (*kgo.Client, error)
	Repository *repository.Repository
	Groups     []string // none are all of the snapshot
	DryRun     bool
	Verify     bool // the offsets are read again
	Now        func() time.Time
}

// Rollback puts groups back to where a snapshot found them: offsets that they
// had are committed again, offsets that they did not have are deleted. It goes on
// after a group that fails. Groups with members are left alone, as in Reset.
func Rollback(ctx context.Context, o RollbackOptions) (Report, error) {
	r := Report{DryRun: o.DryRun, Began: clock(o.Now), Snapshot: o.Snapshot}
	snapshot, err := groups.Load(ctx, o.Repository, o.Snapshot)
	if err != nil {
		return r, err
	}
	s, err := open(ctx, o.Dial)
	if err != nil {
		return r, err
	}
	defer s.client.Close()
	if err := s.same(ctx, snapshot); err != nil {
		return r, err
	}
	then, err := pick(snapshot, o.Groups)
	if err != nil {
		return r, err
	}
	names := make([]string, len(then))
	for i, g := range then {
		names[i] = g.Name
	}
	now, err := groups.Read(ctx, s.client, names)
	if err != nil {
		return r, err
	}
	for i := range then {
		r.Groups = append(r.Groups, back(then[i], now[i]))
	}
	if !o.DryRun {
		err = s.carryOut(ctx, r.Groups, 0, true, o.Verify)
	}
	r.Took = clock(o.Now).Sub(r.Began)
	return r, err
}

// same refuses a snapshot of another cluster: groups of the same names are other
// groups there, and offsets lead to other records.
func (s *session) same(ctx context.Context, was groups.Snapshot) error {
	brokers, err := s.admin.BrokerMetadata(ctx)
	if err != nil {
		return fmt.Errorf("ask the cluster for its id: %w", err)
	}
	if was.Cluster != "" && was.Cluster != brokers.Cluster {
		return fmt.Errorf("snapshot %s was taken on cluster %s, and this is cluster %s: its offsets mean nothing here", was.Name, was.Cluster, brokers.Cluster)
	}
	return nil
}

// pick takes groups out of a snapshot.
func pick(s groups.Snapshot, names []string) ([]groups.Group, error) {
	if len(names) == 0 {
		return s.Groups, nil
	}
	var out []groups.Group
	for _, name := range names {
		i := slices.IndexFunc(s.Groups, func(g groups.Group) bool { return g.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("snapshot %s does not hold consumer group %s", s.Name, name)
		}
		out = append(out, s.Groups[i])
	}
	return out, nil
}

// back says how a group comes back to where it was.
func back(then, now groups.Group) GroupReport {
	r := GroupReport{Group: then.Name, Live: now.Members}
	for _, c := range then.Offsets {
		m := Move{Topic: c.Topic, Partition: c.Partition, From: -1, To: c.Offset, Metadata: c.Metadata}
		have, ok := now.At(c.Topic, c.Partition)
		if ok {
			m.From = have.Offset
		}
		if !ok || have.Offset != c.Offset || have.Metadata != c.Metadata {
			r.Moves = append(r.Moves, m)
		}
	}
	for _, c := range now.Offsets {
		if _, ok := then.At(c.Topic, c.Partition); !ok {
			r.Moves = append(r.Moves, Move{Topic: c.Topic, Partition: c.Partition, From: c.Offset, To: -1})
		}
	}
	return r
}
