// Package offsets puts consumer groups to other offsets and back: what a
// KafkaOffsetReset and a KafkaOffsetRollback ask for. Groups with members are
// named and left alone, what they had is written down first, and every answer
// of the coordinator is looked at.
package offsets

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/restore/groups"
)

// Move is what became, or would become, of one partition of a group. -1 is no offset.
type Move struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	From      int64  `json:"from"`
	To        int64  `json:"to"`
	Metadata  string `json:"metadata,omitempty"`
}

// GroupReport is what became of one group.
type GroupReport struct {
	Group string `json:"group"`
	Live  int    `json:"live,omitempty"` // members: left alone
	Moves []Move `json:"moves,omitempty"`
	Error string `json:"error,omitempty"`
}

// Report is what a reset or a rollback did, or would do.
type Report struct {
	Groups   []GroupReport `json:"groups"`
	Snapshot string        `json:"snapshot,omitempty"` // by which it can be taken back
	DryRun   bool          `json:"dryRun,omitempty"`
	Began    time.Time     `json:"began"`
	Took     time.Duration `json:"took"`
}

// ErrLive says that groups have members and were left alone.
var ErrLive = errors.New("consumer groups have members and were left alone: stop their consumers and do it again")

// session is a client and what goes with it.
type session struct {
	client *kgo.Client
	admin  *kadm.Client
}

func open(ctx context.Context, dial func(context.Context) (*kgo.Client, error)) (*session, error) {
	c, err := dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("reach the cluster of the consumer groups: %w", err)
	}
	return &session{client: c, admin: kadm.NewClient(c)}, nil
}

// take writes down what groups have, under a name.
func (s *session) take(ctx context.Context, r *repository.Repository, name string, now time.Time, all []groups.Group) (groups.Snapshot, error) {
	brokers, err := s.admin.BrokerMetadata(ctx)
	if err != nil {
		return groups.Snapshot{}, fmt.Errorf("ask the cluster for its id: %w", err)
	}
	return groups.Snapshot{Name: name, Cluster: brokers.Cluster, Taken: now, Groups: all}.Save(ctx, r)
}

// set commits what a report says, deletes what it says is to have no offset, and
// reads both again where verify is asked for.
func (s *session) set(ctx context.Context, r GroupReport, verify bool) error {
	var to, gone []format.Commit
	for _, m := range r.Moves {
		c := format.Commit{Topic: m.Topic, Partition: m.Partition, Offset: m.To, Epoch: -1, Metadata: m.Metadata}
		if m.To < 0 {
			gone = append(gone, c)
		} else {
			to = append(to, c)
		}
	}
	err := errors.Join(groups.Commit(ctx, s.admin, r.Group, to), groups.Forget(ctx, s.admin, r.Group, gone))
	if err != nil || !verify {
		return err
	}
	return groups.Verify(ctx, s.admin, r.Group, to, gone)
}

func clock(now func() time.Time) time.Time {
	if now == nil {
		return time.Now()
	}
	return now()
}
