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

// Restoring are the points that restores give back which are not done, each with
// the name of one. Such a point is not to be dropped, and is not swept: a restore
// may last, or be paused, for longer than the grace.
func (r *Repository) Restoring(ctx context.Context) (map[int64]string, error) {
	newest, err := r.restoreRecords(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for restores under way: %w", err)
	}
	now, known := r.clock.at(r.o.Now())
	if !known {
		now = r.o.Now()
	}
	held := map[int64]string{}
	for _, name := range sortedKeys(newest) {
		o := newest[name]
		if now.Sub(o.written) > GivenUp {
			continue
		}
		var one format.Restore
		if _, err := r.open(ctx, o.name, format.KindRestore, &one); err != nil {
			return nil, fmt.Errorf("look for restores under way: %w", err)
		}
		if one.Phase != format.RestoreDone {
			held[one.Point] = name
		}
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
