package capture

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

const (
	// lanesAtOnce is how many packs are written at a time, closing ones included.
	lanesAtOnce = 4
	// lanesEach is how many of them one topic has, or all the small ones share.
	lanesEach = 2
	// laneDepth is how many frames wait before a lane.
	laneDepth = 1
)

// packer puts frames into packs. A topic has packs of its own as long as what is
// left of it will fill them; all else shares. So their number grows with bytes,
// not with topics. It is safe for concurrent use.
type packer struct {
	run   *run
	ctx   context.Context //nolint:containedctx // of the lanes, which the packer starts
	group *errgroup.Group
	slots *semaphore.Weighted

	mu     sync.Mutex
	open   []*lane // lanesAtOnce at most, one of them for all that shares
	last   *lane   // that was opened
	packs  []format.Pack
	placed int64 // offsets, of all topics
	stored int64 // bytes of them
}

// parcel is a frame with its stored bytes.
type parcel struct {
	*stretch
	stored []byte
	after  func() // when the bytes are no more needed
}

// lane writes one pack.
type lane struct {
	owner   *topic // nil: shared
	size    int64
	sending int
	full    bool
	work    chan parcel
	before  *lane         // opened before; nil: none, or forgotten
	turn    chan struct{} // closed once this one has its slot
}

func newPacker(ctx context.Context, group *errgroup.Group, r *run) *packer {
	return &packer{run: r, ctx: ctx, group: group, slots: semaphore.NewWeighted(lanesAtOnce)}
}

// put gives a frame to a lane, and waits while that is busy.
func (p *packer) put(ctx context.Context, one parcel) error {
	l := p.lane(one)
	defer p.sent(l)
	select {
	case l.work <- one:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// lane chooses where a frame goes.
func (p *packer) lane(one parcel) *lane {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, offsets := int64(len(one.stored)), one.Next-one.First
	t := one.topic
	t.placed.Add(offsets)
	t.stored.Add(n)
	t.left.Add(-offsets)
	p.placed, p.stored = p.placed+offsets, p.stored+n
	l := p.choose(t)
	l.size += n
	l.sending++
	l.full = l.size >= p.run.PackSize
	if l.full {
		p.forget(l)
	}
	return l
}

func (p *packer) choose(t *topic) *lane {
	if l := p.of(t, t.storedAhead()); l != nil {
		return l
	}
	if l := p.of(nil, p.ahead()); l != nil {
		return l
	}
	return p.start(nil)
}

// of is an owner's emptiest lane, a new one where what is ahead of the owner
// will fill that too, or nil.
func (p *packer) of(owner *topic, ahead int64) *lane {
	var best *lane
	lanes := 0
	for _, l := range p.open {
		if l.owner != owner {
			continue
		}
		lanes++
		ahead -= p.run.PackSize - l.size
		if best == nil || len(l.work) < len(best.work) {
			best = l
		}
	}
	if lanes < lanesEach && ahead >= p.run.PackSize && p.room(owner) {
		return p.start(owner)
	}
	return best
}

// room tells whether an owner may open one more lane. One place is for those
// that share: a frame of theirs must never wait for a lane that stays open.
func (p *packer) room(owner *topic) bool {
	most := lanesAtOnce
	if owner != nil && !slices.ContainsFunc(p.open, func(l *lane) bool { return l.owner == nil }) {
		most--
	}
	return len(p.open) < most
}

// start opens a lane; for who has the lock.
func (p *packer) start(owner *topic) *lane {
	l := &lane{owner: owner, work: make(chan parcel, laneDepth), before: p.last, turn: make(chan struct{})}
	p.open, p.last = append(p.open, l), l
	p.group.Go(func() error { return p.write(l) })
	return l
}

// ahead is how many stored bytes are still to come, of all topics.
func (p *packer) ahead() int64 {
	var n int64
	for _, t := range p.run.topics {
		if t.placed.Load() > 0 {
			n += t.storedAhead()
		}
	}
	return n
}

// storedAhead is how many stored bytes of a topic are to come, by what it has
// cost so far.
func (t *topic) storedAhead() int64 {
	placed := t.placed.Load()
	if placed == 0 {
		return 0
	}
	return int64(float64(t.stored.Load()) / float64(placed) * float64(t.left.Load()))
}

// forget takes a lane out of the choice; for who has the lock.
func (p *packer) forget(l *lane) {
	for i, other := range p.open {
		if other == l {
			p.open = append(p.open[:i], p.open[i+1:]...)
			return
		}
	}
}

// sent closes a lane behind its last frame.
func (p *packer) sent(l *lane) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.sending--
	if l.full && l.sending == 0 {
		close(l.work)
	}
}

// finish closes what is open. Nothing may be put any more. The run's group waits
// until all packs stand.
func (p *packer) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.open {
		close(l.work)
	}
	p.open = nil
}

// write makes a pack of what comes to a lane.
func (p *packer) write(l *lane) error {
	if err := p.slot(l); err != nil {
		return err
	}
	defer p.slots.Release(1)
	p.run.Step("open pack")
	w, err := p.run.Repository.NewPack(p.ctx)
	if err != nil {
		return fmt.Errorf("begin a pack: %w", err)
	}
	if err := p.fill(w, l); err != nil {
		w.Abort()
		return err
	}
	p.run.Step("close pack")
	pack, err := w.Close()
	if err != nil {
		return fmt.Errorf("write a pack: %w", err)
	}
	p.run.Step("pack stands")
	p.mu.Lock()
	defer p.mu.Unlock()
	p.packs = append(p.packs, pack)
	return nil
}

// slot waits for one. Lanes get theirs in the order they were opened: so those
// that are open never hold all slots while a full one, which has squeezers
// waiting before it, has none.
func (p *packer) slot(l *lane) error {
	if l.before != nil {
		select {
		case <-l.before.turn:
		case <-p.ctx.Done():
			return context.Cause(p.ctx)
		}
		l.before = nil
	}
	if err := p.slots.Acquire(p.ctx, 1); err != nil {
		return context.Cause(p.ctx)
	}
	close(l.turn)
	return nil
}

func (p *packer) fill(w *repository.PackWriter, l *lane) error {
	for {
		select {
		case <-p.ctx.Done():
			return context.Cause(p.ctx)
		case one, more := <-l.work:
			if !more {
				return nil
			}
			if err := w.AddSummed(one.Frame, one.stored); err != nil {
				return fmt.Errorf("write a frame of %s/%d at offset %d: %w", one.Topic, one.Partition, one.First, err)
			}
			p.run.packed(one)
			one.after()
		}
	}
}

// packed counts a frame that was written.
func (r *run) packed(one parcel) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.account(one.stretch)
	r.bytes += int64(len(one.bytes))
	r.stored += int64(len(one.stored))
}
