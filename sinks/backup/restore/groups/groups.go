// Package groups reads and sets the committed offsets of consumer groups
// through their coordinators, and keeps snapshots of them in a backup
// repository. It never touches a group that has members: they would go on from
// where they are and overwrite what was set.
package groups

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// Group is a group on a cluster, now.
type Group struct {
	Name    string          `json:"name"`
	State   string          `json:"state,omitempty"` // "" if there is no such group
	Members int             `json:"members,omitempty"`
	Offsets []format.Commit `json:"offsets,omitempty"`

	Share bool     `json:"-"` // KIP-932: it commits no offsets
	Reads []string `json:"-"` // topics that members have assigned, sorted
}

// Live tells a group that must be left alone.
func (g Group) Live() bool { return g.Members > 0 }

// At is what the group has committed for a partition.
func (g Group) At(topic string, partition int32) (format.Commit, bool) {
	i := slices.IndexFunc(g.Offsets, func(c format.Commit) bool { return c.Topic == topic && c.Partition == partition })
	if i < 0 {
		return format.Commit{}, false
	}
	return g.Offsets[i], true
}

// Snapshot is what groups had committed at one moment.
type Snapshot struct {
	Name    string    `json:"name"`
	Cluster string    `json:"cluster"` // id
	Taken   time.Time `json:"taken"`
	Groups  []Group   `json:"groups"`
}

const snapshotKind = "group-snapshot"

// Save writes a snapshot under its name. One that is there under this name is
// kept and returned: it was taken by a run that was killed after it, and what
// the groups have now may be that run's work already.
func (s Snapshot) Save(ctx context.Context, r *repository.Repository) (Snapshot, error) {
	err := series(r, s.Name).Put(ctx, 1, s)
	if errors.Is(err, repository.ErrTaken) {
		return Load(ctx, r, s.Name)
	}
	if err != nil {
		return s, fmt.Errorf("write snapshot %s of consumer groups: %w", s.Name, err)
	}
	return s, nil
}

// Load reads a snapshot by its name.
func Load(ctx context.Context, r *repository.Repository, name string) (Snapshot, error) {
	var s Snapshot
	n, err := series(r, name).Newest(ctx, &s)
	if err != nil {
		return s, fmt.Errorf("read snapshot %s of consumer groups: %w", name, err)
	}
	if n == 0 {
		return s, fmt.Errorf("there is no snapshot %s of consumer groups in the backup repository: look for the name in the report of the restore or the reset that took it", name)
	}
	return s, nil
}

func series(r *repository.Repository, name string) *repository.Series {
	return r.Series("snapshots/"+name, snapshotKind)
}

// Read is Describe with the committed offsets.
func Read(ctx context.Context, client *kgo.Client, names []string) ([]Group, error) {
	all, err := Describe(ctx, client, names)
	if err != nil {
		return nil, err
	}
	admin := kadm.NewClient(client)
	for i := range all {
		if all[i].Offsets, err = committed(ctx, admin, all[i].Name); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func committed(ctx context.Context, admin *kadm.Client, group string) ([]format.Commit, error) {
	got, err := admin.FetchOffsets(ctx, group)
	if errors.Is(err, kerr.GroupIDNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the offsets of consumer group %s: %w", group, err)
	}
	var out []format.Commit
	for topic, partitions := range got {
		for p, o := range partitions {
			if o.Err != nil {
				return nil, fmt.Errorf("read the offset of consumer group %s in %s-%d: %w", group, topic, p, o.Err)
			}
			if o.At >= 0 {
				out = append(out, format.Commit{Topic: topic, Partition: p, Offset: o.At, Epoch: o.LeaderEpoch, Metadata: o.Metadata})
			}
		}
	}
	Sort(out)
	return out, nil
}

// Sort puts commits in the order of topics and partitions.
func Sort(commits []format.Commit) {
	slices.SortFunc(commits, func(a, b format.Commit) int {
		if c := strings.Compare(a.Topic, b.Topic); c != 0 {
			return c
		}
		return int(a.Partition) - int(b.Partition)
	})
}
