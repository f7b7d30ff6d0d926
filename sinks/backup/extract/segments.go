package extract

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/ottla-io/ottla/sinks/backup/batch"
)

// segmentBytes is where a new file begins, as with Kafka's own log.segment.bytes.
const segmentBytes = 1 << 30

// Segments writes dir/TOPIC-PARTITION/OFFSET.log with the batches as they are,
// original offsets and all; a partition without data has an empty file. dir
// must be empty or absent. Files and folders are on disk when it returns; after
// an error those that were finished are left where they are.
func Segments(ctx context.Context, o Options, dir string) (Report, error) {
	return segments(ctx, o, dir, segmentBytes)
}

func segments(ctx context.Context, o Options, dir string, limit int64) (Report, error) {
	src, topics, err := newSource(o)
	if err != nil {
		return Report{}, err
	}
	if err := prepare(dir); err != nil {
		return Report{}, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Report{}, fmt.Errorf("extract: %w", err)
	}
	defer func() { _ = root.Close() }() // files are closed, and their errors told, one by one
	w := &writer{root: root, source: src, limit: limit, cutter: cutter{source: src, encoders: map[batch.Codec]*batch.Encoder{}}}
	for _, t := range topics {
		for _, p := range t.Partitions {
			if err := w.partition(ctx, t.Name, p.Partition, p.Start); err != nil {
				return w.report, fmt.Errorf("extract point %d: %w", o.Point.Number, err)
			}
		}
	}
	return w.report, syncDir(root, ".")
}

// prepare makes dir and holds that it is empty: files of two points side by side
// would be read as one.
func prepare(dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("extract: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("extract: %w", err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("extract: %s is not empty: name a folder that is, or one that is not there yet", dir)
	}
	return nil
}

// writer writes segments below one folder.
type writer struct {
	root   *os.Root
	source *source
	cutter cutter
	limit  int64
	report Report

	dir  string // of the partition
	file *os.File
	base int64 // offset that the file is named by
	size int64
}

func (w *writer) partition(ctx context.Context, topic string, partition int32, start int64) error {
	w.dir = fmt.Sprintf("%s-%d", topic, partition)
	if err := w.root.Mkdir(w.dir, 0o750); err != nil {
		return err
	}
	err := w.source.partition(ctx, topic, partition, w.stretch)
	if err == nil && w.file == nil {
		err = w.begin(start)
	}
	return errors.Join(err, w.end(), syncDir(w.root, w.dir))
}

func (w *writer) stretch(b stretch) error {
	one, records := b.one, int64(b.header.Records)
	if !b.whole() {
		var err error
		if one, records, err = w.cutter.cut(b); err != nil || one == nil {
			return err
		}
	}
	first, last := max(b.from, b.header.BaseOffset), min(b.to, b.header.Next())-1
	if err := w.roll(first, last, int64(len(one))); err != nil {
		return err
	}
	if _, err := w.file.Write(one); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	w.size += int64(len(one))
	w.report.Bytes += int64(len(one))
	w.report.Records += records
	return nil
}

// roll begins a file where there is none or the next batch does not fit: by its
// size, or because Kafka counts offsets within a segment in 31 bits.
func (w *writer) roll(first, last, size int64) error {
	if w.file != nil && (w.size == 0 || w.size+size <= w.limit) && last-w.base <= math.MaxInt32 {
		return nil
	}
	if err := w.end(); err != nil {
		return err
	}
	return w.begin(first)
}

func (w *writer) begin(base int64) (err error) {
	// Kafka's LogFileUtils: twenty digits, so that names sort as offsets do.
	name := filepath.Join(w.dir, fmt.Sprintf("%020d.log", base))
	w.file, err = w.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	w.base, w.size = base, 0
	if err != nil {
		return fmt.Errorf("begin a segment: %w", err)
	}
	w.report.Files++
	return nil
}

// end brings the file to the disk.
func (w *writer) end() error {
	if w.file == nil {
		return nil
	}
	err := errors.Join(w.file.Sync(), w.file.Close())
	w.file = nil
	return err
}

// syncDir brings a folder's entries to the disk.
func syncDir(root *os.Root, name string) error {
	d, err := root.Open(name)
	if err != nil {
		return fmt.Errorf("sync %s: %w", name, err)
	}
	return errors.Join(d.Sync(), d.Close())
}
