package repository_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

func (w *world) repair() (repository.Repaired, error) {
	w.t.Helper()
	w.open()
	var done repository.Repaired
	err := w.leased(func(ctx context.Context, l *repository.Lease) (err error) {
		done, err = w.repo.Repair(ctx, l, false)
		return err
	})
	return done, err
}

// without is contents without the offsets [from, to) of a partition.
func (c contents) without(key string, from, to int64) contents {
	out := contents{}
	for k, lines := range c {
		if out[k] = lines; k == key {
			out[k] = append(between(lines, 0, from), between(lines, to, 1<<40)...)
		}
	}
	return out
}

func TestRepairGivesBackWhatPacksHoldAndSaysWhatIsLost(t *testing.T) {
	cases := []struct {
		name string
		do   func(w *world, d *damaged)
		want func(w *world) contents
		lost []string // each part of a line; none: nothing is lost
	}{
		{"the newest manifest is lost", func(w *world, _ *damaged) { w.put(manifestName(3), nil) },
			func(w *world) contents { return w.want[3] }, nil},
		{"a manifest in the middle is missing", func(w *world, _ *damaged) { w.remove(manifestName(2)) },
			func(w *world) contents { return w.want[3] }, nil},
		{"the first manifest is damaged", func(w *world, _ *damaged) { flip(w, manifestName(1), 50) },
			func(w *world) contents { return w.want[3] }, nil},
		{"all manifests are lost", func(w *world, _ *damaged) {
			for n := range w.want {
				w.put(manifestName(n), []byte("garbage"))
			}
		}, func(w *world) contents {
			all := w.want[3].without("", 0, 0)
			all["orders/1"] = w.want[1]["orders/1"] // nobody says any more that the log begins at 20
			all["orders/1"] = append(slices.Clone(all["orders/1"]), between(w.want[3]["orders/1"], 50, 70)...)
			return all
		}, nil},
		{"the last pack is missing", func(w *world, d *damaged) { w.remove(d.packs[2]) },
			func(w *world) contents {
				c := w.want[2].without("", 0, 0)
				c["orders/0"] = nil // it was copied in full by the third run, which is lost
				return c
			}, []string{"orders/0: offsets [0, 160)", "orders/1: offsets [60, 70)", "pay/0: offsets [30, 40)"}},
		{"a pack in the middle is missing", func(w *world, d *damaged) { w.remove(d.packs[1]) },
			func(w *world) contents { return w.want[3].without("orders/1", 50, 60) },
			[]string{"orders/1: offsets [50, 60)"}},
		{"the first pack is missing", func(w *world, d *damaged) { w.put(d.packs[0], []byte("garbage")) },
			func(w *world) contents {
				return w.want[3].without("orders/1", 0, 50).without("pay/0", 0, 30)
			}, []string{"orders/1: offsets [20, 50)", "pay/0: offsets [0, 30)", "packs/"}},
		{"a frame of the newest copy is damaged", func(w *world, d *damaged) { flip(w, d.packs[2], 100) },
			func(w *world) contents { return w.want[3].without("orders/0", 0, 10) },
			[]string{"orders/0: offsets [0, 10)", "packs/"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w, d := threePoints(t)
			want := c.want(w)
			c.do(w, d)
			dry, err := w.open().Repair(t.Context(), nil, true)
			if err != nil {
				t.Fatal(err)
			}
			done, err := w.repair()
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(dry.Lost, done.Lost) || len(dry.Point.Refs("orders", 1)) != len(done.Point.Refs("orders", 1)) {
				t.Errorf("dry says %q, then it is %q", dry.Lost, done.Lost)
			}
			repairedIs(t, w, done, want)
			saysAll(t, done.Lost, c.lost)
			runsGoOn(t, w, done.Point)
		})
	}
}

func saysAll(t *testing.T, lines, parts []string) {
	t.Helper()
	if len(lines) < len(parts) || len(parts) == 0 && len(offsetsLost(lines)) > 0 {
		t.Errorf("lost: %q, want %q", lines, parts)
	}
	for _, part := range parts {
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, part) }) {
			t.Errorf("no line says %q:\n%s", part, strings.Join(lines, "\n"))
		}
	}
}

func offsetsLost(lines []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return !strings.Contains(l, "offsets [") })
}

// repairedIs checks the repaired point, and that it is the newest good one.
func repairedIs(t *testing.T, w *world, done repository.Repaired, want contents) {
	t.Helper()
	got, err := read(t.Context(), w.open(), done.Point.Number)
	if err != nil || differs(want, got) != "" {
		t.Fatalf("point %d: %v %s", done.Point.Number, err, differs(want, got))
	}
	if done.Point.Kind != format.Repaired || done.Point.Parent != 0 {
		t.Errorf("it is %s and stands on %d", done.Point.Kind, done.Point.Parent)
	}
	newest, err := w.repo.Newest(t.Context())
	if err != nil || newest.Number != done.Point.Number {
		t.Fatalf("the newest good point is %v: %v", newest, err)
	}
	points, err := w.repo.Points(t.Context())
	if err != nil {
		t.Fatalf("after the repair the points cannot be listed: %v", err)
	}
	for _, p := range points {
		_, readable := read(t.Context(), w.repo, p.Manifest.Number)
		if readable != nil && p.Bad == "" {
			t.Errorf("point %d cannot be read (%v), but is listed as good", p.Manifest.Number, readable)
		}
	}
	found, err := w.repo.Verify(t.Context(), repository.VerifyOptions{Level: repository.Data, Point: done.Point.Number})
	if err != nil || !found[0].Good {
		t.Errorf("the repaired point is not good: %+v %v", found, err)
	}
	neverWrong(t, w)
}

