package repository

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"gocloud.dev/blob"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/store/storetest"
	"github.com/ottla-io/ottla/sinks/backup/store/through"
)

func TestWhatCannotBeAPointIsNotCommitted(t *testing.T) {
	for name, c := range map[string]struct {
		change func(f *fixture, m *format.Manifest)
		want   error // nil: any
		words  string
	}{
		"a pack that is not there": {func(f *fixture, m *format.Manifest) {
			f.remove(packName(m.Parts[0].Packs[0].ID))
		}, nil, "look at pack"},
		"a pack of another size": {func(_ *fixture, m *format.Manifest) { m.Parts[0].Packs[0].Size++ }, ErrDamaged, "instead of"},
		"a hole":                 {func(_ *fixture, m *format.Manifest) { m.Topics[0].Partitions[0].End = 40 }, ErrDamaged, "end at 30"},
		"a hole in the middle":   {func(_ *fixture, m *format.Manifest) { m.Topics[0].Partitions[0].Base = 15 }, ErrDamaged, "a hole"},
		"a parent that has less": {func(_ *fixture, m *format.Manifest) { m.Topics[0].Partitions[0].Base = 25 }, ErrDamaged, "needs"},
		"an overlap": {func(_ *fixture, m *format.Manifest) {
			m.Parts[0].Packs[0].Frames = append(m.Parts[0].Packs[0].Frames, m.Parts[0].Packs[0].Frames[0])
		}, ErrDamaged, "an overlap"},
		"another topic id":       {func(_ *fixture, m *format.Manifest) { m.Topics[0].ID = "other" }, ErrDamaged, "its frames end at"},
		"a topic named twice":    {func(_ *fixture, m *format.Manifest) { m.Topics = append(m.Topics, m.Topics[0]) }, nil, "twice"},
		"a run that is too old":  {func(_ *fixture, m *format.Manifest) { m.Began = time.Now().Add(-13 * time.Hour) }, nil, "may be swept"},
		"an old parent":          {func(f *fixture, _ *format.Manifest) { f.commit(manifest(1, nil, span(0, 0, 20, 20))) }, ErrTaken, "not the newest"},
		"no parent, but a Base":  {func(_ *fixture, m *format.Manifest) { m.Parent = 0 }, nil, "stands on a parent"},
		"a parent that is not":   {func(_ *fixture, m *format.Manifest) { m.Parent = 7 }, ErrTaken, "not the newest"},
		"a lease that was freed": {func(f *fixture, _ *format.Manifest) { _ = f.lease.Release(f.t.Context()) }, ErrLease, ""},
		"a lease that was taken": {func(f *fixture, _ *format.Manifest) {
			thief := f.Series(leases, format.KindLease)
			if err := thief.Put(f.t.Context(), 99, format.Lease{Holder: "two", TTL: time.Hour}); err != nil {
				f.t.Fatal(err)
			}
		}, ErrLease, "two has it"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Options{})
			f.commit(manifest(0, pack(f.pack(stretch{0, 0, 20})), span(0, 0, 0, 20)))
			m := manifest(1, pack(f.pack(stretch{0, 20, 30})), span(0, 0, 20, 30))
			c.change(f, &m)
			before, err := f.Points(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_, err = f.Commit(t.Context(), f.lease, m)
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.words) {
				t.Errorf("got %v", err)
			}
			if after, err := f.Points(t.Context()); err != nil || len(after) != len(before) {
				t.Errorf("%d points where %d were, %v", len(after), len(before), err)
			}
		})
	}
}

func (f *fixture) remove(name string) {
	f.t.Helper()
	if err := f.o.Bucket.Delete(f.t.Context(), f.root+name); err != nil {
		f.t.Fatal(err)
	}
}

func TestTheNewestPointIsTheNewestGoodOne(t *testing.T) {
	f := newFixture(t, Options{})
	f.commit(manifest(0, pack(f.pack(stretch{0, 0, 20})), span(0, 0, 0, 20)))
	lost := f.pack(stretch{0, 20, 30})
	f.commit(manifest(1, pack(lost), span(0, 0, 20, 30)))
	f.commit(manifest(2, nil, span(0, 0, 30, 30)))
	f.remove(packName(lost.ID))
	newest, err := f.Newest(t.Context())
	if err != nil || newest.Number != 1 {
		t.Fatalf("got %+v, %v", newest, err)
	}
	entries, err := f.Points(t.Context())
	if err != nil || entries[0].Bad != "" || entries[1].Bad == "" || entries[2].Bad == "" {
		t.Fatalf("got %+v, %v", entries, err)
	}
	// The next run stands on the good one, and takes a number of its own.
	next := f.commit(manifest(1, pack(f.pack(stretch{0, 20, 35})), span(0, 0, 20, 35)))
	if got := f.content(next, 0); next.Number != 4 || got != "[0,20)[20,35)" {
		t.Errorf("point %d holds %s", next.Number, got)
	}
}

