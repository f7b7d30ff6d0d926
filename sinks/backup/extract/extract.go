// Package extract writes a point as plain files that need no Ottla: log
// segments that kafka-dump-log.sh reads, or JSON lines. Nobody is locked in.
// One frame is in memory at a time.
package extract

import (
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// Options say what is written.
type Options struct {
	Repository *repository.Repository
	Point      *repository.Point
	Topics     []string // globs; none are all
	// Progress is told how many of the stored bytes are read. It may be nil.
	Progress func(done, total int64)
}

// Report says what was written.
type Report struct {
	Files   int   `json:"files"`
	Records int64 `json:"records"`
	Bytes   int64 `json:"bytes"`
}
