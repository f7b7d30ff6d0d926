package repository

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// mender is one repair: what can be read, in the order it was written.
type mender struct {
	r          *Repository
	manifests  []*decoded // that can be read, by number
	written    map[int64]time.Time
	unreadable map[int64]string // the others, and numbers that are missing
	dropped    map[int64]bool
	moved      map[string]format.Move

	mu     sync.Mutex
	packs  map[string]*salvage
	notes  []string // packs and frames that cannot be read
	byTime []*salvage
	twins  map[twin]Ref

	blocking []string // objects that keep everybody from reading the repository

	unusable map[int64]string // points whose manifest or chain is lost
	broken   map[int64]string // points that cannot be given back, those included
	timeline map[partition]*timeline
	current  map[string]string // topic to id
	former   map[incarnation]bool
}

// salvage is what can be read of a pack.
type salvage struct {
	pack    format.Pack // without frames
	written time.Time
	frames  map[int64]format.Frame // whose bytes have their checksum
	order   []format.Frame
}

// twin is what a frame is, wherever it stands.
type twin struct {
	partition
	id          string
	first, next int64
	sum         string
}

func twinOf(f format.Frame) twin {
	return twin{partition{f.Topic, f.Partition}, f.TopicID, f.First, f.Next, f.Sum}
}

func newMender(r *Repository) *mender {
	return &mender{
		r: r, written: map[int64]time.Time{}, unreadable: map[int64]string{}, dropped: map[int64]bool{},
		moved: map[string]format.Move{}, packs: map[string]*salvage{}, twins: map[twin]Ref{},
		unusable: map[int64]string{}, broken: map[int64]string{}, timeline: map[partition]*timeline{},
		current: map[string]string{}, former: map[incarnation]bool{},
	}
}

// gather reads everything there is.
func (m *mender) gather(ctx context.Context) error {
	s, err := m.r.takeStock(ctx)
	if err != nil {
		return err
	}
	if err := m.series(ctx, s); err != nil {
		return err
	}
	if err := m.points(ctx, s); err != nil {
		return err
	}
	if err := inParallel(ctx, s.packs, m.salvage); err != nil {
		return err
	}
	for _, one := range m.packs {
		m.byTime = append(m.byTime, one)
		for _, f := range one.order {
			m.twins[twinOf(f)] = Ref{Frame: f, Pack: one.pack}
		}
	}
	slices.SortFunc(m.byTime, func(a, b *salvage) int {
		return cmp.Or(a.written.Compare(b.written), cmp.Compare(a.pack.ID, b.pack.ID))
	})
	return nil
}

// points reads the manifests that can be read, and notes which cannot and which
// are missing though nobody dropped them.
func (m *mender) points(ctx context.Context, s *stock) error {
	next := int64(1)
	for _, o := range s.points {
		for ; next < o.number; next++ {
			if !m.dropped[next] {
				m.unreadable[next] = pointName(next) + " is missing"
			}
		}
		next++
		d, err := m.r.manifest(ctx, o.number)
		words, err := m.passDamage(err)
		if err != nil {
			return err
		}
		if words != "" {
			m.unreadable[o.number] = words
			continue
		}
		m.manifests, m.written[o.number] = append(m.manifests, d), o.written
	}
	return nil
}

// passDamage tells damages from errors of the store; nil stays nil.
func (m *mender) passDamage(err error) (string, error) {
	if err == nil {
		return "", nil
	}
	return damage(err)
}

// series reads tombstones and moves, as far as they can be read.
func (m *mender) series(ctx context.Context, s *stock) error {
	for _, o := range s.series[removals] {
		var one format.Removal
		if err := m.object(ctx, o, format.KindRemoval, &one); err != nil {
			return err
		}
		for n := range one.Points {
			m.dropped[n] = true
		}
	}
	for _, o := range s.series[moves] {
		var one format.Move
		if err := m.object(ctx, o, format.KindMove, &one); err != nil {
			return err
		}
		if one.From != "" {
			m.moved[one.From] = one
		}
	}
	for _, o := range s.series[verifications] {
		if err := m.object(ctx, o, format.KindVerification, &format.Verification{}); err != nil {
			return err
		}
	}
	return nil
}

// object reads one of a series. One that cannot be read keeps everybody from
// reading the repository, and no new object can stand in for it.
func (m *mender) object(ctx context.Context, o stored, kind string, value any) error {
	_, err := m.r.open(ctx, o.name, kind, value)
	words, err := m.passDamage(err)
	if words != "" {
		m.blocking = append(m.blocking, words+": put a copy of it elsewhere, delete it, and repair again")
	}
	return err
}

func (m *mender) noteDamage(err error) error {
	words, err := m.passDamage(err)
	if words != "" {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.notes = append(m.notes, words)
	}
	return err
}

// salvage reads a pack's index and all its frames.
func (m *mender) salvage(ctx context.Context, o stored) error {
	one := &salvage{written: o.written, frames: map[int64]format.Frame{}}
	encrypted := len(m.r.o.Identities) > 0
	p, err := m.r.index(ctx, format.Pack{ID: o.id, Size: o.size})
	if err != nil && errors.Is(err, ErrDamaged) && encrypted {
		p, err = m.r.index(ctx, format.Pack{ID: o.id, Size: o.size, Encrypted: true})
	}
	if errors.Is(err, errSealed) {
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if err != nil {
		return m.noteDamage(fmt.Errorf("%s: %w", o.name, err))
	}
	var buf []byte
	for _, f := range p.Frames {
		f.Gaps = nil
		buf, err = m.r.stored(ctx, Ref{Frame: f, Pack: p}, buf)
		if err != nil {
			if err := m.noteDamage(fmt.Errorf("%s: %s: %w", o.name, frameName(f), damaged(err))); err != nil {
				return err
			}
			continue
		}
		one.frames[f.Offset] = f
		one.order = append(one.order, f)
	}
	one.pack, one.pack.Frames = p, nil
	m.mu.Lock()
	defer m.mu.Unlock()
	m.packs[o.id] = one
	return nil
}

// has tells whether the bytes of a frame can be read.
func (m *mender) has(ref Ref) bool {
	p := m.packs[ref.Pack.ID]
	if p == nil || p.pack.Digest != ref.Pack.Digest {
		return false
	}
	f, ok := p.frames[ref.Offset]
	return ok && f.Sum == ref.Sum && f.First == ref.First && f.Next == ref.Next && f.Topic == ref.Topic && f.Partition == ref.Partition
}
