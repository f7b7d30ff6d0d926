package repository

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// gather lists the bucket and reads everything but packs.
func (v *verifier) gather(ctx context.Context) (err error) {
	if v.stock, err = v.r.takeStock(ctx); err != nil {
		return err
	}
	dropped, err := v.removals(ctx)
	if err != nil {
		return err
	}
	for _, look := range []func(context.Context) error{v.verifications, v.leases, v.policies, v.moves} {
		if err := look(ctx); err != nil {
			return err
		}
	}
	v.names(dropped)
	st := newState()
	unmoved := v.r.lookMoves(ctx, st)
	for _, o := range slices.Backward(v.stock.points) {
		if _, gone := dropped[o.number]; v.o.Point == o.number || v.o.Point == 0 && !gone {
			if err := v.point(ctx, o.number, st, unmoved); err != nil {
				return err
			}
		}
	}
	slices.Reverse(v.points)
	if v.o.Point != 0 && len(v.points) == 0 {
		return fmt.Errorf("point %d: %w", v.o.Point, ErrNoPoint)
	}
	return nil
}

// point reads a manifest and what it stands on. Where a move cannot be read
// nobody can say where a frame stands.
func (v *verifier) point(ctx context.Context, n int64, st *state, err error) error {
	f := &finding{number: n}
	v.points = append(v.points, f)
	var p *Point
	if err == nil {
		p, _, err = v.r.point(ctx, n, st)
	}
	if err == nil {
		v.tracks.add(f, p)
		return nil
	}
	words, err := damage(err)
	if words != "" {
		f.damaged(words)
	}
	return err
}

// names reports what stands under names that are not ours, and numbers that
// nobody dropped but are not there.
func (v *verifier) names(dropped map[int64]string) {
	for _, name := range v.stock.foreign {
		v.general.note(name + ": it is none of ours by its name: it is left alone and never read")
		v.twice(name)
	}
	if len(v.stock.points) == 0 {
		return
	}
	newest := v.stock.points[len(v.stock.points)-1].number
	next := int64(1)
	for _, o := range v.stock.points {
		v.missing(next, o.number, dropped)
		next = o.number + 1
	}
	for n := range dropped {
		if n > newest {
			v.general.damaged(fmt.Sprintf("%s: a tombstone names point %d, but the newest there is or was is %d", removals, n, newest))
		}
	}
}

// missing reports the numbers [next, number) that no tombstone explains.
func (v *verifier) missing(next, number int64, dropped map[int64]string) {
	for ; next < number; next++ {
		if _, swept := dropped[next]; !swept {
			v.general.damaged(fmt.Sprintf("%s: there is no such object, and nobody dropped point %d: its manifest is lost; `ottla backup repair` looks for its data", pointName(next), next))
		}
	}
}

// twice reports a second manifest of a number: 3.manifest beside 000000000003.manifest.
func (v *verifier) twice(name string) {
	n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimPrefix(name, "points/"), ".manifest"), 10, 64)
	if err != nil || !strings.HasPrefix(name, "points/") {
		return
	}
	for _, o := range v.stock.points {
		if o.number == n {
			v.general.damaged(fmt.Sprintf("%s: a second manifest of number %d beside %s: only that one is read", name, n, o.name))
		}
	}
}

// series reads every object of a series; what cannot be read is a damage of the
// repository, not of a point.
func (v *verifier) each(ctx context.Context, series, kind string, value func() any, each func(o stored, value any)) error {
	for _, o := range v.stock.series[series] {
		into := value()
		_, err := v.r.open(ctx, o.name, kind, into)
		if err == nil {
			each(o, into)
			continue
		}
		words, err := damage(err)
		if err != nil {
			return err
		}
		v.general.damaged(words)
	}
	return nil
}

// removals are the reasons of dropped points.
func (v *verifier) removals(ctx context.Context) (map[int64]string, error) {
	dropped := map[int64]string{}
	err := v.each(ctx, removals, format.KindRemoval, func() any { return &format.Removal{} }, func(_ stored, value any) {
		for n, why := range value.(*format.Removal).Points {
			dropped[n] = why
		}
	})
	return dropped, err
}

// verifications are read for the pack that the last subset ended with.
func (v *verifier) verifications(ctx context.Context) error {
	return v.each(ctx, verifications, format.KindVerification, func() any { return &format.Verification{} }, func(_ stored, value any) {
		if one := value.(*format.Verification); one.Level == string(Subset) {
			v.last = one.Last
		}
	})
}

// leases are read as whoever wants to write reads them: what is wrong there
// keeps everybody from writing.
func (v *verifier) leases(ctx context.Context) error {
	_, _, err := v.r.bids(ctx)
	if err == nil {
		return nil
	}
	words, err := damage(err)
	if words != "" {
		v.general.damaged(words)
	}
	return err
}

func (v *verifier) policies(ctx context.Context) error {
	return v.each(ctx, policies, format.KindPolicy, func() any { return &json.RawMessage{} }, func(stored, any) {})
}

func (v *verifier) moves(ctx context.Context) error {
	return v.each(ctx, moves, format.KindMove, func() any { return &format.Move{} }, func(stored, any) {})
}
