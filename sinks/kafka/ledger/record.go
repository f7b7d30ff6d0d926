package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
	"time"

	"github.com/ottla-io/ottla/reconcile"
)

const (
	// Version is the format's. A topic with a newer one is refused.
	Version    = 1
	formatName = "ottla-ledger"
	// partBytes is the most of one record: far below what brokers take
	// (max.message.bytes), whatever compression does.
	partBytes = 256 << 10
	sumLength = 8
)

// The keys. What is longer than a record is in parts: KEY/part/of.
const (
	keyHeader   = "ledger"
	keyLease    = "lease"
	keyEntry    = "entry/"    // and its number
	keySnapshot = "snapshot/" // and the number of the last entry in it
	keyNote     = "note/"     // and its name
)

// header says what the topic is.
type header struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	Cluster string `json:"cluster"` // the cluster's own id
	// Replaces is the id of the topic that was lost, where a person had this one
	// made in its place.
	Replaces string `json:"replaces,omitempty"`
	// Moved says where the ledger is now, if not here any more.
	Moved string `json:"moved,omitempty"`
}

func (h header) check(cluster string) error {
	switch {
	case h.Format != formatName || h.Version < 1:
		return fmt.Errorf("%q version %d is not a ledger", h.Format, h.Version)
	case h.Version > Version:
		return fmt.Errorf("it %w: it is of format %d, and this one reads up to %d", errNewer, h.Version, Version)
	case h.Cluster != cluster:
		return fmt.Errorf("it is the ledger of cluster %q, not of %q", h.Cluster, cluster)
	}
	return nil
}

// Lease is who writes the ledger.
type Lease struct {
	Agent string    `json:"agent"`
	Host  string    `json:"host"`
	Since time.Time `json:"since"`
	// Session is one reign of one process.
	Session string `json:"session"`
	// Wait is how long after its last record something of this reign may arrive.
	Wait time.Duration `json:"wait"`
	// Key is a print of the key that seals secrets, to tell another one.
	Key string `json:"key,omitempty"`
	// Released: the reign ended by itself, and nothing of it is on its way.
	Released bool `json:"released,omitempty"`
}

// snapshot is the state at a point of the sequence.
type snapshot struct {
	Seq   int              `json:"seq"`
	State *reconcile.State `json:"state"`
}

// item is one thing under one key, before it is cut into records.
type item struct {
	key  string
	data []byte // nil removes it
}

func itemOf(key string, value any) (item, error) {
	data, err := json.Marshal(value)
	return item{key, data}, err
}

func entryKey(seq int) string { return fmt.Sprintf("%s%012d", keyEntry, seq) }

func snapshotKey(seq int) string { return fmt.Sprintf("%s%012d", keySnapshot, seq) }

// parts cuts an item into records, by key: each has a CRC-32C of its own.
func (i item) parts() map[string][]byte {
	out := map[string][]byte{}
	of := max(1, (len(i.data)+partBytes-1)/partBytes)
	for n := range of {
		part := i.data[n*partBytes : min((n+1)*partBytes, len(i.data))]
		out[partKey(i.key, n, of)] = fmt.Appendf(nil, "%08x %s", checksum(part), part)
	}
	return out
}

func partKey(key string, n, of int) string { return fmt.Sprintf("%s/%d/%d", key, n, of) }

// splitKey reads what partKey wrote.
func splitKey(full string) (key string, n, of int, err error) {
	rest, last, ok := cutLast(full)
	key, middle, also := cutLast(rest)
	n, errN := strconv.Atoi(middle)
	of, errOf := strconv.Atoi(last)
	if !ok || !also || errN != nil || errOf != nil || n < 0 || n >= of {
		return "", 0, 0, fmt.Errorf("key %q is none of a ledger", full)
	}
	return key, n, of, nil
}

func cutLast(s string) (before, after string, ok bool) {
	at := strings.LastIndexByte(s, '/')
	if at < 0 {
		return s, "", false
	}
	return s[:at], s[at+1:], true
}

// checksum is CRC-32C, as Kafka's own log has it.
func checksum(data []byte) uint32 {
	return crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))
}

// open takes the checksum off a record's value.
func open(value []byte) ([]byte, error) {
	sum, data, ok := bytes.Cut(value, []byte(" "))
	if !ok || len(sum) != sumLength {
		return nil, errors.New("is no record of a ledger")
	}
	want, err := strconv.ParseUint(string(sum), 16, 32)
	if err != nil || uint32(want) != checksum(data) {
		return nil, errors.New("its checksum does not match")
	}
	return data, nil
}
