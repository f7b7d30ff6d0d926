package batch_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/ottla-io/ottla/sinks/backup/batch"
)

func digest(records ...batch.Record) string {
	d := batch.NewDigest()
	for _, r := range records {
		d.Add(r)
	}
	sum, _ := d.Sum()
	return sum
}

// Other engineers write this digest again from its description: it never changes.
func TestDigestIsWhatItsDescriptionSays(t *testing.T) {
	for want, records := range map[string][]batch.Record{
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855": nil,
		// printf of 00000000000003e8 00000001 6b ffffffff 00000001 00000001 68 00000000
		goldenDigest: {{Timestamp: 1000, Key: []byte("k"), Headers: []batch.RecordHeader{{Key: []byte("h"), Value: []byte{}}}}},
	} {
		if got := digest(records...); got != want {
			t.Errorf("%d records: %s, want %s", len(records), got, want)
		}
	}
}

const goldenDigest = "08afb0e819d716b2dc3a0ff58a78b6b5b2de28d5a69a3226bef14e9e05148201"

func TestDigestDependsOnEveryFieldAndOnOrder(t *testing.T) {
	base := func() batch.Record {
		return batch.Record{Timestamp: 5, Key: []byte("ab"), Value: []byte("c"), Headers: []batch.RecordHeader{{Key: []byte("h")}, {Key: []byte("g"), Value: []byte("v")}}}
	}
	seen := map[string]string{digest(base()): "as it is", digest(base(), base()): "twice", digest(): "none"}
	for name, change := range map[string]func(*batch.Record){
		"time":               func(r *batch.Record) { r.Timestamp++ },
		"null key":           func(r *batch.Record) { r.Key = nil },
		"empty key":          func(r *batch.Record) { r.Key = []byte{} },
		"null value":         func(r *batch.Record) { r.Value = nil },
		"empty value":        func(r *batch.Record) { r.Value = []byte{} },
		"byte moved":         func(r *batch.Record) { r.Key, r.Value = []byte("a"), []byte("bc") },
		"no headers":         func(r *batch.Record) { r.Headers = nil },
		"headers swapped":    func(r *batch.Record) { slices.Reverse(r.Headers) },
		"empty header value": func(r *batch.Record) { r.Headers[0].Value = []byte{} },
		"header twice":       func(r *batch.Record) { r.Headers = append(r.Headers, r.Headers[0]) },
		"long value":         func(r *batch.Record) { r.Value = bytes.Repeat([]byte("x"), 100_000) },
		"longer value":       func(r *batch.Record) { r.Value = bytes.Repeat([]byte("x"), 100_001) },
	} {
		r := base()
		change(&r)
		sum := digest(r)
		if other, ok := seen[sum]; ok {
			t.Errorf("%s and %s have one digest", name, other)
		}
		seen[sum] = name
	}
	if digest(odd()[0], odd()[1]) == digest(odd()[1], odd()[0]) {
		t.Error("order does not matter")
	}
}

func TestDigestDoesNotDependOnOffsetsBatchesOrCodec(t *testing.T) {
	want := digest(odd()...)
	for _, codec := range codecs() {
		d := batch.NewDigest()
		for i, r := range odd() { // each in a batch of its own
			r.Offset = int64(i * 1000)
			one, err := encoder(t, codec, 0).Encode(nil, []batch.Record{r})
			if err != nil {
				t.Fatal(err)
			}
			if err := batch.NewDecoder().Records(one, func(r batch.Record) error { d.Add(r); d.Sum(); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if got, n := d.Sum(); got != want || n != int64(len(odd())) {
			t.Errorf("%s: %s of %d records, want %s", codec, got, n, want)
		}
	}
}
