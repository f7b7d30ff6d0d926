package proof_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/memblob"
	"gocloud.dev/gcerrors"

	"github.com/ottla-io/ottla/sinks/backup/proof"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/store/storetest"
	"github.com/ottla-io/ottla/sinks/backup/store/through"
)

const archived = "evidence/default/nightly/source/default.weekly/"

// found appends evidence to the repository, signed by a key.
func (w *world) found(key ed25519.PrivateKey, n int) *repository.Series {
	w.t.Helper()
	s := w.repo.Series("evidence/default.weekly", "evidence").SignedBy(key)
	for range n {
		if _, err := s.Append(w.t.Context(), sample()); err != nil {
			w.t.Fatal(err)
		}
	}
	return s
}

func keyOf(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// archive is one in its own bucket, where somebody else keeps things, too.
func (w *world) archive(b *blob.Bucket) proof.Archive {
	return proof.Archive{Bucket: b, Backup: w.repo.Identity(), Validation: "default.weekly", Keep: 24 * time.Hour, Now: time.Now}
}

func names(t *testing.T, b *blob.Bucket) []string {
	t.Helper()
	var all []string
	for i := b.List(nil); ; {
		l, err := i.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l.Key)
	}
}

// foreign are names that are not of our making, or not of this validation's.
func foreign(t *testing.T, b *blob.Bucket) []string {
	t.Helper()
	all := []string{
		"audit.json", archived + "1.json", archived + "000000000001.txt", archived + "000000000001.json.bak", archived + "notes/000000000001.json",
		"evidence/default/nightly/source/default.weekly-2/000000000001.json",
	}
	slices.Sort(all)
	for _, name := range all {
		if err := b.WriteAll(t.Context(), name, []byte("theirs"), nil); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestAnArchiveHoldsTheEvidenceAsItIsSigned(t *testing.T) {
	w, key := newWorld(t), keyOf(t)
	s := w.found(key, 2)
	b := memblob.OpenBucket(nil)
	a := w.archive(b)
	a.PDF = true
	for round, want := range []proof.Kept{{Copied: 4}, {}} {
		if got, err := a.Bring(t.Context(), s); err != nil || got != want {
			t.Errorf("round %d: %+v, %v", round, got, err)
		}
	}
	want := []string{archived + "000000000001.json", archived + "000000000001.pdf", archived + "000000000002.json", archived + "000000000002.pdf"}
	if got := names(t, b); !slices.Equal(got, want) {
		t.Errorf("it holds %q", got)
	}
	raw, err := b.ReadAll(t.Context(), want[2])
	if err != nil {
		t.Fatal(err)
	}
	if e, signer, err := proof.Read(raw); err != nil || !signer.Equal(key.Public()) || e.Point != 7 {
		t.Errorf("%v, signed by %x: %+v", err, signer, e)
	}
	if pdf, err := b.ReadAll(t.Context(), want[3]); err != nil || !bytes.HasPrefix(pdf, []byte("%PDF-")) {
		t.Errorf("%v: it is no PDF", err)
	}
}

func TestAnArchiveRemovesOnlyItsOwnThatIsOldAndNeverTheNewest(t *testing.T) {
	w := newWorld(t)
	b := memblob.OpenBucket(nil)
	theirs := foreign(t, b)
	a := w.archive(b)
	if _, err := a.Bring(t.Context(), w.found(keyOf(t), 3)); err != nil {
		t.Fatal(err)
	}
	a.Now = func() time.Time { return time.Now().Add(23 * time.Hour) }
	if got, err := a.Bring(t.Context(), w.found(keyOf(t), 0)); err != nil || got != (proof.Kept{}) {
		t.Errorf("before its time: %+v, %v", got, err)
	}
	a.Now = func() time.Time { return time.Now().Add(25 * time.Hour) }
	for round, want := range []proof.Kept{{Removed: 2}, {}} {
		if got, err := a.Bring(t.Context(), w.found(keyOf(t), 0)); err != nil || got != want {
			t.Errorf("round %d: %+v, %v", round, got, err)
		}
	}
	want := append(theirs, archived+"000000000003.json")
	slices.Sort(want)
	if got := names(t, b); !slices.Equal(got, want) {
		t.Errorf("it holds %q", got)
	}
	all, _, err := w.found(keyOf(t), 0).Numbers(t.Context())
	if err != nil || len(all) != 3 {
		t.Errorf("beside the backup there is %v, %v", all, err)
	}
}

// refusal is what a store says that a lock, or a role, does not let delete.
type refusal struct{ error }

// Code implements through.Coder.
func (refusal) Code() gcerrors.ErrorCode { return gcerrors.PermissionDenied }

func TestWhatALockKeepsIsForALaterTime(t *testing.T) {
	w := newWorld(t)
	b := memblob.OpenBucket(nil)
	a := w.archive(through.Bucket(b, func(_ context.Context, op through.Op, _ string, do func() error) error {
		if op == through.Delete {
			return refusal{errors.New("locked until tomorrow")}
		}
		return do()
	}))
	if _, err := a.Bring(t.Context(), w.found(keyOf(t), 3)); err != nil {
		t.Fatal(err)
	}
	a.Now = func() time.Time { return time.Now().Add(25 * time.Hour) }
	if got, err := a.Bring(t.Context(), w.found(keyOf(t), 0)); err != nil || got != (proof.Kept{Deferred: 2}) {
		t.Errorf("%+v, %v", got, err)
	}
	a.Bucket = b
	if got, err := a.Bring(t.Context(), w.found(keyOf(t), 0)); err != nil || got != (proof.Kept{Removed: 2}) {
		t.Errorf("once it lets go: %+v, %v", got, err)
	}
}

func TestAnArchiveThatFailsAtAnyCallIsWholeTheNextTime(t *testing.T) {
	w := newWorld(t)
	s := w.found(keyOf(t), 2)
	storetest.Every(t, func(t *testing.T, f *storetest.Faults) {
		b := memblob.OpenBucket(nil)
		a := w.archive(f.Wrap(b))
		a.PDF = true
		_, err := a.Bring(t.Context(), s)
		f.Heal()
		if err != nil && !errors.Is(err, storetest.ErrInjected) {
			t.Errorf("another error: %v", err)
		}
		if _, err := a.Bring(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if got := names(t, b); len(got) != 4 {
			t.Errorf("it holds %q", got)
		}
	})
}
