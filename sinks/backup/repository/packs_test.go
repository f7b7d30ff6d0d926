package repository

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/store/storetest"
	"github.com/ottla-io/ottla/sinks/backup/store/through"
)

func TestAPackThatIsNotClosedIsNotThere(t *testing.T) {
	lost := errors.New("the lease was lost")
	for name, end := range map[string]func(w *PackWriter, cancel context.CancelCauseFunc){
		"aborted":          func(w *PackWriter, _ context.CancelCauseFunc) { w.Abort() },
		"its context over": func(_ *PackWriter, cancel context.CancelCauseFunc) { cancel(lost) },
	} {
		t.Run(name, func(t *testing.T) {
			r := opened(t, memory(t), "w")
			ctx, cancel := context.WithCancelCause(t.Context())
			w, err := r.NewPack(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Add(stretch{0, 0, 5}.frame(), stretch{0, 0, 5}.body()); err != nil {
				t.Fatal(err)
			}
			end(w, cancel)
			_, err = w.Close()
			if err == nil || name == "its context over" && !errors.Is(err, lost) {
				t.Errorf("got %v", err)
			}
			w.Abort()
			if all, err := r.list(t.Context(), ""); err != nil || len(all) > 0 {
				t.Errorf("%v is left, %v", all, err)
			}
		})
	}
}

func TestAPackWhoseAnswerWasLostStands(t *testing.T) {
	faults := &storetest.Faults{}
	f := newFixture(t, Options{Bucket: faults.Wrap(memory(t))})
	faults.Fail(1, storetest.After, through.Write)
	p := f.pack(stretch{0, 0, 10})
	f.commit(manifest(0, pack(p), span(0, 0, 0, 10)))
}

func TestAFrameWithoutItsSumIsNotWritten(t *testing.T) {
	r := opened(t, memory(t), "w")
	w, err := r.NewPack(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	frame, body := stretch{0, 0, 5}.frame(), stretch{0, 0, 5}.body()
	frame.Sum = ""
	if err := w.AddSummed(frame, body); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("got %v", err)
	}
	frame.Sum = format.Sum(body)
	if err := w.AddSummed(frame, body); err != nil {
		t.Error(err)
	}
}

func TestAFailingBucketStopsWhoeverAddsFrames(t *testing.T) {
	faults := &storetest.Faults{}
	r := opened(t, faults.Wrap(memory(t)), "w")
	faults.Fail(1, storetest.Before, through.Write)
	w, err := r.NewPack(t.Context())
	for i := int64(0); err == nil && i < 10; i++ {
		err = w.Add(stretch{0, i, i + 1}.frame(), stretch{0, i, i + 1}.body())
	}
	if !errors.Is(err, storetest.ErrInjected) {
		t.Errorf("got %v", err)
	}
}

func TestADamagedFrameIsFoundAndNamed(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	sealed := Options{Recipients: []age.Recipient{identity.Recipient()}, Identities: []age.Identity{identity}}
	for name, c := range map[string]struct {
		o      Options
		change func(f *fixture, ref *Ref)
		words  string
		sound  bool // the repository is not damaged
	}{
		"a flipped byte":           {Options{}, func(f *fixture, ref *Ref) { f.rewrite(ref, func(b []byte) { b[ref.Offset] ^= 1 }) }, "checksum", false},
		"a flipped byte in age":    {sealed, func(f *fixture, ref *Ref) { f.rewrite(ref, func(b []byte) { b[len(b)/2] ^= 1 }) }, "decrypt", false},
		"a flipped header":         {sealed, func(f *fixture, ref *Ref) { f.rewrite(ref, func(b []byte) { b[3] ^= 1 }) }, "age file", false},
		"a missing pack":           {Options{}, func(f *fixture, ref *Ref) { f.remove(packName(ref.Pack.ID)) }, "missing", false},
		"a truncated pack":         {Options{}, func(f *fixture, ref *Ref) { f.truncate(ref, ref.Offset+5) }, "cut off", false},
		"a length beyond the pack": {Options{}, func(_ *fixture, ref *Ref) { ref.Length = ref.Pack.Size; ref.Raw = ref.Length }, "frames end at", false},
		"no identity":              {sealed, func(f *fixture, _ *Ref) { f.o.Identities = nil }, "no age identity is given", true},
		"another identity":         {sealed, func(f *fixture, _ *Ref) { f.o.Identities = []age.Identity{other} }, "to others", true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, c.o)
			p := f.commit(manifest(0, pack(f.pack(stretch{0, 0, 10})), span(0, 0, 0, 10)))
			ref := p.Refs("orders", 0)[0]
			c.change(f, &ref)
			_, err := f.Frame(t.Context(), ref, nil)
			if err == nil || !strings.Contains(err.Error(), c.words) || errors.Is(err, ErrDamaged) == c.sound || !strings.Contains(err.Error(), "orders/0 at offset 0") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func (f *fixture) rewrite(ref *Ref, change func([]byte)) {
	f.t.Helper()
	name := f.root + packName(ref.Pack.ID)
	b, err := f.o.Bucket.ReadAll(f.t.Context(), name)
	if err != nil {
		f.t.Fatal(err)
	}
	change(b)
	f.overwrite(name, b)
}

func (f *fixture) truncate(ref *Ref, size int64) {
	f.t.Helper()
	name := f.root + packName(ref.Pack.ID)
	b, err := f.o.Bucket.ReadAll(f.t.Context(), name)
	if err != nil {
		f.t.Fatal(err)
	}
	f.overwrite(name, b[:size])
}

func (f *fixture) overwrite(name string, b []byte) {
	f.t.Helper()
	if err := f.o.Bucket.WriteAll(f.t.Context(), name, b, nil); err != nil {
		f.t.Fatal(err)
	}
}

// Frames of an encrypted pack lie across the chunks in which age encrypts.
func TestFramesOfAnEncryptedPackAreReadByRange(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	faults := &storetest.Faults{}
	f := newFixture(t, Options{Bucket: faults.Wrap(memory(t)), Recipients: []age.Recipient{identity.Recipient()}, Identities: []age.Identity{identity}})
	w, err := f.NewPack(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sizes := []int{1, 65527, 65536, 1, 200_000, 3, 131_072, 70_000}
	for i, size := range sizes {
		frame := stretch{0, int64(i), int64(i) + 1}.frame()
		frame.Codec, frame.Raw = format.Plain, 0
		if err := w.Add(frame, bytes.Repeat([]byte{byte(i)}, size)); err != nil {
			t.Fatal(err)
		}
	}
	p, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	whole, err := f.index(t.Context(), format.Pack{ID: p.ID, Size: p.Size, Encrypted: true})
	if err != nil || whole.Digest != p.Digest || len(whole.Frames) != len(sizes) {
		t.Fatalf("got %+v, %v", whole, err)
	}
	faults.Reset()
	for i, frame := range p.Frames {
		b, err := f.Frame(t.Context(), Ref{Frame: frame, Pack: p}, nil)
		if err != nil || !bytes.Equal(b, bytes.Repeat([]byte{byte(i)}, sizes[i])) {
			t.Errorf("frame %d: %d bytes, %v", i, len(b), err)
		}
	}
	if n := len(faults.Calls(through.Open)); n != len(sizes) {
		t.Errorf("%d requests for %d frames", n, len(sizes))
	}
}
