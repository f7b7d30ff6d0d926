package proof_test

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/proof"
)

// printed is the text of a PDF, without where it stands on the page.
func printed(t *testing.T, pdf []byte) string {
	t.Helper()
	var text strings.Builder
	shown := regexp.MustCompile(`\(((?:\\.|[^\\)])*)\)\s*Tj`)
	for rest := pdf; ; {
		_, after, ok := bytes.Cut(rest, []byte("\nstream\n"))
		if !ok {
			return text.String()
		}
		rest = after
		z, err := zlib.NewReader(bytes.NewReader(after))
		if err != nil {
			continue // a font, or what is not compressed
		}
		page, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range shown.FindAllSubmatch(page, -1) {
			text.WriteString(strings.NewReplacer(`\(`, "(", `\)`, ")", `\\`, `\`).Replace(string(m[1])) + "\n")
		}
	}
}

func TestThePDFShowsWhatThePageShows(t *testing.T) {
	pdf, err := sample().PDF()
	if err != nil || !bytes.HasPrefix(pdf, []byte("%PDF-")) {
		t.Fatalf("%v: it is no PDF", err)
	}
	text := printed(t, pdf)
	for _, want := range []string{"Passed: drill of backup default/nightly, point 7", "Point 7 can be restored.", "scratch-1", "2026-11-21 03:00:00 UTC", "1.5s",
		"passed: equal", "failed: cleaned", "10 records of 1 partition", `<script>alert("x")</script>`, "orders-3  [5, 15)  10 records", strings.Repeat("ab", 32), "host/1",
		"The signed JSON of this evidence is what counts"} {
		if !strings.Contains(text, want) {
			t.Errorf("the PDF lacks %q:\n%s", want, text)
		}
	}
	again, err := sample().PDF()
	if err != nil || !bytes.Equal(pdf, again) {
		t.Error("the same evidence gave other bytes")
	}
}

func TestThePDFOfNothingAndOfMuchIsReadable(t *testing.T) {
	empty, err := proof.Evidence{Kind: "validation"}.PDF()
	if err != nil || !strings.Contains(printed(t, empty), "Failed: validation") || !strings.Contains(printed(t, empty), "Nothing was looked at.") {
		t.Errorf("%v: %s", err, printed(t, empty))
	}
	much := sample()
	much.Checks[0].Text = strings.Repeat("a long word ", 500) + "the end of it"
	for n := range 500 {
		much.Digests = append(much.Digests, format.Digest{Topic: "заказы-\x00(", Partition: int32(n), Digest: strings.Repeat("cd", 32)})
	}
	pdf, err := much.PDF()
	text := printed(t, pdf)
	if err != nil || !strings.Contains(text, "the end of it") || !strings.Contains(text, fmt.Sprintf("-%d  [0, 0)", 499)) {
		t.Errorf("%v: what is long was cut off", err)
	}
}
