package repository_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// leased does something under a lease.
func (w *world) leased(do func(ctx context.Context, l *repository.Lease) error) error {
	w.t.Helper()
	l, err := w.repo.Acquire(w.t.Context(), time.Minute)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = l.Release(w.t.Context()) }()
	return do(w.t.Context(), l)
}

func (w *world) drop(numbers ...int64) error {
	why := map[int64]string{}
	for _, n := range numbers {
		why[n] = "out of date"
	}
	return w.leased(func(ctx context.Context, l *repository.Lease) error { return w.repo.Remove(ctx, l, why) })
}

func TestPointsThatMustStayAreNotDropped(t *testing.T) {
	cases := []struct {
		name string
		do   func(w *world, d *damaged)
		drop []int64
		want string // part of the error; "" for none
	}{
		{"an old point goes", func(*world, *damaged) {}, []int64{1, 2}, ""},
		{"the newest good point stays", func(*world, *damaged) {}, []int64{1, 3}, "point 3 is the newest good point"},
		{"a pinned point stays", func(w *world, _ *damaged) {
			reseal(w, 2, 1, func(m *format.Manifest) { m.Pinned = "final backup of orders" })
		}, []int64{2}, "final backup of orders"},
		{"a point that never was", func(*world, *damaged) {}, []int64{9}, "no such point"},
		{"the newest good point stays where a newer one is bad", func(w *world, _ *damaged) {
			seal(w, "verifications/000000000001.json", format.KindVerification, format.Verification{Point: 3, Level: "data", Found: []string{"bits"}}, 1)
		}, []int64{2}, "point 2 is the newest good point"},
		{"a bad point goes once a newer one is good", func(w *world, _ *damaged) {
			seal(w, "verifications/000000000001.json", format.KindVerification, format.Verification{Point: 3, Level: "data", Found: []string{"bits"}}, 1)
		}, []int64{3}, ""},
		{"nothing goes where nothing is good", func(w *world, d *damaged) {
			for _, name := range d.packs {
				w.remove(name)
			}
		}, []int64{1}, "no point is good"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w, d := threePoints(t)
			c.do(w, d)
			w.open()
			err := w.drop(c.drop...)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			points, err := w.open().Points(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range points {
				dropped := c.want == "" && (p.Manifest.Number == c.drop[0] || p.Manifest.Number == c.drop[len(c.drop)-1])
				if (p.Removed != "") != dropped {
					t.Errorf("point %d: removed is %q", p.Manifest.Number, p.Removed)
				}
			}
			neverWrong(t, w)
		})
	}
}

func TestAPointIsDroppedOnce(t *testing.T) {
	w, _ := threePoints(t)
	for range 2 {
		if err := w.drop(1); err != nil {
			t.Fatal(err)
		}
	}
	if names := w.names("removals/"); len(names) != 1 {
		t.Errorf("two tombstones for one point: %q", names)
	}
	if err := w.repo.Remove(t.Context(), nil, map[int64]string{2: "old"}); !errors.Is(err, repository.ErrLease) {
		t.Errorf("without a lease: %v", err)
	}
}
