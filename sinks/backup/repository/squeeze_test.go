package repository

import (
	"bytes"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// squeeze compresses a frame as a unit.
func squeeze(t testing.TB, raw []byte, codec string) []byte {
	t.Helper()
	var b bytes.Buffer
	switch codec {
	case format.LZ4:
		w := lz4.NewWriter(&b)
		if _, err := w.Write(raw); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	case format.Zstd:
		w, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(raw); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	default:
		return raw
	}
	return b.Bytes()
}
