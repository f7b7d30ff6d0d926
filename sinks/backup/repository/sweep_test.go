package repository_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gocloud.dev/gcerrors"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/store/storetest"
	"github.com/ottla-io/ottla/sinks/backup/store/through"
)

func (w *world) sweep() repository.Swept {
	w.t.Helper()
	var swept repository.Swept
	err := w.leased(func(ctx context.Context, l *repository.Lease) (err error) {
		swept, err = w.repo.Sweep(ctx, l, false)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return swept
}

// inBubble runs a test in which time passes at once.
func inBubble(t *testing.T, test func(t *testing.T)) { synctest.Test(t, test) }

// pass lets time pass by the clock of the store and by ours.
func pass(d time.Duration) { <-time.After(d) }

func TestADroppedPointIsSweptOnlyAfterTheGrace(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w, d := threePoints(t)
		pass(48 * time.Hour) // age alone is nothing
		if err := w.drop(1); err != nil {
			t.Fatal(err)
		}
		pass(repository.SweepGrace - time.Minute)
		w.sweep()
		if got, err := read(t.Context(), w.open(), 1); err != nil || differs(w.want[1], got) != "" {
			t.Errorf("within the grace: %v %s", err, differs(w.want[1], got))
		}
		pass(2 * time.Minute)
		w.sweep()
		if names := w.names("points/"); len(names) != 3 {
			t.Errorf("points 2 and 3 stand on point 1, but there are only %q", names)
		}
		for _, n := range []int64{2, 3} {
			if got, err := read(t.Context(), w.open(), n); err != nil || differs(w.want[n], got) != "" {
				t.Errorf("point %d: %v %s", n, err, differs(w.want[n], got))
			}
		}
		if !slices.Contains(w.names("packs/"), d.packs[0]) {
			t.Errorf("the pack of point 1, which point 2 needs, was swept")
		}
	})
}

// restoring writes the record of a restore as the restore does.
func (w *world) restoring(point int64, phase string) {
	w.t.Helper()
	record := map[string]any{"name": "tuesday", "spec": "d1", "point": point, "phase": phase, "topics": []any{}}
	if _, err := w.repo.Series("restores/tuesday", format.KindRestore).Append(w.t.Context(), record); err != nil {
		w.t.Fatal(err)
	}
	part := map[string]any{"attempt": "x", "maps": []any{}}
	if _, err := w.repo.Series("restores/tuesday-offsets", "offset-map").Append(w.t.Context(), part); err != nil {
		w.t.Fatal(err)
	}
}

func TestAPointThatARestoreGivesBackIsNotSwept(t *testing.T) {
	for name, over := range map[string]func(*world){
		"until it is done":      func(w *world) { w.restoring(1, format.RestoreDone) },
		"until it is abandoned": func(w *world) { w.restoring(1, format.RestoreAbandoned) },
		"until it is given up":  func(*world) { pass(repository.GivenUp) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				w, d := threePoints(t)
				w.restoring(1, "prepared")
				if err := w.drop(1, 2); err != nil {
					t.Fatal(err)
				}
				twice := func() {
					for range 2 { // what is rewritten goes with the second
						pass(2 * repository.SweepGrace)
						w.sweep()
					}
				}
				twice()
				if got, err := read(t.Context(), w.open(), 1); err != nil || differs(w.want[1], got) != "" {
					t.Errorf("%v %s", err, differs(w.want[1], got))
				}
				if held, err := w.repo.Restoring(t.Context()); err != nil || len(held) != 1 || held[1] != "tuesday" {
					t.Errorf("%v, %v", held, err)
				}
				over(w)
				if twice(); slices.Contains(w.names("packs/"), d.packs[0]) {
					t.Errorf("it is over, and %s is not swept", d.packs[0])
				}
			})
		})
	}
}

