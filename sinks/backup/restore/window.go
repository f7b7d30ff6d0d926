package restore

import (
	"time"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// window is a filter on record timestamps: [from, to] in milliseconds.
type window struct {
	from, to *int64
}

func windowOf(from, to time.Time) window {
	var w window
	if !from.IsZero() {
		w.from = new(from.UnixMilli())
	}
	if !to.IsZero() {
		w.to = new(to.UnixMilli())
	}
	return w
}

func (w window) open() bool { return w.from == nil && w.to == nil }

func (w window) holds(timestamp int64) bool {
	return (w.from == nil || timestamp >= *w.from) && (w.to == nil || timestamp <= *w.to)
}

// misses tells a frame without a record in the window. Only the highest time of
// a frame is always known, and the lowest where records were decoded: the time
// of its first record says nothing, for producers send out of order.
func (w window) misses(r repository.Ref) bool {
	if r.Length == 0 {
		return true
	}
	return w.from != nil && r.MaxTime < *w.from || w.to != nil && r.MinTime != nil && *r.MinTime > *w.to
}

// inside tells a frame of which every record is in the window.
func (w window) inside(r repository.Ref) bool {
	if w.open() {
		return true
	}
	return r.MinTime != nil && (w.from == nil || *r.MinTime >= *w.from) && (w.to == nil || r.MaxTime <= *w.to)
}

// missesBatch is misses for one batch, whose highest time alone is known.
func (w window) missesBatch(h batch.Header) bool {
	return w.from != nil && h.MaxTimestamp < *w.from
}

// insideBatch tells a batch of which every record is in the window: one of a
// single record, or with the broker's time, has no other times.
func (w window) insideBatch(h batch.Header) bool {
	return w.open() || (h.Records == 1 || h.LogAppendTime()) && w.holds(h.MaxTimestamp)
}
