package repository

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"gocloud.dev/gcerrors"
	"golang.org/x/sync/errgroup"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// Level says how deep a verification looks.
type Level string

// The levels.
const (
	Structure Level = "structure" // manifests, packs present with size and index
	Subset    Level = "subset"    // and the data of a share of the packs
	Data      Level = "data"      // and every record, with record digests
)

// VerifyOptions say what is looked at.
type VerifyOptions struct {
	Point    int64                   // 0: all kept points
	Level    Level                   // "": Structure
	Share    float64                 // of Subset: of the packs, 0 to 1; which ones turns with every call
	Progress func(done, total int64) // bytes of packs; it may be nil and is called by one goroutine at a time
}

// readers is how many frames are looked at, and so held in memory, at once.
const readers = 4

// Verify looks at points and writes down what it found, one verification a
// point in the order of their numbers. Damages are in the results; the error is
// for what could not be looked at. What concerns no single point (a foreign
// object, a number that is missing, a lease of nobody) is in a verification of
// point 0, where all points are looked at. Found may also hold notes of a point that is good: of encrypted packs
// that could not be opened, and, where the store lets us only read, that the
// result could not be written down.
//
// Each frame is read once for all points that share it. Memory: what is known of
// each frame that some point contains, some 500 bytes, and the bytes of four
// frames, stored and uncompressed.
func (r *Repository) Verify(ctx context.Context, o VerifyOptions) ([]format.Verification, error) {
	if o.Level == "" {
		o.Level = Structure
	}
	if o.Share < 0 || o.Share > 1 {
		return nil, fmt.Errorf("verify: a share of %g packs: it goes from 0 to 1", o.Share)
	}
	fresh, err := Open(ctx, r.o) // what r remembers may not be there any more
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	v := &verifier{r: fresh, o: o, began: r.o.Now(), general: &finding{}, tracks: tracks{byKey: map[partition][]*track{}}}
	if err := v.gather(ctx); err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	if err := v.look(ctx); err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	return v.write(ctx)
}

// verifier is one call of Verify.
type verifier struct {
	r       *Repository
	o       VerifyOptions
	began   time.Time
	stock   *stock
	points  []*finding // by number
	general *finding
	tracks  tracks
	uses    map[string]*use
	last    string // pack that the last subset ended with

	mu          sync.Mutex
	done, total int64
}

// look is the verification itself.
func (v *verifier) look(ctx context.Context) error {
	v.uses = uses(v.tracks.all)
	if v.o.Level == Structure {
		for _, u := range v.uses {
			v.total += u.pack.Size
		}
	}
	if err := v.packStructure(ctx); err != nil {
		return err
	}
	switch v.o.Level {
	case Subset:
		return v.subset(ctx)
	case Data:
		for _, t := range v.tracks.all {
			for _, ref := range t.refs {
				v.total += ref.Length
			}
		}
		return v.data(ctx)
	}
	return nil
}

// advance counts bytes that were looked at.
func (v *verifier) advance(n int64) {
	if v.o.Progress == nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.done += n
	v.o.Progress(v.done, v.total)
}

// write appends the results to the series, and returns them.
func (v *verifier) write(ctx context.Context) ([]format.Verification, error) {
	results := make([]format.Verification, 0, len(v.points)+1)
	ended := v.r.o.Now()
	for _, f := range append(slices.Clone(v.points), v.general) {
		if f == v.general && (v.o.Point != 0 || len(f.damages)+len(f.notes) == 0) {
			continue
		}
		result := f.result(v.o.Level, v.began, ended, v.r.o.Writer)
		if v.o.Level == Subset {
			result.Last = v.last
		}
		results = append(results, result)
	}
	for i := range results {
		switch err := v.r.append(ctx, verifications, format.KindVerification, results[i]); {
		case err == nil:
		case readOnly(err):
			note := fmt.Sprintf("the result could not be written down, the store lets us only read: %s", err)
			for j := i; j < len(results); j++ {
				results[j].Found = append(results[j].Found, note)
			}
			return results, nil
		default:
			return results, fmt.Errorf("verify: write down the result: %w", err)
		}
	}
	return results, nil
}

// append writes under the next number, also where others write at the same time.
func (r *Repository) append(ctx context.Context, series, kind string, value any) error {
	for {
		_, err := r.Series(series, kind).Append(ctx, value)
		if !errors.Is(err, ErrTaken) {
			return err
		}
	}
}

// readOnly tells a store that refuses to be written to from one that fails.
func readOnly(err error) bool {
	return gcerrors.Code(err) == gcerrors.PermissionDenied || errors.Is(err, fs.ErrPermission)
}

// inParallel does a few at a time and stops at the first error.
func inParallel[T any](ctx context.Context, items []T, do func(context.Context, T) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readers)
	for _, item := range items {
		g.Go(func() error { return do(ctx, item) })
	}
	return g.Wait()
}
