package restore

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// Options are one restore.
type Options struct {
	// Name is under which the restore is recorded in the repository: the same
	// name goes on where it stopped, and with another specification is refused.
	Name       string
	Dial       func(context.Context) (*kgo.Client, error) // to the target
	Repository *repository.Repository
	Point      int64    // 0: the newest good one, fixed at the first start
	Topics     []string // globs; none are all
	// Rename maps names: exact ones, or a pattern with one * on both sides.
	Rename map[string]string
	// Partitions maps partitions of source topics; others keep their number. Where
	// several go into one, they follow each other whole, in the order of their numbers.
	Partitions map[string]map[int32]int32
	// Repartition gives a topic another partition count. Keys are placed as Kafka's
	// DefaultPartitioner does (murmur2); a record without a key goes to its source
	// partition modulo the count. Within a target partition the records of source
	// partition 0 come first, then those of 1, and so on, so that the order of
	// every key is kept and the same each time.
	Repartition map[string]int
	From, To    time.Time // a filter on record timestamps: [From, To]; zero is open
	Create      bool      // topics that are not there are created as they were
	Replicas    int       // of created topics; 0 is as they were
	// Existing says what to do where the target holds data: refuse (""), append, purge.
	Existing string
	// PurgeUpTo says, right before a topic is emptied, what of it may go: what is
	// held elsewhere. It may take its time. Nil lets everything go that is there.
	PurgeUpTo    func(ctx context.Context, topic string) (Held, error)
	Groups       []string // globs; restored through the offset map; none are none
	ACLs, Quotas bool
	// OffsetHeaders adds the headers ottla-original-partition and
	// ottla-original-offset, as decimal text: records are re-encoded.
	OffsetHeaders bool
	Prove         bool // compare record digests afterwards
	BytesPerSec   int64
	RecordsPerSec int64
	Concurrency   int           // partitions at once; 0 is 8
	Acks          int16         // 1, or -1 for all in sync; 0 is -1: a restore needs the answers
	Timeout       time.Duration // of one produce; 0 is 30 s
	// Memory bounds what a restore holds, in bytes; 0 is 256 MiB. A quarter is for
	// frames, an eighth for batches that are made anew; the rest is for requests
	// and for what the collector has not yet freed.
	Memory   int64
	Now      func() time.Time
	Progress func(Progress)
	Step     func(string)
}

// Held is what of a topic is held elsewhere.
type Held struct {
	ID   string          // of the topic, as Kafka prints it
	Ends map[int32]int64 // by partition
	All  bool            // nothing need be held: everything may go
}

// Progress is how far a restore is.
type Progress struct {
	Partitions, PartitionsDone int
	Records, RecordsTotal      int64
	Bytes, BytesTotal          int64
	Phase                      string // topics | records | groups | prove
}

// Plan is what a restore would do, checked against the target.
type Plan struct {
	Point    int64       `json:"point"`
	Cluster  string      `json:"cluster"` // id of the target
	Taken    time.Time   `json:"taken"`
	Exact    bool        `json:"exact"` // to a point; otherwise a filter on timestamps
	Topics   []TopicPlan `json:"topics"`
	Groups   []GroupPlan `json:"groups,omitempty"`
	Users    []string    `json:"users,omitempty"` // that the target lacks: a person gives them passwords
	ACLs     int         `json:"acls,omitempty"`
	Quotas   int         `json:"quotas,omitempty"`
	Records  int64       `json:"records"`
	Bytes    int64       `json:"bytes"`
	Problems []Problem   `json:"problems,omitempty"`
	Notes    []string    `json:"notes,omitempty"`
}

// Problem is why a restore cannot begin.
type Problem struct {
	Where string `json:"where"` // topic orders, group billing, cluster
	Text  string `json:"text"`
	Hint  string `json:"hint,omitempty"`
}

// TopicPlan is what becomes of one topic.
type TopicPlan struct {
	Source     string `json:"source"`
	Target     string `json:"target"`
	Action     string `json:"action"` // create | append | purge | resume | done
	Partitions int    `json:"partitions"`
	Records    int64  `json:"records"` // at most: a window may leave some out
	Bytes      int64  `json:"bytes"`
	Restored   int64  `json:"restored,omitempty"` // of a report
	// Expires is how many records retention will remove once it is in force.
	Expires int64    `json:"expires,omitempty"`
	Notes   []string `json:"notes,omitempty"`
}

// GroupPlan is what becomes of one group.
type GroupPlan struct {
	Name string `json:"name"`
	Live int    `json:"live,omitempty"` // members: left alone
	Sets int    `json:"sets"`
}

// Report is what a restore did.
type Report struct {
	Plan
	Restored int64           `json:"restored"`          // records
	RawBytes int64           `json:"rawBytes"`          // produced as they were
	Encoded  int64           `json:"encoded"`           // bytes re-encoded
	Left     []string        `json:"left,omitempty"`    // what was left alone, in words
	Proof    []format.Digest `json:"proof,omitempty"`   // of the target, equal to the backup's
	Unequal  []string        `json:"unequal,omitempty"` // where the proof failed
	Snapshot string          `json:"snapshot,omitempty"`
	Began    time.Time       `json:"began"`
	Took     time.Duration   `json:"took"`
}
