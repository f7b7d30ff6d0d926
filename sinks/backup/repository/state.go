package repository

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"gocloud.dev/gcerrors"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// Names of what stands in a repository.
const (
	points        = "points/"
	manifestEnd   = ".manifest"
	policies      = "policies"
	removals      = "removals"
	verifications = "verifications"
	moves         = "moves"
)

func pointName(n int64) string { return fmt.Sprintf("%s%012d%s", points, n, manifestEnd) }

// state is what a repository holds at one look, without the manifests.
type state struct {
	points   map[int64]object
	numbers  []int64           // of points, ascending
	packs    map[string]object // by id
	removed  map[int64]string  // point to reason
	verified map[int64][]verdict
	moved    map[string]format.Move // by pack, the newest
	highest  int64                  // number that was ever given to a point
	missing  []int64                // points that no removal explains
	lenient  bool                   // what is damaged is told, and the rest is read
	damaged  []string
}

// verdict is a verification, in the order in which they were written.
type verdict struct {
	format.Verification
	number int64
}

func newState() *state {
	return &state{
		points: map[int64]object{}, packs: map[string]object{}, removed: map[int64]string{},
		verified: map[int64][]verdict{}, moved: map[string]format.Move{},
	}
}

// look reads it. Manifests are listed before packs, since packs are written
// before manifests: what a listed manifest names must be in the listing.
func (r *Repository) look(ctx context.Context) (*state, error) { return r.lookInto(ctx, newState()) }

func (r *Repository) lookInto(ctx context.Context, st *state) (*state, error) {
	for _, read := range []func(context.Context, *state) error{
		r.lookPoints, r.lookRemovals, r.lookVerifications, r.lookMoves, r.lookPacks,
	} {
		if err := read(ctx, st); err != nil {
			return nil, err
		}
	}
	for n := int64(1); n <= st.highest; n++ {
		_, there := st.points[n]
		if _, gone := st.removed[n]; !there && !gone {
			st.missing = append(st.missing, n)
		}
		if len(st.missing) == 1000 {
			break
		}
	}
	return st, nil
}

// whole says that no manifest is missing without a removal that explains it.
func (st *state) whole() error {
	if len(st.missing) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s is missing, and no removal says why (%d such points): bring it back from another copy of the bucket, or run ottla backup repair",
		ErrDamaged, pointName(st.missing[0]), len(st.missing))
}

func (r *Repository) lookPoints(ctx context.Context, st *state) error {
	objects, err := r.list(ctx, points)
	if err != nil {
		return err
	}
	for _, o := range objects {
		if n, ok := numbered(o.name, points, manifestEnd); ok {
			st.points[n] = o
		}
	}
	st.numbers = slices.Sorted(maps.Keys(st.points))
	if len(st.numbers) > 0 {
		st.highest = st.numbers[len(st.numbers)-1]
	}
	return nil
}

func (r *Repository) lookRemovals(ctx context.Context, st *state) error {
	return r.Series(removals, format.KindRemoval).Each(ctx, func(_ int64, _ time.Time, read func(any) error) error {
		var removal format.Removal
		if err := read(&removal); err != nil {
			return st.forgive(err)
		}
		for n, why := range removal.Points {
			if why == "" {
				why = "removed"
			}
			st.removed[n] = why
			st.highest = max(st.highest, n)
		}
		return nil
	})
}

func (r *Repository) lookVerifications(ctx context.Context, st *state) error {
	return r.Series(verifications, format.KindVerification).Each(ctx, func(number int64, _ time.Time, read func(any) error) error {
		v := verdict{number: number}
		if err := read(&v.Verification); err != nil {
			return st.forgive(err)
		}
		st.verified[v.Point] = append(st.verified[v.Point], v)
		return nil
	})
}

func (r *Repository) lookMoves(ctx context.Context, st *state) error {
	return r.Series(moves, format.KindMove).Each(ctx, func(_ int64, _ time.Time, read func(any) error) error {
		var m format.Move
		if err := read(&m); err != nil {
			return st.forgive(err)
		}
		st.moved[m.From] = m
		return nil
	})
}

func (r *Repository) lookPacks(ctx context.Context, st *state) error {
	objects, err := r.list(ctx, packs)
	if err != nil {
		return err
	}
	for _, o := range objects {
		if id, ok := packID(o.name); ok {
			st.packs[id] = o
		}
	}
	return nil
}

// decoded is a manifest that was read. It is shared: nobody changes it.
type decoded struct {
	format.Manifest
	signer     ed25519.PublicKey
	weight     int
	unreadable string // why nothing else is known of the point
}

// manifestsKept bounds the decoded manifests that are kept, in frames and partitions.
const manifestsKept = 200_000

// manifest reads the manifest of point n. Whatever keeps it from being read is
// an error: it is never taken for a point that is not there.
func (r *Repository) manifest(ctx context.Context, n int64) (*decoded, error) {
	r.mu.Lock()
	d := r.manifests[n]
	r.mu.Unlock()
	if d != nil {
		return d, nil
	}
	d = &decoded{weight: 1}
	signer, err := r.open(ctx, pointName(n), format.KindManifest, &d.Manifest)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, fmt.Errorf("point %d: %w: %w", n, ErrNoPoint, err)
	}
	if err != nil {
		return nil, fmt.Errorf("point %d: %w", n, err)
	}
	d.signer = signer
	if err := r.belongs(d, n); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", pointName(n), ErrDamaged, err)
	}
	r.keep(n, d)
	return d, nil
}

// belongs checks that a manifest is the one of its name, whoever put it there.
func (r *Repository) belongs(d *decoded, n int64) error {
	switch {
	case d.Number != n:
		return fmt.Errorf("it is the manifest of point %d", d.Number)
	case d.Backup != r.o.Identity:
		return fmt.Errorf("it belongs to the backup %s/%s of cluster %s", d.Backup.Namespace, d.Backup.Name, d.Backup.Cluster)
	case d.Parent < 0 || d.Parent >= n:
		return fmt.Errorf("it stands on point %d", d.Parent)
	case d.Version < 1 || d.Version > format.Version:
		return errors.New("its version is not the one of its first line")
	}
	return checkManifest(&d.Manifest)
}

func (r *Repository) keep(n int64, d *decoded) {
	for _, t := range d.Topics {
		d.weight += 1 + len(t.Partitions)
	}
	for _, p := range d.Parts {
		d.weight += len(p.Empty)
		for _, pack := range p.Packs {
			d.weight += 1 + len(pack.Frames)
		}
	}
	if d.weight > manifestsKept/2 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for old, was := range r.manifests {
		if r.weight+d.weight <= manifestsKept {
			break
		}
		delete(r.manifests, old)
		r.weight -= was.weight
	}
	if r.manifests[n] == nil {
		r.manifests[n] = d
		r.weight += d.weight
	}
}
