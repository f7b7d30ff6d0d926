//go:build bench

package bench

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/format"
)

// parts are what nobody who backs up can do without: the processor's time of
// each, alone, over the same bytes.
type parts struct{ fetch, crc, checksum, write time.Duration }

func (p parts) all() time.Duration { return p.fetch + p.crc + p.checksum + p.write }

func (p parts) words(gb float64) string {
	return fmt.Sprintf("fetch %s, CRC-32C %s, SHA-256 %s, write and fsync %s", perGB(p.fetch, gb), perGB(p.crc, gb), perGB(p.checksum, gb), perGB(p.write, gb))
}

// partsOf measures them, all but the fetch.
func partsOf(t testing.TB, l *loaded, dir string, fetch time.Duration) parts {
	t.Helper()
	sums := make(map[[sha256.Size]byte]bool)
	p := parts{
		fetch: fetch,
		crc:   cpu(t, func() { whole(t, l.frames) }),
		checksum: cpu(t, func() {
			for _, frame := range l.frames {
				sums[sha256.Sum256(frame)] = true
			}
		}),
		write: cpu(t, func() { inPacks(t, dir, l.frames) }),
	}
	if len(sums) != len(l.frames) {
		t.Errorf("%d frames have %d checksums", len(l.frames), len(sums))
	}
	return p
}

// whole checks every batch.
func whole(t testing.TB, frames [][]byte) {
	for _, frame := range frames {
		for len(frame) > 0 {
			_, _, rest, err := batch.Next(frame)
			if err != nil {
				t.Fatal(err)
			}
			frame = rest
		}
	}
}

// inPacks writes frames into fsynced files of about 64 MiB.
func inPacks(t testing.TB, dir string, frames [][]byte) {
	for pack := range slices.Chunk(frames, (64<<20)/frameSize) {
		f, err := os.CreateTemp(dir, "*.pack")
		if err != nil {
			t.Fatal(err)
		}
		for _, frame := range pack {
			if _, err := f.Write(frame); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// compress compresses every frame as a backup does.
func compress(t testing.TB, l *loaded, codec string, level int) (spent time.Duration, stored int64) {
	t.Helper()
	c, err := format.NewCompressor(codec, level)
	if err != nil {
		t.Fatal(err)
	}
	var buf []byte
	return cpu(t, func() {
		for _, frame := range l.frames {
			if buf, err = c.Frame(buf, frame); err != nil {
				t.Fatal(err)
			}
			stored += int64(len(buf))
		}
	}), stored
}

// cpu is the processor's time that something takes this process.
func cpu(t testing.TB, do func()) time.Duration {
	t.Helper()
	runtime.GC() // what came before is not its cost
	before := processor(t)
	do()
	return processor(t) - before
}

// middle is the median.
func middle(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}
