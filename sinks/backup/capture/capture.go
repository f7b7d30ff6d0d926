// Package capture copies record batches from a cluster into a backup
// repository, as they are: one run makes one point.
package capture

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// Options are one run.
type Options struct {
	// Dial opens one more client to the source cluster; the run closes it.
	Dial       func(context.Context) (*kgo.Client, error)
	Repository *repository.Repository
	Kind       format.Kind
	Pinned     string
	Topics     []string // globs; an internal topic must be named
	Exclude    []string
	Mode       Mode   // "" is Verbatim
	Codec      string // of frames: "" or none, lz4, zstd
	Level      int    // of Codec; 0 is its default
	PackSize   int64  // bytes; 0 is 64 MiB
	// Memory bounds what a run holds, in bytes; 0 is 256 MiB. A sixth of it is
	// for batches under way; the rest is for what is made of them (compressed
	// frames, buffers of uploads) and for what the collector has not yet freed.
	Memory int64
	// Connections is clients per broker; 0 is 4.
	Connections int
	Brokers     int // read from at once; 0 is all
	// BytesPerSec is a limit, 0 is none. While brokers throttle the run, it keeps
	// to as little as a sixteenth of it.
	BytesPerSec int64
	Archive     time.Duration // ottla.io/archive: how long data outlives its source
	LeaseTTL    time.Duration // 0 is a minute
	// FullEvery is how old the last copy in full of a compacted partition may be
	// before it is copied in full again, so that what it has superseded can go
	// with the points that stand on it; 0 is 30 days. Where time makes a
	// tombstone unseen (delete.retention.ms) a copy in full comes by itself.
	FullEvery time.Duration
	// Patience is how long a partition may fail before the run does; 0 is five minutes.
	Patience time.Duration
	// LongRun ends a run that lasts: it commits what it has, and the next one
	// goes on there. 0 is six hours, half of what a commit may be behind its
	// beginning.
	LongRun  time.Duration
	Now      func() time.Time // nil is time.Now
	Progress func(Progress)   // called by one goroutine at a time; may be nil
	Step     func(string)     // called by name between any two steps, by one goroutine at a time; may be nil
}

// Mode is how frames are stored.
type Mode string

// The modes.
const (
	Verbatim Mode = "verbatim" // batches as they came
	Repack   Mode = "repack"   // decompressed, not parsed, and compressed anew as frames
)

// Progress is how far a run is.
type Progress struct {
	Partitions, PartitionsDone int
	Records, Bytes             int64 // so far
	BytesTotal                 int64 // estimated from offsets where the cluster tells no sizes
	Throttled                  time.Duration
}

// Report is what a run did.
type Report struct {
	Point    *repository.Point
	New      format.Gone // gaps in what was new
	Records  int64       // new
	Bytes    int64       // new, as they came
	Stored   int64       // new, in the bucket
	Objects  int         // written
	Requests int64
	Began    time.Time
	Took     time.Duration
	Alerts   []Alert
}

// Alert is something a person should know, beside a run that succeeded.
type Alert struct {
	Kind  sinks.Trouble
	Topic string
	Words string
}