// runsGoOn commits the next run, repairs again, which has nothing to do, and sweeps.
func runsGoOn(t *testing.T, w *world, p *repository.Point) {
	t.Helper()
	logStart := map[string]int64{"orders/1": 20}
	w.want[p.Number], _ = read(t.Context(), w.repo, p.Number)
	base := map[string]int64{}
	for _, topic := range p.Topics {
		for _, part := range topic.Partitions {
			key := fmt.Sprintf("%s/%d", topic.Name, part.Partition)
			// A log that begins before the point does is copied anew.
			if base[key] = part.End; logStart[key] < part.Start {
				base[key] = logStart[key]
			}
		}
	}
	next := w.run(stretch{"orders", "A", 0, 0, base["orders/0"], 170, "fourth"}, stretch{"orders", "A", 1, 20, base["orders/1"], 80, "fourth"})
	if next.Parent != p.Number {
		t.Errorf("the next run stands on point %d", next.Parent)
	}
	if got, err := read(t.Context(), w.open(), next.Number); err != nil || differs(w.want[next.Number], got) != "" {
		t.Errorf("the next point: %v %s", err, differs(w.want[next.Number], got))
	}
	w.sweep()
}

func TestRepairOfAWholeRepositoryWritesNothing(t *testing.T) {
	w, _ := threePoints(t)
	before := w.names("points/")
	done, err := w.repair()
	if err != nil || done.Point.Number != 3 || len(done.Lost) != 0 {
		t.Fatalf("%+v %v", done, err)
	}
	if after := w.names("points/"); !slices.Equal(before, after) || len(w.names("verifications/"))+len(w.names("removals/")) > 0 {
		t.Errorf("it wrote %q", after)
	}
}

func TestAnAbandonedRunDoesNotReplaceWhatWasKept(t *testing.T) {
	w, _ := threePoints(t)
	w.pack(stretch{"orders", "A", 0, 0, 0, 90, "never committed"}, stretch{"pay", "B", 0, 0, 40, 60, "never committed"})
	w.put(manifestName(2), nil)
	done, err := w.repair()
	if err != nil {
		t.Fatal(err)
	}
	want := w.want[3].without("", 0, 0)
	want["pay/0"] = append(slices.Clone(want["pay/0"]), stretch{"pay", "B", 0, 0, 40, 60, "never committed"}.lines(40, 60)...)
	repairedIs(t, w, done, want)
}

func TestATopicThatWasMadeAnewIsNotMixedWithTheOldOne(t *testing.T) {
	w, _ := threePoints(t)
	w.run(stretch{"orders", "C", 0, 0, 0, 30, "anew"})
	for n := range w.want {
		w.put(manifestName(n), nil)
	}
	done, err := w.repair()
	if err != nil {
		t.Fatal(err)
	}
	got, err := read(t.Context(), w.open(), done.Point.Number)
	if err != nil || !slices.Equal(got["orders/0"], w.want[4]["orders/0"]) {
		t.Errorf("%v: %q", err, got["orders/0"])
	}
}

func TestGroupsAreClampedToWhatIsLeft(t *testing.T) {
	w, d := threePoints(t)
	reseal(w, 3, 1, func(m *format.Manifest) {
		m.Groups = []format.Group{{Name: "billing", Type: "classic", Offsets: []format.Commit{{Topic: "orders", Partition: 1, Offset: 69, Epoch: -1}}}}
	})
	w.remove(d.packs[2])
	done, err := w.repair()
	if err != nil {
		t.Fatal(err)
	}
	if c := done.Point.Groups[0].Offsets[0]; c.Offset != 60 || c.Clamped != 69 {
		t.Errorf("the group stands at %+v, the partition ends at 60", c)
	}
}

func TestMovesThatAreLostAreFoundAgain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w, _ := threePoints(t)
		if err := w.drop(1, 2); err != nil {
			t.Fatal(err)
		}
		for range 2 { // moved, then swept
			pass(repository.SweepGrace + time.Minute)
			w.sweep()
		}
		moves := w.names("moves/")
		for _, name := range moves {
			w.put(name, []byte("garbage"))
		}
		dry, err := w.open().Repair(t.Context(), nil, true)
		if err != nil || len(dry.Lost) != len(moves) {
			t.Errorf("dry: %q %v", dry.Lost, err)
		}
		if _, err := w.repair(); err == nil || !strings.Contains(err.Error(), moves[0]) || !strings.Contains(err.Error(), "delete it") {
			t.Errorf("got %v, want to be told what to delete", err)
		}
		for _, name := range moves {
			w.remove(name)
		}
		done, err := w.repair()
		if err != nil || len(done.Lost) > 0 {
			t.Fatalf("%q %v", done.Lost, err)
		}
		repairedIs(t, w, done, w.want[3])
	})
}

func TestRepairWithoutAnyPackIsAnError(t *testing.T) {
	w, d := threePoints(t)
	for _, name := range d.packs {
		w.remove(name)
	}
	if _, err := w.repair(); err == nil {
		t.Error("a point was made of nothing")
	}
}
