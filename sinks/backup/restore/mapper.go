package restore

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"github.com/ottla-io/ottla/sinks/backup/repository"
)

const (
	mapKind = "offset-map"
	// mapChunk is how many pairs are kept in memory before they are written out.
	mapChunk = 1 << 16
)

// mapPart is one object of restores/NAME-offsets. A map may be spread over
// several, in ascending order.
type mapPart struct {
	Attempt string `json:"attempt"`
	Maps    []Map  `json:"maps"`
}

// mapper gathers the map of offsets and writes it to the repository. It is safe
// for concurrent use.
type mapper struct {
	series  *repository.Series
	attempt string

	mu      sync.Mutex
	open    map[mapKey]*Map
	ends    map[laneKey]int64
	next    map[laneKey]int64 // target offset from which on a lane's pairs are missing
	pending []Map
	pairs   int // in open and pending
}

type laneKey struct {
	target    string
	partition int32
}

type mapKey struct {
	lane      laneKey
	partition int32
}

func mapSeries(r *repository.Repository, name string) *repository.Series {
	return r.Series("restores/"+name+"-offsets", mapKind)
}

func newMapper(r *repository.Repository, name string) *mapper {
	return &mapper{series: mapSeries(r, name), attempt: rand.Text(), open: map[mapKey]*Map{}, ends: map[laneKey]int64{}, next: map[laneKey]int64{}}
}

// link makes sure that a map is written even if it will have no pair.
func (m *mapper) link(l *lane, partition int32) *Map {
	key := mapKey{laneKey{l.topic.name, l.partition}, partition}
	if m.open[key] == nil {
		m.open[key] = &Map{Source: l.source, Target: l.topic.name, Partition: partition, TargetPartition: l.partition}
	}
	return m.open[key]
}

// add takes note of a run that is, or will be, at the lane's record number at.
// A stream that is gone through again says the same again.
func (m *mapper) add(l *lane, r run, at int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key, to := laneKey{l.topic.name, l.partition}, l.start+at
	if to < m.next[key] {
		return
	}
	m.next[key] = to + r.count
	one := m.link(l, r.partition)
	before := len(one.Pairs)
	one.add(Pair{From: r.from, To: to, Count: r.count})
	m.pairs += len(one.Pairs) - before
}

// end finishes the maps into a lane; of a topic that keeps its partitions there
// is one even where a partition had no record.
func (m *mapper) end(l *lane, sources []int32, kept bool, end int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ends[laneKey{l.topic.name, l.partition}] = end
	for _, p := range sources {
		key := mapKey{laneKey{l.topic.name, l.partition}, p}
		if m.open[key] == nil && !kept {
			continue
		}
		one := m.link(l, p)
		one.End = end
		m.pending = append(m.pending, *one)
		delete(m.open, key)
	}
}

// spill writes what there is where it has become much.
func (m *mapper) spill(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pairs < mapChunk {
		return nil
	}
	for _, one := range m.open {
		if len(one.Pairs) > 0 {
			m.pending = append(m.pending, *one)
			one.Pairs = nil
		}
	}
	return m.write(ctx)
}

func (m *mapper) write(ctx context.Context) error {
	if len(m.pending) == 0 {
		return nil
	}
	part := mapPart{Attempt: m.attempt, Maps: m.pending}
	if _, err := m.series.Append(ctx, part); err != nil {
		return fmt.Errorf("write the map of offsets: %w", err)
	}
	m.pending, m.pairs = nil, 0
	return nil
}

// save writes the rest, and returns what tells these parts from others.
func (m *mapper) save(ctx context.Context) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.attempt, m.write(ctx)
}

func noMap(name string) error {
	return fmt.Errorf("restore %s has no map of offsets: there is none of that name, or its records are not all in", name)
}

func eachMap(ctx context.Context, r *repository.Repository, name, attempt string, each func(Map) error) error {
	return mapSeries(r, name).Each(ctx, func(n int64, _ time.Time, read func(any) error) error {
		var part mapPart
		if err := read(&part); err != nil {
			return fmt.Errorf("read part %d of the map of offsets of %s: %w", n, name, err)
		}
		if part.Attempt != attempt {
			return nil // left by a run that was killed
		}
		for _, one := range part.Maps {
			if err := each(one); err != nil {
				return err
			}
		}
		return nil
	})
}
