package repository

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// jury says which points are good: every pack of what they contain is there,
// and no verification failed, of them or of what they stand on.
type jury struct {
	r     *Repository
	st    *state
	lost  map[string]bool // packs; nil where nobody has looked
	sound map[int64]bool  // points whose manifests are all there
	fails bool            // some verification failed
}

// jury prepares a judgement of all points, or of few where all is nil.
func (r *Repository) jury(st *state, all []*decoded) *jury {
	j := &jury{r: r, st: st, sound: map[int64]bool{}}
	for n := range st.verified {
		j.fails = j.fails || failing(st.verified[n]).number > 0
	}
	if all != nil {
		j.lost = st.lostOf(all)
	}
	return j
}

// bad says why a point is not good. Points are asked for in the order of their
// numbers. Nothing is resolved while no pack and no manifest is missing.
func (j *jury) bad(ctx context.Context, d *decoded) (string, error) {
	_, there := j.st.points[d.Parent]
	j.sound[d.Number] = d.Parent == 0 || there && j.sound[d.Parent]
	if !j.fails && len(j.lost) == 0 && j.sound[d.Number] {
		j.remember(d.Number, false)
		return "", nil
	}
	why, _, err := j.look(ctx, d)
	return why, err
}

// remember keeps a judgement for Commit. A survey may not have read all that speaks
// against a point.
func (j *jury) remember(n int64, bad bool) {
	if !j.st.lenient {
		j.r.judge(n, bad)
	}
}

// look resolves a point to say why it is not good, and gives its refs if it is.
func (j *jury) look(ctx context.Context, d *decoded) (why string, refs map[partition][]Ref, err error) {
	why, refs, err = j.judge(ctx, d)
	if err == nil {
		j.remember(d.Number, why != "")
	}
	return why, refs, err
}

func (j *jury) judge(ctx context.Context, d *decoded) (string, map[partition][]Ref, error) {
	if j.fails {
		if why, err := j.verdict(ctx, d); why != "" || err != nil {
			return why, nil, err
		}
	}
	refs, _, err := resolve(ctx, &d.Manifest, j.r.parents, j.st.moved)
	if errors.Is(err, ErrDamaged) && j.broken(ctx, d) {
		return err.Error(), nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	for _, list := range refs {
		for _, ref := range list {
			if why := j.st.lost(ref); why != "" {
				return why, nil, nil
			}
		}
	}
	return "", refs, nil
}

// broken tells a chain whose manifests can all be read, so that the point is
// bad, from one of which a manifest cannot be read: that is an error.
func (j *jury) broken(ctx context.Context, d *decoded) bool {
	for at := d; at.Parent != 0; {
		next, err := j.r.manifest(ctx, at.Parent)
		if err != nil {
			return errors.Is(err, ErrNoPoint)
		}
		at = next
	}
	return true
}

// verdict looks for a failed verification of the point, or of one it stands on,
// that no later verification of at least that level, nearer to the point, has
// overruled.
func (j *jury) verdict(ctx context.Context, d *decoded) (string, error) {
	var nearer []verdict
	for at := d; ; {
		nearer = append(nearer, j.st.verified[at.Number]...)
		if v := failing(j.st.verified[at.Number]); v.number > 0 && !overruled(v, nearer) {
			return fmt.Sprintf("point %d failed verification %d: %s", at.Number, v.number, first(v.Found)), nil
		}
		if at.Parent == 0 {
			return "", nil
		}
		next, err := j.r.manifest(ctx, at.Parent)
		if errors.Is(err, ErrNoPoint) {
			return "", nil // resolving will tell whether it is needed
		}
		if err != nil {
			return "", err
		}
		at = next
	}
}

func first(found []string) string {
	if len(found) == 0 {
		return "it does not say why"
	}
	return found[0]
}

// failing is the newest verification that failed and was not overruled since.
func failing(all []verdict) verdict {
	for _, v := range slices.Backward(all) {
		if !v.Good && !overruled(v, all) {
			return v
		}
	}
	return verdict{}
}

// overruled tells whether a later verification that looked at least as deep
// found everything good.
func overruled(v verdict, by []verdict) bool {
	return slices.ContainsFunc(by, func(other verdict) bool {
		return other.Good && other.number > v.number && depth(other.Level) >= depth(v.Level)
	})
}

func depth(level string) int {
	return slices.Index([]string{string(Structure), string(Subset), string(Data)}, level)
}

// found are the verifications of a point.
func (st *state) found(n int64) (all []format.Verification) {
	for _, v := range st.verified[n] {
		all = append(all, v.Verification)
	}
	return all
}

// lostOf are the packs that are missing or of another size: usually none.
func (st *state) lostOf(all []*decoded) map[string]bool {
	lost := map[string]bool{}
	look := func(p format.Pack) {
		if st.lost(Ref{Pack: p}) != "" {
			lost[p.ID] = true
		}
	}
	for _, d := range all {
		for _, part := range d.Parts {
			for _, p := range part.Packs {
				look(p)
			}
		}
	}
	for _, m := range st.moved {
		look(m.To)
	}
	return lost
}

// lost says what is wrong with the pack of a ref in the listing.
func (st *state) lost(ref Ref) string {
	p := ref.Pack
	if p.ID == "" {
		return "" // a frame without bytes
	}
	o, ok := st.packs[p.ID]
	switch {
	case !ok:
		return fmt.Sprintf("pack %s is missing", p.ID)
	case o.size != p.Size:
		return fmt.Sprintf("pack %s has %d bytes instead of %d", p.ID, o.size, p.Size)
	}
	return ""
}

// judge remembers which points are not good, for Commit.
func (r *Repository) judge(n int64, bad bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bad[n] = bad
}
