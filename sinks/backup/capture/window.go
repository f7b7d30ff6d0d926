package capture

import (
	"fmt"
	"strings"
	"time"

	"github.com/ottla-io/ottla/sinks"
)

// Why a partition's Base is not its parent's End, where it is no full sentence.
const (
	whyUnread  = "not read: carried over"
	whyStopped = "stopped"
	whyFull    = "compacted: copied in full"
)

// plan decides which offsets of every partition are copied.
func (r *run) plan() {
	for _, t := range r.readable() {
		if t.other {
			r.alert(sinks.TroubleRecreated, t.Name, fmt.Sprintf("it was deleted and created again since point %d: it is copied from its start; the point has what it was before", r.parent.Number))
		}
		for _, p := range t.parts {
			r.window(p)
			t.left.Add(p.End - p.Base)
		}
	}
}

// window is where a partition's copy begins. [Start, Base) is the parent's,
// [Base, End) is copied.
func (r *run) window(p *part) {
	p.Start, p.Base, p.Full = p.logStart, p.logStart, r.taken
	p.End = max(p.End, p.logStart)
	p.High = max(p.High, p.End)
	if p.was == nil {
		if p.other {
			p.Why = fmt.Sprintf("recreated: point %d has another topic of this name", r.parent.Number)
		}
		return
	}
	if p.logStart < p.was.Start {
		p.Why = "the log begins before the point did: copied anew"
		return
	}
	p.Base, p.Full = p.was.End, p.was.Full
	p.Start = r.archived(p)
	r.truncated(p)
	if p.logStart > p.Base {
		r.overtaken(p)
	}
	if why := r.anew(p); why != "" {
		r.gone.Lost += p.lost
		p.Base, p.Why, p.Full, p.lost = p.logStart, why, r.taken, 0
		if p.Start < p.logStart {
			p.Why += fmt.Sprintf("; the archive of what was before offset %d ends here, or deleted keys would come back", p.logStart)
			p.Start = p.logStart
		}
	}
}

// truncated cuts what an unclean election took back. Without word of the log's
// epochs, an end below the parent's tells it.
func (r *run) truncated(p *part) {
	cut := p.Base
	switch {
	case p.told && p.divergence < p.Base:
		cut = p.divergence
	case !p.told && p.End < p.Base:
		cut = p.End
	case p.End < p.Base: // the epochs agree: the leader has not yet told how far it is
		p.End, p.High = p.Base, max(p.High, p.Base)
	}
	if cut >= p.Base {
		return
	}
	p.Why = fmt.Sprintf("truncated at %d", cut)
	r.alert(sinks.TroubleTruncated, p.Name, fmt.Sprintf("the log of %s was cut at offset %d, below %d where point %d ends: an unclean leader election, or a restored disk; that point has what was there", p.place(), cut, p.Base, r.parent.Number))
	p.Base = max(cut, p.Start)
	p.End = max(p.End, p.Base)
}

// overtaken is retention that was faster than we: [Base, logStart) is lost.
func (r *run) overtaken(p *part) {
	lost := p.logStart - p.Base
	r.alert(sinks.TroubleGap, p.Name, fmt.Sprintf("offsets %d to %d of %s were deleted by retention before they were copied: back up more often than retention.ms, or raise it", p.Base, p.logStart-1, p.place()))
	if p.Start < p.Base {
		p.lost, p.End = lost, max(p.End, p.logStart)
		return
	}
	p.Start, p.Base = p.logStart, p.logStart
	r.gone.Lost += lost
}

// archived is where a point of this partition starts: at the log's start, or
// before it at the oldest frame that is young enough for the archive.
func (r *run) archived(p *part) int64 {
	if r.Archive <= 0 || p.logStart <= p.was.Start {
		return max(p.logStart, p.was.Start)
	}
	oldest := r.taken.Add(-r.Archive).UnixMilli()
	for _, ref := range p.refs(r.parent) {
		if ref.From >= min(p.logStart, p.was.End) {
			break
		}
		if ref.Length > 0 && ref.MaxTime >= oldest {
			return ref.From
		}
	}
	return p.logStart
}

// anew says why a compacted partition is copied in full, or "". A tombstone
// that was written and cleaned since the parent would be missed by an increment,
// and its key come back to life in a restore.
func (r *run) anew(p *part) string {
	if !p.Compacted && !p.topic.was.Compacted {
		return ""
	}
	before := r.parent.Taken
	length := r.parent.Ended.Sub(before)
	stopped := strings.HasPrefix(p.was.Why, whyUnread) || strings.HasPrefix(p.was.Why, whyStopped)
	idle := p.End == p.was.End && p.Base == p.was.End
	switch {
	case length >= p.deleteRetention:
		return whyFull + ": the last run took longer than delete.retention.ms"
	case idle:
		return ""
	case stopped:
		return whyFull + ": the point before has not all of it"
	case r.taken.Add(length).Sub(before) >= p.deleteRetention:
		return whyFull + ": the last point is older than delete.retention.ms"
	case !p.was.Full.IsZero() && r.taken.Sub(p.was.Full) >= r.FullEvery:
		return fmt.Sprintf("%s: the last time was on %s", whyFull, p.was.Full.UTC().Format(time.DateOnly))
	}
	return ""
}

// watch tells of last stable offsets that stand still while the log grows: a
// transaction hangs. age is how long it must have, beyond one interval.
func (r *run) watch(age time.Duration) {
	for _, p := range r.partitions() {
		still := p.was != nil && p.End == p.was.End && p.was.High > p.was.End && p.High > p.was.High
		if !still {
			if p.End == p.High || p.was == nil || p.End != p.was.End {
				delete(r.stuck, p.place())
			}
			continue
		}
		since, ok := r.stuck[p.place()]
		if !ok {
			since = r.parent.Taken
			r.stuck[p.place()] = since
		}
		if r.taken.Sub(since) >= age {
			r.alert(sinks.TroubleHung, p.Name, fmt.Sprintf("a transaction holds %s at offset %d since %s at least, and %d offsets behind it cannot be backed up: find it with kafka-transactions.sh find-hanging, and abort it",
				p.place(), p.End, since.UTC().Format(time.RFC3339), p.High-p.End))
		}
	}
}

// empty tells of topics that have offsets and of which the point has no record.
func (r *run) empty(t *topic, copied int64) {
	if copied > 0 || t.unread {
		return
	}
	var offsets int64
	for _, p := range t.parts {
		offsets += p.High - p.Start
		for _, ref := range p.refs(r.parent) {
			if ref.Records > 0 && ref.To > p.Start && ref.From < p.Base {
				return
			}
		}
	}
	if offsets > 0 {
		r.alert(sinks.TroubleEmpty, t.Name, fmt.Sprintf("it has %d offsets, and none of them holds a record that can be backed up: all of them are in open or aborted transactions, cleaned or deleted", offsets))
	}
}