func TestMostlyDeadPacksAreRewrittenAndOldReadersAreNotCut(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w, d := threePoints(t)
		// Point 3 has orders/0 anew: of the first pack little is alive, of the second less.
		if err := w.drop(1, 2); err != nil {
			t.Fatal(err)
		}
		pass(repository.SweepGrace + time.Minute)
		old, err := w.open().Point(t.Context(), 3)
		if err != nil {
			t.Fatal(err)
		}
		reader := w.repo
		w.open()
		dry, err := w.repo.Sweep(t.Context(), nil, true)
		if err != nil {
			t.Fatal(err)
		}
		if first := w.sweep(); first.Moved == 0 || first.Moved != dry.Moved || len(w.names("moves/")) == 0 {
			t.Errorf("nothing was moved: %+v, dry %+v", first, dry)
		}
		for _, name := range d.packs {
			if !slices.Contains(w.names("packs/"), name) {
				t.Errorf("%s was moved and swept at once", name)
			}
		}
		for _, ref := range old.Refs("orders", 1) {
			if _, err := reader.Frame(t.Context(), ref, nil); err != nil {
				t.Errorf("a reader from before the move: %v", err)
			}
		}
		pass(repository.SweepGrace + time.Minute)
		if second := w.sweep(); second.Moved != 0 || second.Bytes == 0 {
			t.Errorf("the second sweep: %+v", second)
		}
		if names := w.names("packs/"); slices.Contains(names, d.packs[1]) {
			t.Errorf("%s is still there a grace after it was moved", d.packs[1])
		}
		if got, err := read(t.Context(), w.open(), 3); err != nil || differs(w.want[3], got) != "" {
			t.Errorf("point 3: %v %s", err, differs(w.want[3], got))
		}
		found, err := w.repo.Verify(t.Context(), repository.VerifyOptions{Level: repository.Data})
		if err != nil || len(found) != 1 || !found[0].Good {
			t.Errorf("after the move: %+v %v", found, err)
		}
	})
}

func TestForeignObjectsAndAbandonedPacks(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w, _ := threePoints(t)
		foreign := []string{"packs/holiday.jpg", "packs/0000.pack", "points/1.manifest", "points/notes.txt", "leases/x", "mine/000000000001.json", "evidence/drill/000000000001.json"}
		for _, name := range foreign {
			w.put(name, []byte("mine"))
		}
		if err := w.bucket.WriteAll(t.Context(), "default/other/cluster-1/packs/"+strings.Repeat("0", 28)+".pack", []byte("mine"), nil); err != nil {
			t.Fatal(err)
		}
		left := "packs/" + w.pack(stretch{"orders", "A", 0, 0, 0, 10, "never committed"}).ID + ".pack"
		pass(repository.SweepGrace - time.Minute)
		w.sweep()
		if !slices.Contains(w.names("packs/"), left) {
			t.Errorf("the pack of a run that may still be under way was swept")
		}
		pass(2 * time.Minute)
		if swept := w.sweep(); swept.Objects == 0 {
			t.Errorf("nothing was swept: %+v", swept)
		}
		if slices.Contains(w.names("packs/"), left) {
			t.Errorf("the pack of a run that never committed is still there")
		}
		for _, name := range foreign {
			if !slices.Contains(w.names(""), name) {
				t.Errorf("%s is not ours and was swept", name)
			}
		}
	})
}

func TestADeleteThatTheStoreRefusesIsTriedAgainAndToldAsALockOrAMissingRight(t *testing.T) {
	for _, code := range []gcerrors.ErrorCode{gcerrors.PermissionDenied, gcerrors.FailedPrecondition, gcerrors.Unknown} {
		inBubble(t, func(t *testing.T) {
			w, _ := threePoints(t)
			locked := true
			w.opts.Bucket = through.Bucket(w.bucket, func(_ context.Context, op through.Op, key string, do func() error) error {
				if op == through.Delete && locked && strings.HasSuffix(key, ".pack") {
					return refusal{code}
				}
				return do()
			})
			w.open()
			left := w.pack(stretch{"orders", "A", 0, 0, 0, 10, "never committed"})
			pass(repository.SweepGrace + time.Minute)
			swept := w.sweep()
			if len(swept.Refused) != 1 || !strings.Contains(swept.Refused[0].Object, left.ID) {
				t.Errorf("%v: %+v", code, swept)
			}
			locked = false
			if locks := code == gcerrors.FailedPrecondition; (swept.Locks() != "") != locks || (swept.Rights() == "") != locks {
				t.Errorf("%v: locks %q, rights %q", code, swept.Locks(), swept.Rights())
			}
			if swept := w.sweep(); len(swept.Refused) != 0 || slices.Contains(w.names("packs/"), "packs/"+left.ID+".pack") {
				t.Errorf("%v: once the lock is over: %+v", code, swept)
			}
		})
	}
}

