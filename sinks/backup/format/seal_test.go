package format

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
	"time"
)

func key(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func sealed(t testing.TB, kind string, value any, key ed25519.PrivateKey) []byte {
	t.Helper()
	b, err := Seal(kind, value, key)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWhatIsSealedIsOpened(t *testing.T) {
	want := Manifest{Version: 1, Number: 7, Kind: Final, Pinned: "final backup of orders <&>\u2028", Topics: []Topic{{Name: "orders", ID: "x", Partitions: []Partition{{End: 3}}}}}
	for name, signer := range map[string]ed25519.PrivateKey{"signed": key(1), "unsigned": nil} {
		var got Manifest
		by, err := Open(sealed(t, KindManifest, want, signer), KindManifest, &got)
		if err != nil || got.Number != 7 || got.Pinned != want.Pinned || got.Topics[0].Partitions[0].End != 3 {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
		if signer != nil && !by.Equal(signer.Public()) || signer == nil && by != nil {
			t.Errorf("%s: signed by %x", name, by)
		}
	}
	a, b := sealed(t, KindLease, Lease{}, nil), sealed(t, KindLease, Lease{}, nil)
	if bytes.Equal(a, b) {
		t.Error("two objects of equal content cannot be told apart")
	}
}

func TestWhatWasChangedIsNotOpened(t *testing.T) {
	good := string(sealed(t, KindLease, Lease{Holder: "a", TTL: time.Minute}, key(1)))
	plain := string(sealed(t, KindLease, Lease{Holder: "a", TTL: time.Minute}, nil))
	lines := strings.SplitAfter(good, "\n")
	other := strings.SplitAfter(string(sealed(t, KindLease, Lease{Holder: "b"}, key(2))), "\n")
	for name, c := range map[string]struct{ object, words string }{
		"empty":                      {"", "not three lines"},
		"cut off":                    {good[:len(good)-5], "not three lines"},
		"without its signature":      {lines[0] + lines[1], "not three lines"},
		"bytes behind the end":       {good + "x", "not three lines"},
		"a line more":                {good + "\n", "not three lines"},
		"another body":               {strings.Replace(good, `"a"`, `"b"`, 1), "does not fit"},
		"another kind":               {strings.Replace(good, `"lease"`, `"removal"`, 1), `it is a "removal"`},
		"another's signature":        {lines[0] + lines[1] + other[2], "does not fit"},
		"a newer version":            {strings.Replace(plain, `"version":1`, `"version":2,"what":"new"`, 1), "newer Ottla"},
		"no version":                 {strings.Replace(plain, `"version":1`, `"version":0`, 1), "no format 0"},
		"an unknown field":           {strings.Replace(plain, `"holder"`, `"owner":1,"holder"`, 1), "unknown field"},
		"an unknown head":            {strings.Replace(plain, `"version":1`, `"version":1,"more":1`, 1), "unknown field"},
		"two values in a line":       {strings.Replace(plain, "}\n{\"signature", "}{}\n{\"signature", 1), "behind its JSON"},
		"another program's object":   {`{"kind":"lease"}` + "\n{}\n{}\n", "no object of Ottla's"},
		"a signature without a key":  {lines[0] + lines[1] + `{"signature":"AAAA"}` + "\n", "names no ed25519 key"},
		"a key that says unsigned":   {lines[0] + lines[1] + strings.Replace(lines[2], lines[2][strings.Index(lines[2], `"signature"`):], `"signature":"unsigned"}`+"\n", 1), "does not fit"},
		"compressed, but only begun": {"\x28\xb5\x2f\xfd", "decompress"},
	} {
		var l Lease
		_, err := Open([]byte(c.object), KindLease, &l)
		if err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: got %v", name, err)
		}
		if newer := name == "a newer version"; errors.Is(err, ErrNewer) != newer {
			t.Errorf("%s: newer %v", name, !newer)
		}
	}
}

func TestABombIsFoundBeforeItIsHeld(t *testing.T) {
	bomb, err := deflate(make([]byte, 8<<20))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := inflate(bomb, 1<<20); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("got %v", err)
	}
	if b, err := inflate(bomb, 8<<20); err != nil || len(b) != 8<<20 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	for _, raw := range []int64{0, 100, 8<<20 - 1, 8<<20 + 1} {
		if _, err := unpacker(t).Frame(nil, bomb, Zstd, raw); err == nil {
			t.Errorf("8 MiB pass for %d bytes", raw)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(sealed(f, KindManifest, Manifest{Number: 1}, key(1)))
	f.Add(sealed(f, KindLease, Lease{Holder: "a"}, nil))
	f.Add(sealed(f, KindMove, Move{At: map[int64]int64{8: 0}}, key(1)))
	f.Add([]byte("{\"ottla\":\"backup\"}\n{}\n{\"signature\":\"unsigned\"}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, kind := range []string{KindManifest, KindLease} {
			var m Manifest
			var l Lease
			var err error
			if kind == KindManifest {
				_, err = Open(b, kind, &m)
			} else {
				_, err = Open(b, kind, &l)
			}
			if err == nil && !bytes.Contains(b, []byte("ottla")) && b[0] != 0x28 {
				t.Errorf("%q was opened as a %s", b, kind)
			}
		}
	})
}
