package repository

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// Series is a run of numbered objects of one kind below one name: policies,
// leases, removals, verifications, restores/NAME, snapshots/NAME, evidence/NAME.
type Series struct {
	r    *Repository
	dir  string // with a slash at its end
	kind string
	bad  error              // why there can be no such series
	key  ed25519.PrivateKey // signs what is written
	also []byte             // public key that is trusted here besides the repository's
}

// Series returns the series of that name. kind is what Seal writes.
func (r *Repository) Series(name, kind string) *Series {
	s := &Series{r: r, dir: name + "/", kind: kind, key: r.o.Key}
	for part := range strings.SplitSeq(name, "/") {
		if !Safe(part) {
			s.bad = fmt.Errorf("%q is no name for a series: it is not made of letters, digits, dot, dash and underscore alone", name)
		}
	}
	if name == "points" || name == "packs" {
		s.bad = fmt.Errorf("%s is no series", name)
	}
	return s
}

// SignedBy is the series as somebody else signs it: what is written is signed
// by that key, and what it has signed is trusted, besides what the repository
// trusts anyway.
func (s *Series) SignedBy(key ed25519.PrivateKey) *Series {
	other := *s
	other.key, other.also = key, format.Public(key)
	return &other
}

func (s *Series) name(number int64) string { return fmt.Sprintf("%s%012d.json", s.dir, number) }

// numbered reads a number out of an object's name. Any other spelling of the
// number is a foreign object.
func numbered(name, dir, suffix string) (int64, bool) {
	digits, ok := strings.CutPrefix(name, dir)
	if digits, ok = cutSuffix(digits, suffix, ok); !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil && n > 0 && fmt.Sprintf("%012d", n) == digits
}

func cutSuffix(s, suffix string, ok bool) (string, bool) {
	if !ok {
		return s, false
	}
	return strings.CutSuffix(s, suffix)
}

// Numbers lists the numbers of a series, ascending, and when each was written.
func (s *Series) Numbers(ctx context.Context) (all []int64, written map[int64]time.Time, err error) {
	if s.bad != nil {
		return nil, nil, s.bad
	}
	objects, err := s.r.list(ctx, s.dir)
	if err != nil {
		return nil, nil, err
	}
	written = map[int64]time.Time{}
	for _, o := range objects {
		if n, ok := numbered(o.name, s.dir, ".json"); ok {
			all = append(all, n)
			written[n] = o.written
		}
	}
	slices.Sort(all) // thirteen digits are listed before two
	return all, written, nil
}

// Append writes value under the next number, only if absent; ErrTaken if
// another writer was first: read Newest again and decide anew.
func (s *Series) Append(ctx context.Context, value any) (number int64, err error) {
	all, _, err := s.Numbers(ctx)
	if err != nil {
		return 0, err
	}
	number = 1
	if len(all) > 0 {
		number = all[len(all)-1] + 1
	}
	if err := s.Put(ctx, number, value); err != nil {
		return 0, err
	}
	return number, nil
}

// Put writes value under that number, only if absent; ErrTaken if it is there.
func (s *Series) Put(ctx context.Context, number int64, value any) error {
	if s.bad != nil {
		return s.bad
	}
	if number < 1 {
		return fmt.Errorf("write %s: numbers begin with 1", s.name(number))
	}
	b, err := format.Seal(s.kind, value, s.key)
	if err != nil {
		return err
	}
	return s.r.put(ctx, s.name(number), "application/json", b)
}

// Newest reads the highest number into value; 0 if there is none.
func (s *Series) Newest(ctx context.Context, value any) (number int64, err error) {
	all, _, err := s.Numbers(ctx)
	if err != nil || len(all) == 0 {
		return 0, err
	}
	number = all[len(all)-1]
	if _, err := s.Read(ctx, number, value); err != nil {
		return 0, err
	}
	return number, nil
}

// Read reads a number into value, and says who signed it; nil if nobody did.
func (s *Series) Read(ctx context.Context, number int64, value any) (signer ed25519.PublicKey, err error) {
	if s.bad != nil {
		return nil, s.bad
	}
	return s.r.open(ctx, s.name(number), s.kind, value, s.also)
}

// Raw reads a number's bytes as they stand, signature and all.
func (s *Series) Raw(ctx context.Context, number int64) ([]byte, error) {
	if s.bad != nil {
		return nil, s.bad
	}
	return s.r.get(ctx, s.name(number))
}

// Beside writes what is made from a number beside it, under its name with
// another ending. Where something stands there already it is left.
func (s *Series) Beside(ctx context.Context, number int64, ending, contentType string, body []byte) error {
	if s.bad != nil {
		return s.bad
	}
	err := s.r.put(ctx, strings.TrimSuffix(s.name(number), ".json")+ending, contentType, body)
	if errors.Is(err, ErrTaken) {
		return nil
	}
	return err
}

// Each calls each with every number in order and a function that reads it.
func (s *Series) Each(ctx context.Context, each func(number int64, written time.Time, read func(value any) error) error) error {
	all, written, err := s.Numbers(ctx)
	if err != nil {
		return err
	}
	s.warm(ctx, all)
	for _, n := range all {
		err := each(n, written[n], func(value any) error {
			_, err := s.Read(ctx, n, value)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// warm reads ahead, eight objects at a time, what the cache does not have yet.
// An error comes up again where the object is read.
func (s *Series) warm(ctx context.Context, numbers []int64) {
	var g errgroup.Group
	g.SetLimit(8)
	for _, n := range numbers {
		if _, known := s.r.cache.get(s.name(n)); known {
			continue
		}
		g.Go(func() error {
			_, _ = s.r.get(ctx, s.name(n))
			return nil
		})
	}
	_ = g.Wait()
}
