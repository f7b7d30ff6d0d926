package storetest

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"gocloud.dev/blob"
	"gocloud.dev/blob/memblob"
	"gocloud.dev/gcerrors"

	"github.com/ottla-io/ottla/sinks/backup/store/through"
)

var absent = &blob.WriterOptions{ContentType: "text/plain", IfNotExist: true}

func TestAFaultComesAtItsCallBeforeOrAfterTheEffect(t *testing.T) {
	for when, there := range map[When]bool{Before: false, After: true} {
		var f Faults
		b := f.Wrap(memblob.OpenBucket(nil))
		f.Fail(2, when, through.Write)
		for i, name := range []string{"a", "b", "c"} {
			err := b.Upload(t.Context(), name, bytes.NewReader([]byte("x")), absent)
			if fails := i == 1; errors.Is(err, ErrInjected) != fails {
				t.Errorf("%s %s: %v", when, name, err)
			}
		}
		if ok, err := b.Exists(t.Context(), "b"); err != nil || ok != there {
			t.Errorf("%s: there %v, %v", when, ok, err)
		}
		if n := len(f.Calls(through.Write)); n != 3 {
			t.Errorf("%d writes", n)
		}
	}
}

func TestWhatDiedStaysDeadUntilHealed(t *testing.T) {
	var f Faults
	b := f.Wrap(memblob.OpenBucket(nil))
	f.Die(1, After)
	_ = b.Upload(t.Context(), "a", bytes.NewReader([]byte("x")), absent)
	if _, err := b.ReadAll(t.Context(), "a"); !errors.Is(err, ErrInjected) {
		t.Errorf("got %v", err)
	}
	f.Heal()
	if got, err := b.ReadAll(t.Context(), "a"); err != nil || string(got) != "x" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestAWrappedBucketBehavesLikeTheOneBelow(t *testing.T) {
	var f Faults
	b := f.Wrap(memblob.OpenBucket(nil))
	w, err := b.NewWriter(t.Context(), "streamed", absent)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, "hello"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.Upload(t.Context(), "streamed", bytes.NewReader(nil), absent); gcerrors.Code(err) != gcerrors.FailedPrecondition {
		t.Errorf("got %v", err)
	}
	if err := b.Upload(t.Context(), "broken", io.MultiReader(bytes.NewReader([]byte("x")), failing{}), absent); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
	l, err := b.List(nil).Next(t.Context())
	if err != nil || l.Key != "streamed" || l.Size != 5 || l.ModTime.IsZero() {
		t.Errorf("got %+v, %v", l, err)
	}
	if _, err := b.Attributes(t.Context(), "none"); gcerrors.Code(err) != gcerrors.NotFound {
		t.Errorf("got %v", err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
