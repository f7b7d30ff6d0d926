package capture

import (
	"encoding/base64"
	"sync/atomic"
	"time"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// topic is a topic as the cluster shows it, and what this run does with it.
type topic struct {
	format.Topic // what the manifest will say; Partitions are filled in last
	id           [16]byte
	parts        []*part
	was          *format.Topic // in the parent, under the same id
	other        bool          // the parent has the name under another id
	// deleteRetention is the smallest delete.retention.ms that is known to have
	// been in force since the parent.
	deleteRetention time.Duration
	tiered          bool         // remote storage: a read may come late
	unread          bool         // not to be described: carried over as it was
	gone            bool         // deleted while we looked
	left            atomic.Int64 // offsets that have not reached a pack
	placed          atomic.Int64 // offsets that have
	stored          atomic.Int64 // bytes of them
	read            atomic.Int64 // bytes that were fetched
	readOffsets     atomic.Int64
}

// part is a partition.
type part struct {
	*topic
	format.Partition
	leader      int32
	leaderEpoch int32
	logStart    int64
	divergence  int64             // where the log parts from the parent's; -1: it does not, or nobody knows
	told        bool              // the log's epochs were asked about
	was         *format.Partition // in the parent, under the same id
	lost        int64             // [Base, Base+lost) went before it was copied, inside of what an archive keeps
}

func (p *part) place() place { return place{p.Name, p.Partition.Partition} }

// refs are the parent's frames.
func (p *part) refs(parent *repository.Point) []repository.Ref {
	if parent == nil || p.was == nil {
		return nil
	}
	return parent.Refs(p.Name, p.Partition.Partition)
}

// topicID is an id as Kafka prints it (org.apache.kafka.common.Uuid).
func topicID(id [16]byte) string { return base64.RawURLEncoding.EncodeToString(id[:]) }
