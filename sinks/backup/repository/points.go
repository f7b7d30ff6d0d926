package repository

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// Entry is one point in a listing.
type Entry struct {
	Manifest format.Manifest // what is in its own object: Parts are only what was new
	Written  time.Time       // by the store's clock
	Removed  string          // why a tombstone dropped it; "" if none did
	Verified []format.Verification
	Size     int64  // bytes of the packs that were new
	Bad      string // why it is no good point: a verify failed, a pack is missing; "" if it is good
	Signer   ed25519.PublicKey
	// Unreadable says that nothing is known of the point but its number.
	Unreadable bool
}

// Point is a point with everything it stands on.
type Point struct {
	format.Manifest
	Written time.Time
	refs    map[partition][]Ref
}

type partition struct {
	topic     string
	partition int32
}

// Ref is what a point takes of a frame: the offsets [From, To) of it.
type Ref struct {
	format.Frame
	Pack format.Pack // without Frames
	From int64
	To   int64
}

// Refs are the frames of a partition in offset order. They cover [Start, End)
// without hole or overlap. They are shared: do not change them.
func (p *Point) Refs(topic string, number int32) []Ref { return p.refs[partition{topic, number}] }

// Points lists all points, oldest first, dropped ones too. A manifest that
// cannot be read is an error: it is never left out, and Bad only where the
// point was dropped. Manifests are shared with
// later calls: do not change them.
func (r *Repository) Points(ctx context.Context) ([]Entry, error) {
	st, err := r.look(ctx)
	if err == nil {
		err = st.whole()
	}
	if err != nil {
		return nil, fmt.Errorf("list the points: %w", err)
	}
	entries, err := r.entries(ctx, st)
	if err != nil {
		return nil, fmt.Errorf("list the points: %w", err)
	}
	return entries, nil
}

func (r *Repository) entries(ctx context.Context, st *state) ([]Entry, error) {
	all, err := r.manifestsOf(ctx, st)
	if err != nil {
		return nil, err
	}
	j := r.jury(st, all)
	entries := make([]Entry, 0, len(all))
	for _, d := range all {
		bad, err := d.unreadable, error(nil)
		if bad == "" {
			bad, err = j.bad(ctx, d)
		}
		if st.told(d.Number, err) {
			bad, err = err.Error(), nil
		}
		if err != nil {
			return nil, err
		}
		entries = append(entries, Entry{
			Manifest: d.Manifest, Written: st.points[d.Number].written, Removed: st.removed[d.Number],
			Verified: st.found(d.Number), Size: newBytes(&d.Manifest), Bad: bad, Signer: d.signer,
			Unreadable: d.unreadable != "",
		})
	}
	return entries, nil
}

// Point reads point n and what it stands on. A dropped point can be read until
// it is swept.
func (r *Repository) Point(ctx context.Context, n int64) (*Point, error) {
	st := newState()
	if err := r.lookPoints(ctx, st); err != nil {
		return nil, fmt.Errorf("read point %d: %w", n, err)
	}
	if _, ok := st.points[n]; !ok {
		return nil, fmt.Errorf("read point %d: %w", n, ErrNoPoint)
	}
	if err := r.lookMoves(ctx, st); err != nil {
		return nil, fmt.Errorf("read point %d: %w", n, err)
	}
	p, _, err := r.point(ctx, n, st)
	if err != nil {
		return nil, fmt.Errorf("read point %d: %w", n, err)
	}
	return p, nil
}

func (r *Repository) point(ctx context.Context, n int64, st *state) (*Point, []int64, error) {
	d, err := r.manifest(ctx, n)
	if err != nil {
		return nil, nil, err
	}
	refs, chain, err := resolve(ctx, &d.Manifest, r.parents, st.moved)
	if err != nil {
		return nil, nil, err
	}
	return &Point{Manifest: d.Manifest, Written: st.points[n].written, refs: refs}, chain, nil
}

// parents is the source of the manifests that are stored.
func (r *Repository) parents(ctx context.Context, n int64) (*format.Manifest, error) {
	r.ahead(ctx, n)
	d, err := r.manifest(ctx, n)
	if err != nil {
		return nil, err
	}
	return &d.Manifest, nil
}

// ahead reads manifests before they are asked for: a chain mostly goes down by
// one, and from a distant store one after the other takes a second or two.
func (r *Repository) ahead(ctx context.Context, n int64) {
	r.mu.Lock()
	known := r.manifests[n] != nil
	r.mu.Unlock()
	if _, cached := r.cache.get(pointName(n)); known || cached {
		return
	}
	var g errgroup.Group
	for k := max(1, n-7); k <= n; k++ {
		g.Go(func() error {
			_, _ = r.get(ctx, pointName(k)) // an error comes up again where it matters
			return nil
		})
	}
	_ = g.Wait()
}

// Newest reads the newest good point, or ErrNoPoint. A manifest that cannot be
// read is an error, never an older point or none.
func (r *Repository) Newest(ctx context.Context) (*Point, error) {
	p, _, err := r.NewestGood(ctx)
	return p, err
}

// NoGood is a point that is no good, and why.
type NoGood struct {
	Number int64
	Why    string
}

// NewestGood is Newest, and the points above it that it passes over, newest
// first: whoever builds on it tells them. They are there with ErrNoPoint, too.
func (r *Repository) NewestGood(ctx context.Context) (*Point, []NoGood, error) {
	st, err := r.look(ctx)
	if err == nil {
		err = st.whole()
	}
	var p *Point
	var over []NoGood
	if err == nil {
		p, over, err = r.newest(ctx, st)
	}
	if err != nil {
		return nil, over, fmt.Errorf("read the newest point: %w", err)
	}
	return p, over, nil
}

func (r *Repository) newest(ctx context.Context, st *state) (p *Point, over []NoGood, err error) {
	j := r.jury(st, nil)
	for _, n := range slices.Backward(st.numbers) {
		if _, gone := st.removed[n]; gone {
			continue
		}
		d, err := r.manifest(ctx, n)
		if err != nil {
			return nil, nil, err
		}
		bad, refs, err := j.look(ctx, d)
		if err != nil {
			return nil, nil, err
		}
		if bad == "" {
			return &Point{Manifest: d.Manifest, Written: st.points[n].written, refs: refs}, over, nil
		}
		over = append(over, NoGood{n, bad})
	}
	if len(st.numbers) > 0 {
		return nil, over, fmt.Errorf("none of the %d that there are is good: %w", len(st.numbers), ErrNoPoint)
	}
	return nil, nil, ErrNoPoint
}

// manifestsOf reads all manifests, eight at a time.
func (r *Repository) manifestsOf(ctx context.Context, st *state) ([]*decoded, error) {
	all := make([]*decoded, len(st.numbers))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i, n := range st.numbers {
		g.Go(func() (err error) {
			all[i], err = r.manifest(ctx, n)
			if st.told(n, err) {
				all[i], err = &decoded{Manifest: format.Manifest{Number: n}, unreadable: err.Error()}, nil
			}
			return err
		})
	}
	return all, g.Wait()
}

// newBytes are the bytes of the packs that a point added.
func newBytes(m *format.Manifest) (size int64) {
	for _, part := range m.Parts {
		if part.Writer == format.Inherited {
			continue
		}
		for _, p := range part.Packs {
			size += p.Size
		}
	}
	return size
}
