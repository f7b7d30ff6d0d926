package repository_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ottla-io/ottla/sinks/backup/repository"
)

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// kept are the points without a tombstone.
func (m *model) kept() (numbers []int64) {
	m.seeDropped()
	for n := range m.points {
		if !m.dropped[n] {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers
}

// checkSome reads the newest kept point and a few others.
func (m *model) checkSome() {
	kept := m.kept()
	if len(kept) == 0 {
		return
	}
	some := []int64{kept[len(kept)-1]}
	for range 2 {
		some = append(some, kept[m.rng.IntN(len(kept))])
	}
	m.checkPoints(some)
}

// checkPoints reads points through a reader that remembers nothing, and through
// one that remembers everything since it started.
func (m *model) checkPoints(numbers []int64) {
	opts := m.agents[0].opts
	opts.Bucket = m.world.bucket
	fresh, err := repository.Open(m.t.Context(), opts)
	if err != nil {
		m.t.Fatal(err)
	}
	for _, n := range numbers {
		if m.dropped[n] {
			continue
		}
		for _, repo := range []*repository.Repository{fresh, m.agents[1].repo} {
			got, err := read(m.t.Context(), repo, n)
			if err != nil {
				m.t.Errorf("point %d: %v", n, err)
			} else if words := differs(m.points[n], got); words != "" {
				m.t.Errorf("point %d: %s", n, words)
			}
		}
	}
}

// everythingElseIsSwept drops all but one point, and waits until nothing stands
// in the bucket that it does not need.
func (m *model) everythingElseIsSwept() {
	a := m.agents[0]
	only := func(ctx context.Context, a *agent, l *repository.Lease) error {
		why := map[int64]string{}
		kept := m.kept()
		for _, n := range kept[:len(kept)-1] {
			why[n] = "the test is over"
		}
		return a.repo.Remove(ctx, l, why)
	}
	pass(time.Hour)
	if err := m.leased(m.t.Context(), a, only); err != nil {
		m.t.Fatal(err)
	}
	for range 4 { // dropped, moved, swept
		pass(repository.SweepGrace + time.Minute)
		if err := m.leased(m.t.Context(), a, m.sweep); err != nil {
			m.t.Fatal(err)
		}
	}
	kept := m.kept()
	m.checkPoints(kept)
	for _, name := range m.world.unneeded(kept[len(kept)-1]) {
		m.t.Errorf("%s is needed by nobody and was not swept", name)
	}
	m.ran["objects at the end"] = len(m.world.names(""))
	for _, folder := range []string{"leases/", "removals/", "verifications/", "moves/"} {
		m.ran[strings.TrimSuffix(folder, "/")+" at the end"] = len(m.world.names(folder))
	}
}

// unneeded are the packs that a point does not reach.
func (w *world) unneeded(n int64) (names []string) {
	w.t.Helper()
	opts := w.opts
	opts.Bucket = w.bucket
	repo, err := repository.Open(w.t.Context(), opts)
	if err != nil {
		w.t.Fatal(err)
	}
	p, err := repo.Point(w.t.Context(), n)
	if err != nil {
		w.t.Fatal(err)
	}
	needed := map[string]bool{}
	for _, t := range p.Topics {
		for _, part := range t.Partitions {
			for _, ref := range p.Refs(t.Name, part.Partition) {
				needed["packs/"+ref.Pack.ID+".pack"] = true
			}
		}
	}
	for _, name := range w.names("packs/") {
		if !needed[name] {
			names = append(names, name)
		}
	}
	return names
}