// refusal is how a store with object lock says no.
type refusal struct{ code gcerrors.ErrorCode }

func (r refusal) Error() string            { return "the object is locked until tomorrow" }
func (r refusal) Code() gcerrors.ErrorCode { return r.code }

func TestNothingIsSweptWhereAPointCannotBeReadWhole(t *testing.T) {
	for _, name := range []string{manifestName(2), "removals/000000000001.json"} {
		inBubble(t, func(t *testing.T) {
			w, _ := threePoints(t)
			if err := w.drop(1); err != nil {
				t.Fatal(err)
			}
			w.pack(stretch{"orders", "A", 0, 0, 0, 10, "never committed"})
			pass(repository.SweepGrace + time.Minute)
			w.put(name, []byte("garbage"))
			before := w.names("")
			w.open()
			err := w.leased(func(ctx context.Context, l *repository.Lease) error {
				_, err := w.repo.Sweep(ctx, l, false)
				return err
			})
			if !errors.Is(err, repository.ErrDamaged) || !strings.Contains(err.Error(), name) {
				t.Errorf("got %v", err)
			}
			after := w.names("")
			for _, name := range before {
				if !slices.Contains(after, name) {
					t.Errorf("%s was swept", name)
				}
			}
		})
	}
}

func TestASweepNeedsTheLease(t *testing.T) {
	w, _ := threePoints(t)
	if _, err := w.repo.Sweep(t.Context(), nil, false); !errors.Is(err, repository.ErrLease) {
		t.Errorf("without a lease: %v", err)
	}
	l, err := w.repo.Acquire(t.Context(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.repo.Sweep(t.Context(), l, false); !errors.Is(err, repository.ErrLease) {
		t.Errorf("with a lease that was released: %v", err)
	}
}

// sweepable is a repository in which a sweep deletes manifests, packs and
// leases, and moves frames.
func sweepable(t *testing.T) *world {
	t.Helper()
	w, _ := threePoints(t)
	w.run(stretch{"orders", "A", 0, 0, 0, 200, "fourth"}, stretch{"orders", "A", 1, 20, 70, 80, "fourth"}, stretch{"pay", "B", 0, 0, 0, 50, "fourth"})
	w.pack(stretch{"orders", "A", 0, 0, 0, 10, "never committed"})
	if err := w.drop(1, 2, 3); err != nil {
		t.Fatal(err)
	}
	pass(repository.SweepGrace + time.Minute)
	return w
}

func TestASweepThatFailsAtAnyCallLeavesEverythingReadable(t *testing.T) {
	storetest.Every(t, func(t *testing.T, f *storetest.Faults) {
		inBubble(t, func(t *testing.T) {
			w := sweepable(t)
			failing := w.opts
			failing.Bucket = f.Wrap(w.bucket)
			repo, err := repository.Open(t.Context(), failing)
			if err != nil {
				t.Fatal(err)
			}
			f.Reset()
			ctx, end := context.WithCancel(t.Context())
			if l, err := repo.Acquire(ctx, time.Minute); err == nil {
				_, _ = repo.Sweep(ctx, l, false)
			}
			end()
			check := func(when string) {
				t.Helper()
				if got, err := read(t.Context(), w.open(), 4); err != nil || differs(w.want[4], got) != "" {
					t.Fatalf("%s: %v %s", when, err, differs(w.want[4], got))
				}
			}
			check("after the crash")
			for i := range 3 {
				pass(repository.SweepGrace + time.Minute)
				w.open()
				w.sweep()
				check(fmt.Sprintf("after sweep %d", i))
			}
			for _, name := range w.unneeded(4) {
				t.Errorf("%s is needed by nobody and was not swept", name)
			}
		})
	}, through.Write, through.Delete)
}
