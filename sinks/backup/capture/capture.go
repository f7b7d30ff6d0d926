// Package capture copies record batches from a cluster into a backup
// repository, as they are: one run makes one point.
package capture

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

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
	Mode       Mode
	Codec      string // of frames: "" or none, lz4, zstd
	Level      int    // of Codec; 0 is its default
	PackSize   int64  // bytes; 0 is 64 MiB
	Memory     int64  // bytes for everything; 0 is 256 MiB
	// Connections is clients per broker; 0 is 4.
	Connections int
	Brokers     int           // at once; 0 is all
	BytesPerSec int64         // 0 is no limit
	Archive     time.Duration // ottla.io/archive: how long data outlives its source
	LeaseTTL    time.Duration // 0 is a minute
	// Compacted is how the copy in full is decided; zero is as BACKUP.md says.
	Now      func() time.Time
	Progress func(Progress)
	Step     func(string) // called by name between any two steps; may be nil
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
	Kind  string // gap | empty | hung | unread | recreated | truncated
	Topic string
	Words string
}

// Run takes the lease, copies what is new up to the last stable offsets of now,
// and commits a point. After an error nothing is committed; packs that were
// written are swept later.
func Run(ctx context.Context, o Options) (Report, error) { panic("unbuilt") }

// Window says when a continuous backup closes a point.
type Window struct {
	Interval time.Duration
	Bytes    int64
}

// Follow runs until the context ends, and commits a point per window.
func Follow(ctx context.Context, o Options, w Window, each func(Report, error)) error {
	panic("unbuilt")
}

// Select tells which topics globs choose: * and ? as in file names, nothing else
// is special. Internal topics, and those that begin with __, must be named.
func Select(topics []string, internal func(string) bool, include, exclude []string) []string {
	panic("unbuilt")
}
