package restore

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// recordKind is what the numbered objects of restores/NAME say they are.
const recordKind = "restore"

// The phases of a restore. Each is written down before the next one begins.
const (
	planned  = "planned"  // what becomes of every topic, and what existing ones had
	prepared = "prepared" // topics stand, and where in them everything begins
	loaded   = "loaded"   // every record is in, and the map of offsets is written
	finished = format.RestoreDone

	abandoning = "abandoning" // topics are being put back
	abandoned  = format.RestoreAbandoned
)

// record is what the repository knows of a restore; the highest number wins.
type record struct {
	Name    string    `json:"name"`
	Spec    string    `json:"spec"` // digest of what the restore is asked to do
	Point   int64     `json:"point"`
	Cluster string    `json:"cluster"` // id of the target
	Phase   string    `json:"phase"`
	Began   time.Time `json:"began"`
	// ProducerID and ProducerEpoch are the session of every partition: sequences
	// count per producer and partition, so that one session serves them all.
	ProducerID    int64         `json:"producerId"`
	ProducerEpoch int16         `json:"producerEpoch"`
	Topics        []topicRecord `json:"topics"`
	// Maps tells the parts of the map of offsets that count from those that a
	// killed process left.
	Maps     string  `json:"maps,omitempty"`
	Snapshot string  `json:"snapshot,omitempty"`
	Report   *Report `json:"report,omitempty"`
}

// topicRecord is one topic of a restore.
type topicRecord struct {
	Source string `json:"source"`
	Target string `json:"target"`
	Action string `json:"action"` // create | append | purge
	ID     string `json:"id,omitempty"`
	// Had is what was set on an existing topic before it was lifted for the
	// restore; null is what was not set.
	Had map[string]*string `json:"had,omitempty"`
	// Place is where every source partition goes; null where keys are placed anew.
	Place  map[int32]int32 `json:"place"`
	Starts map[int32]int64 `json:"starts,omitempty"` // offset of the first restored record by partition
	Ends   map[int32]int64 `json:"ends,omitempty"`
}

// idText is how Kafka prints a topic id.
func idText(id [16]byte) string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// journal is the series of a restore's records.
type journal struct {
	series *repository.Series
	number int64
}

func openJournal(ctx context.Context, r *repository.Repository, name string) (*journal, record, error) {
	j := &journal{series: r.Series("restores/"+name, recordKind)}
	var rec record
	n, err := j.series.Newest(ctx, &rec)
	if err != nil {
		return nil, rec, fmt.Errorf("read the record of restore %s: %w", name, err)
	}
	j.number = n
	return j, rec, nil
}

// write puts the next record down, only if nobody else did.
func (j *journal) write(ctx context.Context, rec record) error {
	err := j.series.Put(ctx, j.number+1, rec)
	if errors.Is(err, repository.ErrTaken) {
		return fmt.Errorf("restore %s is being carried out by another process: wait for it, or end it: %w", rec.Name, err)
	}
	if err != nil {
		return fmt.Errorf("write the record of restore %s: %w", rec.Name, err)
	}
	j.number++
	return nil
}

// digest tells two restores apart that would not write the same. Speed, memory
// and proof may differ from one run to the next.
func (o Options) digest() string {
	spec := struct {
		Point         int64
		Topics        []string
		Rename        map[string]string
		Partitions    map[string]map[int32]int32
		Repartition   map[string]int
		From, To      time.Time
		Create        bool
		Replicas      int
		Existing      string
		Groups        []string
		ACLs, Quotas  bool
		OffsetHeaders bool
	}{o.Point, o.Topics, o.Rename, o.Partitions, o.Repartition, o.From.UTC(), o.To.UTC(), o.Create, o.Replicas, o.Existing, o.Groups, o.ACLs, o.Quotas, o.OffsetHeaders}
	b, err := json.Marshal(spec)
	if err != nil {
		panic(err) // strings, numbers and maps of them always have JSON
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// belongs refuses a record of another restore, or of another cluster.
func (rec record) belongs(o Options, cluster string) error {
	switch {
	case rec.Spec != o.digest():
		return fmt.Errorf("restore %s was begun on %s with another specification: give this one a name of its own", o.Name, rec.Began.UTC().Format(time.RFC3339))
	case rec.Cluster != cluster:
		return fmt.Errorf("restore %s was begun on %s on cluster %s, this is %s: give this one a name of its own", o.Name, rec.Began.UTC().Format(time.RFC3339), rec.Cluster, cluster)
	}
	return nil
}
