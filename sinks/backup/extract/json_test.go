package extract_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/extract"
	"github.com/ottla-io/ottla/sinks/backup/format"
)

func TestJSONTellsNullEmptyTextAndBytesApart(t *testing.T) {
	w := newWorld(t)
	p := w.commit([]format.Topic{topic("orders", 10, 10, 14)}, stretch{topic: "orders", first: 10, next: 14, batches: [][]byte{w.at(batch.Snappy, 10,
		batch.Record{Timestamp: 1, Key: []byte("ü"), Value: []byte(`<a href="x">&`)},
		batch.Record{Timestamp: 2, Value: []byte{}},
		batch.Record{Timestamp: -1, Key: []byte{0xff}, Value: nil},
		batch.Record{Timestamp: 3, Key: []byte("k"), Value: []byte{0, 0xfe}, Headers: []batch.RecordHeader{
			{Key: []byte("a"), Value: []byte("1")}, {Key: []byte("a")}, {Key: []byte{0xfd}, Value: []byte{0xfc}}}},
	)}})
	want := `{"topic":"orders","partition":0,"offset":10,"timestamp":1,"key":"ü","value":"<a href=\"x\">&"}
{"topic":"orders","partition":0,"offset":11,"timestamp":2,"key":null,"value":""}
{"topic":"orders","partition":0,"offset":12,"timestamp":-1,"keyBase64":"/w==","value":null}
{"topic":"orders","partition":0,"offset":13,"timestamp":3,"key":"k","valueBase64":"AP4=","headers":[{"key":"a","value":"1"},{"key":"a","value":null},{"keyBase64":"/Q==","valueBase64":"/A=="}]}
`
	var got bytes.Buffer
	report, err := extract.JSON(t.Context(), extract.Options{Repository: w.repo, Point: p}, &got)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
	if report.Records != 4 || report.Bytes != int64(got.Len()) {
		t.Errorf("report %+v", report)
	}
}

func TestAWriterThatFailsEndsTheLines(t *testing.T) {
	w := newWorld(t)
	p := w.commit([]format.Topic{topic("orders", 0, 0, 3)}, stretch{topic: "orders", batches: [][]byte{w.at(batch.None, 0, numbers(0, 3)...)}, next: 3})
	full := errors.New("no space left")
	_, err := extract.JSON(t.Context(), extract.Options{Repository: w.repo, Point: p}, failing{full})
	if !errors.Is(err, full) || !strings.Contains(err.Error(), "extract") {
		t.Error(err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
