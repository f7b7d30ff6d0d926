package proof_test

import (
	"bytes"
	"crypto/ed25519"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/proof"
)

func sample() proof.Evidence {
	began := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	return proof.Evidence{
		Version: 1, Kind: "drill", Backup: format.Identity{Namespace: "default", Name: "nightly", Cluster: "c1"}, Point: 7,
		Taken: began.Add(-time.Hour), Target: "scratch-1", Proves: "Point 7 can be restored.", Passed: true,
		Checks: []proof.Check{
			{Name: "equal", Passed: true, Text: "10 records of 1 partition"},
			{Name: "cleaned", Text: "0 scratch topics deleted", Found: []string{`<script>alert("x")</script>`}},
		},
		Digests: []format.Digest{{Topic: "orders", Partition: 3, Start: 5, End: 15, Records: 10, Digest: strings.Repeat("ab", 32)}},
		Began:   began, Ended: began.Add(1500 * time.Millisecond), By: "host/1", Software: "ottla devel",
	}
}

func TestSignedEvidenceIsReadAsItWasAndSaysWhoSigned(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		key    ed25519.PrivateKey
		signer ed25519.PublicKey
	}{"signed": {private, public}, "not signed": {nil, nil}} {
		b, err := sample().Sign(c.key)
		if err != nil {
			t.Fatal(err)
		}
		e, signer, err := proof.Read(b)
		if err != nil || !reflect.DeepEqual(e, sample()) || !bytes.Equal(signer, c.signer) {
			t.Errorf("%s: %v, signed by %x: %+v", name, err, signer, e)
		}
	}
}

func TestChangedEvidenceIsNotRead(t *testing.T) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	failed := sample()
	failed.Passed = false
	b, err := failed.Sign(private)
	if err != nil {
		t.Fatal(err)
	}
	forged := bytes.Replace(b, []byte(`"passed":false`), []byte(`"passed":true`), 1)
	if bytes.Equal(forged, b) {
		t.Fatal("nothing was forged")
	}
	later := sample()
	later.Version = 2
	newer, err := later.Sign(private)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := format.Seal("manifest", sample(), private)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"forged": forged, "cut off": b[:len(b)/2], "empty": nil, "newer": newer, "another kind": manifest} {
		if e, _, err := proof.Read(b); err == nil || e.Passed {
			t.Errorf("%s: it was read", name)
		}
	}
}

func TestTheReportShowsEverythingAndEscapesIt(t *testing.T) {
	page, err := sample().HTML()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Passed", "Point 7 can be restored.", "default/nightly", "scratch-1", "2026-11-21 03:00:00 UTC", "1.5s", "10 records of 1 partition",
		"orders-3", "[5, 15)", strings.Repeat("ab", 32), "&lt;script&gt;", "host/1"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, never := range []string{"<script", "http://", "https://", "src=", "@import"} {
		if strings.Contains(string(page), never) {
			t.Errorf("the page has %q: it must need nothing else", never)
		}
	}
	empty, err := proof.Evidence{Kind: "validation"}.HTML()
	if err != nil || !strings.Contains(string(empty), "Failed") || !strings.Contains(string(empty), "Nothing was looked at") {
		t.Errorf("%v: %s", err, empty)
	}
}
