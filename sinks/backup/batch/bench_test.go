package batch_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/ottla-io/ottla/sinks/backup/batch"
)

// thousand is a batch as a busy producer sends it: records of 1 KB, a little
// less than 1 MB together, that compress to a half.
func thousand(b *testing.B, codec batch.Codec) (one []byte, raw int) {
	b.Helper()
	var records []batch.Record
	for i := range 1000 {
		value := bytes.Repeat([]byte(fmt.Sprintf("{\"id\":%d,\"customer\":\"%x\"},", i, i*7919)), 60)[:1000]
		records = append(records, batch.Record{Timestamp: int64(1_790_000_000_000 + i), Key: fmt.Append(nil, i), Value: value})
		raw += len(value)
	}
	one, err := encoder(b, codec, 0).Encode(nil, records)
	if err != nil {
		b.Fatal(err)
	}
	return one, raw
}

func BenchmarkNext(b *testing.B) {
	one, _ := thousand(b, batch.None)
	b.SetBytes(int64(len(one)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, _, err := batch.Next(one); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStamp(b *testing.B) {
	one, _ := thousand(b, batch.None)
	b.SetBytes(int64(len(one)))
	b.ReportAllocs()
	for b.Loop() {
		batch.Stamp(one, 1, 2, 3)
	}
}

// BenchmarkRecords counts decompressed bytes.
func BenchmarkRecords(b *testing.B) {
	for _, codec := range codecs() {
		b.Run(codec.String(), func(b *testing.B) {
			one, raw := thousand(b, codec)
			d := batch.NewDecoder()
			b.SetBytes(int64(raw))
			b.ReportAllocs()
			for b.Loop() {
				if err := d.Records(one, func(batch.Record) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEncode counts uncompressed bytes.
func BenchmarkEncode(b *testing.B) {
	for _, codec := range codecs() {
		b.Run(codec.String(), func(b *testing.B) {
			one, raw := thousand(b, batch.None)
			records := decode(b, one)
			e, dst := encoder(b, codec, 0), []byte(nil)
			b.SetBytes(int64(raw))
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if dst, err = e.Encode(dst[:0], records); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDigest(b *testing.B) {
	one, raw := thousand(b, batch.None)
	records, d := decode(b, one), batch.NewDigest()
	b.SetBytes(int64(raw))
	b.ReportAllocs()
	for b.Loop() {
		for _, r := range records {
			d.Add(r)
		}
	}
}
