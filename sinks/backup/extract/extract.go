// Package extract writes a point as plain files that need no Ottla: log
// segments that kafka-dump-log.sh reads, or JSON lines. Nobody is locked in.
package extract

import (
	"context"
	"io"

	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// Options say what is written.
type Options struct {
	Repository *repository.Repository
	Point      *repository.Point
	Topics     []string // globs; none are all
	Progress   func(done, total int64)
}

// Report says what was written.
type Report struct {
	Files   int   `json:"files"`
	Records int64 `json:"records"`
	Bytes   int64 `json:"bytes"`
}

// Segments writes dir/TOPIC-PARTITION/OFFSET.log with the batches as they are,
// original offsets and all. dir must be empty or absent.
func Segments(ctx context.Context, o Options, dir string) (Report, error) { panic("unbuilt") }

// JSON writes a line a record. Bytes that are not UTF-8 are in base64, under
// another name.
func JSON(ctx context.Context, o Options, w io.Writer) (Report, error) { panic("unbuilt") }
