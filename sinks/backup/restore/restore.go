// Package restore gives a point back to a cluster: records, topics, groups. Its
// progress is read from the target itself.
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
	Rename     map[string]string
	Partitions map[string]map[int32]int32 // source topic: partition to partition
	// Repartition gives a topic another partition count, keys placed by murmur2.
	Repartition map[string]int
	From, To    time.Time // a filter on record timestamps: [From, To]; zero is open
	Create      bool      // topics that are not there are created as they were
	Replicas    int       // of created topics; 0 is as they were
	// Existing says what to do where the target holds data: refuse (""), append, purge.
	Existing      string
	Groups        []string // globs; restored through the offset map; none are none
	ACLs, Quotas  bool
	OffsetHeaders bool // add ottla-original-offset headers: records are re-encoded
	Prove         bool // compare record digests afterwards
	BytesPerSec   int64
	RecordsPerSec int64
	Concurrency   int // partitions at once; 0 is 8
	Acks          int16
	Timeout       time.Duration // of one produce; 0 is 30 s
	Memory        int64         // 0 is 256 MiB
	Now           func() time.Time
	Progress      func(Progress)
	Step          func(string)
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
	Taken    time.Time   `json:"taken"`
	Exact    bool        `json:"exact"` // to a point; otherwise a filter on timestamps
	Topics   []TopicPlan `json:"topics"`
	Groups   []GroupPlan `json:"groups,omitempty"`
	Users    []string    `json:"users,omitempty"` // to be given passwords by a person
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
	Records    int64  `json:"records"`
	Bytes      int64  `json:"bytes"`
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

// Check plans a restore and writes nothing: a dry run that asks the target for
// reach, rights, data, limits and groups.
func Check(ctx context.Context, o Options) (Plan, error) { panic("unbuilt") }

// Run restores. Killed and run again under its name it goes on, and doubles nothing.
func Run(ctx context.Context, o Options) (Report, error) { panic("unbuilt") }

// Digests works out the record digests of topics on a cluster up to the ends
// given, for a comparison with those of a backup.
func Digests(ctx context.Context, dial func(context.Context) (*kgo.Client, error), ranges []format.Digest) ([]format.Digest, error) {
	panic("unbuilt")
}

// Map is the exact map of offsets of one partition: it holds one pair a batch.
type Map struct {
	Source          string
	Target          string
	Partition       int32
	TargetPartition int32
	Pairs           []Pair
}

// Pair says that source offsets [From, From+Count) are [To, To+Count).
type Pair struct{ From, To, Count int64 }

// Of maps a committed offset: that of the next record there is at or behind it.
func (m Map) Of(offset int64) (int64, bool) { panic("unbuilt") }
