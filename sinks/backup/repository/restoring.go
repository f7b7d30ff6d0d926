package repository

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

const restores = "restores/"

// GivenUp is how long after its last record a restore that is not done counts as
// one that somebody goes on with: nothing says that it was given up.
const GivenUp = 30 * 24 * time.Hour

// UnderWay is a restore that is neither done nor abandoned. Until it is, its
// topics keep everything: their retention is lifted.
type UnderWay struct {
	Name    string    `json:"name"`
	Point   int64     `json:"point"`
	Phase   string    `json:"phase"`
	Cluster string    `json:"cluster"` // id of the target
	Began   time.Time `json:"began"`
	Heard   time.Time `json:"heard"`   // when its last record was written
	GivenUp bool      `json:"givenUp"` // too long ago: its point is not kept for it any more
}

// UnderWay are the restores that are not over, in the order of their names.
func (r *Repository) UnderWay(ctx context.Context) ([]UnderWay, error) { return r.underWay(ctx, true) }

// underWay leaves out, unread, what counts as given up, unless it is asked for.
func (r *Repository) underWay(ctx context.Context, givenUp bool) ([]UnderWay, error) {
	newest, err := r.restoreRecords(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for restores under way: %w", err)
	}
	now := r.now()
	var all []UnderWay
	for _, name := range sortedKeys(newest) {
		o := newest[name]
		old := now.Sub(o.written) > GivenUp
		if old && !givenUp {
			continue
		}
		var one format.Restore
		if _, err := r.open(ctx, o.name, format.KindRestore, &one); err != nil {
			return nil, fmt.Errorf("look for restores under way: %w", err)
		}
		if !one.Ended() {
			all = append(all, UnderWay{
				Name: name, Point: one.Point, Phase: one.Phase, Cluster: one.Cluster, Began: one.Began, Heard: o.written, GivenUp: old,
			})
		}
	}
	return all, nil
}

// Restoring are the points that restores give back which are not done, each with
// the name of one. Such a point is not to be dropped, and is not swept: a restore
// may last, or be paused, for longer than the grace.
func (r *Repository) Restoring(ctx context.Context) (map[int64]string, error) {
	all, err := r.underWay(ctx, false)
	if err != nil {
		return nil, err
	}
	held := map[int64]string{}
	for _, one := range all {
		held[one.Point] = one.Name
	}
	return held, nil
}

// restoreRecords are the newest records of restores by name.
func (r *Repository) restoreRecords(ctx context.Context) (map[string]stored, error) {
	objects, err := r.list(ctx, restores)
	if err != nil {
		return nil, err
	}
	newest := map[string]stored{}
	for _, o := range objects {
		name, _, below := strings.Cut(strings.TrimPrefix(o.name, restores), "/")
		if !below || strings.HasSuffix(name, "-offsets") { // the map of offsets of one
			continue
		}
		n, ok := numbered(o.name, restores+name+"/", ".json")
		if ok && n > newest[name].number {
			newest[name] = stored{name: o.name, number: n, written: o.written}
		}
	}
	return newest, nil
}