func TestAFailedVerificationMakesAPointAndWhatStandsOnItBad(t *testing.T) {
	f := newFixture(t, Options{})
	f.commit(manifest(0, pack(f.pack(stretch{0, 0, 20})), span(0, 0, 0, 20)))
	f.commit(manifest(1, pack(f.pack(stretch{0, 20, 30})), span(0, 0, 20, 30)))
	f.commit(manifest(2, nil, span(0, 0, 30, 30)))
	say := func(point int64, level Level, good bool) {
		t.Helper()
		v := format.Verification{Point: point, Level: string(level), Good: good}
		if _, err := f.Series(verifications, format.KindVerification).Append(t.Context(), v); err != nil {
			t.Fatal(err)
		}
	}
	want := func(number int64) {
		t.Helper()
		p, err := f.Newest(t.Context())
		if err != nil || p.Number != number {
			t.Fatalf("got %+v, %v; want point %d", p, err, number)
		}
	}
	say(2, Data, false)
	want(1)
	say(3, Structure, true) // does not look as deep
	want(1)
	say(3, Data, true)
	want(3)
	say(2, Data, true)
	say(3, Structure, false)
	want(2)
}

func TestNoPointStandsOnOneThatFailedVerificationSince(t *testing.T) {
	f := newFixture(t, Options{})
	f.commit(manifest(0, pack(f.pack(stretch{0, 0, 20})), span(0, 0, 0, 20)))
	f.commit(manifest(1, pack(f.pack(stretch{0, 20, 30})), span(0, 0, 20, 30)))
	v := format.Verification{Point: 2, Level: string(Data)}
	if _, err := f.Series(verifications, format.KindVerification).Append(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	_, err := f.Commit(t.Context(), f.lease, manifest(2, nil, span(0, 0, 30, 30)))
	if !errors.Is(err, ErrTaken) || !strings.Contains(err.Error(), "point 2, on which this one would stand, is not the newest good one") {
		t.Errorf("got %v", err)
	}
	f.commit(manifest(1, pack(f.pack(stretch{0, 20, 35})), span(0, 0, 20, 35)))
}

// A run, with any one call to the store failing before or after its effect,
// and run again until it succeeds: the point contains what it must, no point
// contains anything else, and nothing is left that makes another run fail.
func TestARunSurvivesAFaultAtEveryCall(t *testing.T) {
	storetest.Every(t, func(t *testing.T, faults *storetest.Faults) {
		b := faults.Wrap(memory(t))
		done := false
		for try := 0; try < 3 && !done; try++ {
			done = tryRun(t, b) == nil
		}
		if !done {
			t.Fatal("it still fails after the fault")
		}
		faults.Heal()
		checkRun(t, b)
	})
}

func tryRun(t *testing.T, b *blob.Bucket) error {
	r := opened(t, b, "w")
	if err := r.Begin(t.Context()); err != nil {
		return err
	}
	l, err := r.Acquire(t.Context(), time.Minute)
	if err != nil {
		return errors.Join(err, freeAll(t, b))
	}
	defer func() {
		if l.Release(t.Context()) != nil {
			_ = freeAll(t, b)
		}
	}()
	base, parent := int64(0), int64(0)
	switch newest, err := r.Newest(t.Context()); {
	case err == nil:
		base, parent = newest.Topics[0].Partitions[0].End, newest.Number
	case !errors.Is(err, ErrNoPoint):
		return err
	}
	if base == 30 {
		return nil
	}
	w, err := r.NewPack(l.Context())
	if err != nil {
		return err
	}
	defer w.Abort()
	for at := base; at < 30; at += 10 {
		if err := w.Add(stretch{0, at, at + 10}.frame(), stretch{0, at, at + 10}.body()); err != nil {
			return err
		}
	}
	p, err := w.Close()
	if err != nil {
		return err
	}
	_, err = r.Commit(l.Context(), l, manifest(parent, pack(p), span(0, 0, base, 30)))
	return err
}

// freeAll takes away a lease whose release failed, instead of waiting for its end.
func freeAll(t *testing.T, b *blob.Bucket) error {
	r := opened(t, b, "w")
	all, _, err := r.bids(t.Context())
	if err != nil || len(all) == 0 {
		return err
	}
	w := winner(all)
	_, err = r.Series(leases, format.KindLease).Append(t.Context(), format.Lease{Holder: w.Holder, TTL: w.TTL, On: w.number, Released: true})
	return err
}

func checkRun(t *testing.T, b *blob.Bucket) {
	t.Helper()
	f := &fixture{opened(t, b, "r"), t, nil}
	entries, err := f.Points(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		p, err := f.Point(t.Context(), e.Manifest.Number)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.content(p, 0); e.Bad != "" || got != "[0,10)[10,20)[20,30)" {
			t.Errorf("point %d (%s) holds %s", p.Number, e.Bad, got)
		}
	}
	if len(entries) == 0 {
		t.Error("there is no point")
	}
}

func TestTheCallsOfARunAreFew(t *testing.T) {
	faults := &storetest.Faults{}
	b := faults.Wrap(memory(t))
	for range 2 {
		faults.Reset()
		if err := tryRun(t, b); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("a run that finds nothing new: %d lists, %d opens, %d writes", len(faults.Calls(through.List)), len(faults.Calls(through.Open)), len(faults.Calls(through.Write)))
	if n := len(faults.Calls(through.List, through.Open, through.Write, through.Stat)); n > 20 {
		t.Errorf("%d calls", n)
	}
	if i := slices.IndexFunc(faults.Calls(), func(c storetest.Call) bool { return c.Op == through.Delete }); i >= 0 {
		t.Error("a run deletes something")
	}
}
