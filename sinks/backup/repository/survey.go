package repository

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// Survey lists all points as Points does, for people who ask what there is: a
// manifest that cannot be read, or is missing, is an entry that says so, and not
// the end of the listing. damaged are other objects that cannot be read, in
// words. Nobody may decide from it what is dropped or written.
func (r *Repository) Survey(ctx context.Context) (entries []Entry, damaged []string, err error) {
	st := newState()
	st.lenient = true
	if _, err := r.lookInto(ctx, st); err != nil {
		return nil, nil, fmt.Errorf("list the points: %w", err)
	}
	entries, err = r.entries(ctx, st)
	if err != nil {
		return nil, nil, fmt.Errorf("list the points: %w", err)
	}
	for _, n := range st.missing {
		entries = append(entries, Entry{
			Manifest: format.Manifest{Number: n}, Unreadable: true, Bad: pointName(n) + " is missing, and no removal says why",
		})
	}
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.Manifest.Number, b.Manifest.Number) })
	return entries, st.damaged, nil
}

// unreadable tells an error that asking again does not mend.
func unreadable(err error) bool {
	return errors.Is(err, ErrDamaged) || errors.Is(err, format.ErrNewer)
}

// forgive takes a damage down where a survey goes on without what it is in.
func (st *state) forgive(err error) error {
	if !st.lenient || !unreadable(err) {
		return err
	}
	st.damaged = append(st.damaged, err.Error())
	return nil
}

// told tells a damage of a point that is told with the point: of one that a
// repair dropped, and in a survey of any.
func (st *state) told(n int64, err error) bool {
	return errors.Is(err, ErrDamaged) && st.removed[n] != "" || st.lenient && unreadable(err)
}
