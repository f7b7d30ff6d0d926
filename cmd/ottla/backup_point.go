package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/cmd/ottla/show"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sources"
)

// pointFlag is which point of a backup is meant.
type pointFlag struct{ text string }

func (o *pointFlag) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.text, "point", "latest", "number of the point, or latest: the newest good one")
}

// number is what was asked for; 0 is the newest good one.
func (o pointFlag) number() (int64, error) {
	if o.text == "" || o.text == "latest" {
		return 0, nil
	}
	n, err := strconv.ParseInt(o.text, 10, 64)
	if err != nil || n < 1 {
		return 0, &usageError{fmt.Errorf("%q is no point", o.text), "a number that ottla backup list shows, or latest"}
	}
	return n, nil
}

// read reads the point with all that it stands on.
func (o pointFlag) read(ctx context.Context, r *repository.Repository) (*repository.Point, error) {
	n, err := o.number()
	if err != nil {
		return nil, err
	}
	var p *repository.Point
	if n == 0 {
		p, err = r.Newest(ctx)
	} else {
		p, err = r.Point(ctx, n)
	}
	if err != nil {
		return nil, pointless(err, r)
	}
	return p, nil
}

// pointless says where to look for a point that is there.
func pointless(err error, r *repository.Repository) error {
	return &sources.HintError{
		Err:  fmt.Errorf("backup %s: %w", spelled(r.Identity()), err),
		Hint: "ottla backup list shows which points there are, and how good",
	}
}

// entryOf is a point in a listing.
func entryOf(ctx context.Context, r *repository.Repository, n int64) (repository.Entry, error) {
	all, err := r.Points(ctx)
	if err != nil {
		return repository.Entry{}, err
	}
	i := slices.IndexFunc(all, func(e repository.Entry) bool { return e.Manifest.Number == n })
	if i < 0 {
		return repository.Entry{}, pointless(fmt.Errorf("point %d: %w", n, repository.ErrNoPoint), r)
	}
	return all[i], nil
}

// newestAt is the newest good point that was taken at that time or before.
func newestAt(ctx context.Context, r *repository.Repository, at time.Time) (int64, error) {
	all, err := r.Points(ctx)
	if err != nil {
		return 0, err
	}
	var before []string
	for _, e := range slices.Backward(all) {
		if e.Removed != "" || e.Bad != "" {
			continue
		}
		if !e.Manifest.Taken.After(at) {
			return e.Manifest.Number, nil
		}
		before = []string{fmt.Sprintf("the oldest good point is %d, taken %s", e.Manifest.Number, e.Manifest.Taken.UTC().Format(time.RFC3339))}
	}
	return 0, pointless(fmt.Errorf("no good point at or before %s %s: %w", at.Format(time.RFC3339), strings.Join(before, ""), repository.ErrNoPoint), r)
}

// listPoints sums the newest points of a backup up; last 0 takes all.
func listPoints(ctx context.Context, s *openStore, r *repository.Repository, last int) (show.Points, error) {
	out := show.Points{Store: s.name, Backup: r.Identity(), Points: []show.Point{}}
	all, err := r.Points(ctx)
	if err != nil {
		return out, fmt.Errorf("list the points of %s: %w", spelled(r.Identity()), err)
	}
	if last > 0 && len(all) > last {
		out.Older = len(all) - last
		all = all[out.Older:]
	}
	for _, e := range all {
		out.Points = append(out.Points, sumUp(ctx, r, e))
	}
	return out, nil
}

// sumUp adds up what a point holds. One whose earlier points cannot be read is
// damaged, and the listing goes on.
func sumUp(ctx context.Context, r *repository.Repository, e repository.Entry) show.Point {
	if e.Removed != "" || e.Bad != "" {
		return show.PointOf(e, nil)
	}
	whole, err := r.Point(ctx, e.Manifest.Number)
	out := show.PointOf(e, whole)
	if err != nil {
		out.State, out.Why = "damaged", err.Error()
	}
	return out
}
