package proof

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/store"
)

// The endings of what is written for one number.
const (
	signedEnding = ".json"
	pdfEnding    = ".pdf"
)

// Archive is a store of its own for the evidence of one validation, beside the
// backup repository that it stands in anyway. Objects are named
// evidence/NAMESPACE/BACKUP/CLUSTER/VALIDATION/NUMBER; what is named otherwise
// is never read and never touched.
type Archive struct {
	Bucket     *blob.Bucket
	Backup     format.Identity
	Validation string        // NAMESPACE.NAME
	Keep       time.Duration // what is older by the store's clock is removed, save the newest; 0 keeps all
	PDF        bool          // a page to print stands beside each
	Now        func() time.Time
}

// Kept is what an archive did.
type Kept struct {
	Copied   int
	Removed  int
	Deferred int // what the store does not let go yet
}

// Bring copies what the archive lacks of a series, as it stands, and removes
// what it need not keep any more. It may be repeated, and goes on where it was
// killed.
func (a Archive) Bring(ctx context.Context, s *repository.Series) (Kept, error) {
	var out Kept
	there, err := a.list(ctx)
	if err != nil {
		return out, err
	}
	numbers, written, err := s.Numbers(ctx)
	if err != nil {
		return out, fmt.Errorf("list the evidence: %w", err)
	}
	for _, n := range numbers {
		if a.old(written[n]) {
			continue
		}
		copied, err := a.copy(ctx, s, n, there)
		if err != nil {
			return out, err
		}
		out.Copied += copied
	}
	return out, a.remove(ctx, there, &out)
}

func (a Archive) dir() string {
	return path.Join("evidence", a.Backup.Namespace, a.Backup.Name, a.Backup.Cluster, a.Validation) + "/"
}

func (a Archive) name(n int64, ending string) string {
	return fmt.Sprintf("%s%012d%s", a.dir(), n, ending)
}

// old tells what need not be kept. What was written in a moment that the other
// clock has not reached yet is not.
func (a Archive) old(written time.Time) bool { return a.Keep > 0 && a.Now().Sub(written) > a.Keep }

// list is what of ours stands there, by name, and since when.
func (a Archive) list(ctx context.Context) (map[string]time.Time, error) {
	there := map[string]time.Time{}
	for i := a.Bucket.List(&blob.ListOptions{Prefix: a.dir()}); ; {
		l, err := i.Next(ctx)
		if errors.Is(err, io.EOF) {
			return there, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", a.dir(), err)
		}
		if _, ours := a.number(l.Key); ours {
			there[l.Key] = l.ModTime
		}
	}
}

// number reads the number out of a name that we gave. Any other spelling is
// somebody else's.
func (a Archive) number(name string) (int64, bool) {
	base := strings.TrimPrefix(name, a.dir())
	digits := strings.TrimSuffix(strings.TrimSuffix(base, signedEnding), pdfEnding)
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil && n > 0 && (name == a.name(n, signedEnding) || name == a.name(n, pdfEnding))
}

// copy writes what is lacking of one number.
func (a Archive) copy(ctx context.Context, s *repository.Series, n int64, there map[string]time.Time) (copied int, err error) {
	signed, printed := a.name(n, signedEnding), a.name(n, pdfEnding)
	_, has := there[signed]
	_, hasPDF := there[printed]
	if has && (hasPDF || !a.PDF) {
		return 0, nil
	}
	raw, err := s.Raw(ctx, n)
	if err != nil {
		return 0, err
	}
	if !has {
		if err := a.put(ctx, signed, "application/json", raw); err != nil {
			return 0, err
		}
		there[signed], copied = a.Now(), 1
	}
	if !a.PDF || hasPDF {
		return copied, nil
	}
	e, _, err := Read(raw)
	if err != nil {
		return copied, fmt.Errorf("number %d: %w", n, err)
	}
	page, err := e.PDF()
	if err != nil {
		return copied, err
	}
	return copied + 1, a.put(ctx, printed, "application/pdf", page)
}

// put writes an object, only if absent: what another agent wrote first is the
// same evidence.
func (a Archive) put(ctx context.Context, name, contentType string, body []byte) error {
	err := a.Bucket.Upload(ctx, name, bytes.NewReader(body), &blob.WriterOptions{ContentType: contentType, IfNotExist: true})
	switch gcerrors.Code(err) {
	case gcerrors.OK, gcerrors.FailedPrecondition, gcerrors.AlreadyExists:
		return nil
	}
	return fmt.Errorf("write %s: %w", name, err)
}

// remove deletes what is too old, and never the newest. What object lock keeps
// is for a later time.
func (a Archive) remove(ctx context.Context, there map[string]time.Time, out *Kept) error {
	newest := int64(0)
	for name := range there {
		n, _ := a.number(name)
		newest = max(newest, n)
	}
	for name, written := range there {
		if n, _ := a.number(name); n == newest || !a.old(written) {
			continue
		}
		err := a.Bucket.Delete(ctx, name)
		switch {
		case err == nil:
			out.Removed++
		case gcerrors.Code(err) == gcerrors.NotFound: // another agent was first
		case store.Refuses(ctx, a.Bucket, name, err):
			out.Deferred++
		default:
			return fmt.Errorf("remove %s: %w", name, err)
		}
	}
	return nil
}
