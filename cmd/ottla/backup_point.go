package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/cmd/ottla/show"
	"github.com/ottla-io/ottla/sinks/backup/format"
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
	hint := "ottla backup list shows which points there are, and how good"
	if errors.Is(err, repository.ErrDamaged) {
		hint += "; --point N takes one of them. ottla backup verify names what is damaged, ottla backup repair rebuilds what can be read as a new point"
	}
	return &sources.HintError{Err: fmt.Errorf("backup %s: %w", spelled(r.Identity()), err), Hint: hint}
}

// newestAt is the newest good point that was taken at that time or before. One
// that cannot be read may be newer: it is not passed over in silence.
func newestAt(ctx context.Context, r *repository.Repository, at time.Time) (int64, error) {
	all, _, err := r.Survey(ctx)
	if err != nil {
		return 0, err
	}
	before := ""
	var blind []int64
	for _, e := range slices.Backward(all) {
		switch {
		case e.Removed != "":
		case e.Unreadable:
			blind = append(blind, e.Manifest.Number)
		case e.Bad != "":
		case e.Manifest.Taken.After(at):
			before = fmt.Sprintf(" the oldest good point is %d, taken %s", e.Manifest.Number, e.Manifest.Taken.UTC().Format(time.RFC3339))
			blind = nil // what is newer than one that is too young is too young
		default:
			return e.Manifest.Number, passedOver(blind, e.Manifest.Number)
		}
	}
	return 0, pointless(fmt.Errorf("no good point at or before %s%s: %w", at.Format(time.RFC3339), before, repository.ErrNoPoint), r)
}

// passedOver refuses to choose an older point than one that cannot be read.
func passedOver(blind []int64, found int64) error {
	if len(blind) == 0 {
		return nil
	}
	return &sources.HintError{
		Err:  fmt.Errorf("point %d cannot be read, and is newer than point %d: %w", blind[0], found, repository.ErrDamaged),
		Hint: fmt.Sprintf("if that one will do, name it: --point %d; ottla backup verify names what is damaged, ottla backup repair rebuilds what can be read", found),
	}
}

// survey is what is known of a backup, also where some of it cannot be read.
type survey struct {
	entries    []repository.Entry
	restores   []repository.UnderWay
	unreadable []int64
	damaged    []string
}

func surveyOf(ctx context.Context, r *repository.Repository) (survey, error) {
	var s survey
	var err error
	if s.entries, s.damaged, err = r.Survey(ctx); err != nil {
		return s, err
	}
	for _, e := range s.entries {
		if e.Unreadable && e.Removed == "" {
			s.unreadable = append(s.unreadable, e.Manifest.Number)
		}
	}
	s.restores, err = r.UnderWay(ctx)
	if errors.Is(err, repository.ErrDamaged) {
		s.damaged, err = append(s.damaged, err.Error()), nil
	}
	return s, err
}

// entry is a point of it.
func (s survey) entry(n int64) (repository.Entry, bool) {
	i := slices.IndexFunc(s.entries, func(e repository.Entry) bool { return e.Manifest.Number == n })
	if i < 0 {
		return repository.Entry{}, false
	}
	return s.entries[i], true
}

// standsOn are the earlier points whose manifests a point needs, oldest first.
func (s survey) standsOn(e repository.Entry) []int64 {
	parents := map[int64]int64{}
	for _, one := range s.entries {
		parents[one.Manifest.Number] = one.Manifest.Parent
	}
	var chain []int64
	for n := e.Manifest.Parent; n != 0 && !slices.Contains(chain, n); n = parents[n] {
		chain = append(chain, n)
	}
	slices.Reverse(chain)
	return chain
}

// listPoints sums the newest points of a backup up, of all topics or of some;
// last 0 takes all.
func listPoints(ctx context.Context, s *openStore, r *repository.Repository, topics []string, last int) (show.Points, error) {
	out := show.Points{Store: s.name, Backup: r.Identity(), Points: []show.Point{}}
	looked, err := surveyOf(ctx, r)
	if err != nil {
		return out, fmt.Errorf("list the points of %s: %w", spelled(r.Identity()), err)
	}
	out.Restores, out.Unreadable, out.Damaged = looked.restores, looked.unreadable, looked.damaged
	all := holding(looked.entries, topics)
	if last > 0 && len(all) > last {
		out.Older = len(all) - last
		all = all[out.Older:]
	}
	for _, e := range all {
		out.Points = append(out.Points, sumUp(ctx, r, e))
	}
	return out, nil
}

// holding leaves the points that hold some of the topics, and in them those; what
// cannot be read may hold any.
func holding(all []repository.Entry, topics []string) []repository.Entry {
	if len(topics) == 0 {
		return all
	}
	var out []repository.Entry
	for _, e := range all {
		e.Manifest.Topics = slices.DeleteFunc(slices.Clone(e.Manifest.Topics), func(t format.Topic) bool { return !chosen(t.Name, topics) })
		if e.Unreadable || len(e.Manifest.Topics) > 0 {
			out = append(out, e)
		}
	}
	return out
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
