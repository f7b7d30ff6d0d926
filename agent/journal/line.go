package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"

	"github.com/ottla-io/ottla/reconcile"
)

const (
	// Version is the format's. A file with a newer one is refused.
	Version    = 1
	formatName = "ottla-ledger"
	sumLength  = 8
)

// record is one line: exactly one of its fields is set.
type record struct {
	Header   *header          `json:"header,omitempty"`
	Snapshot *snapshot        `json:"snapshot,omitempty"`
	Entry    *reconcile.Entry `json:"entry,omitempty"`
}

type header struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	Cluster string `json:"cluster"`
}

// encode is the record as a line with its sum and its end.
func encode(r record) ([]byte, error) {
	data, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%08x %s\n", checksum(data), data), nil
}

// checksum is CRC-32C, as Kafka's own log has it.
func checksum(data []byte) uint32 {
	return crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))
}

// decode reads a line without its end.
func decode(line []byte) (record, error) {
	sum, data, ok := bytes.Cut(line, []byte(" "))
	if !ok || len(sum) != sumLength {
		return record{}, errors.New("is not a line of a ledger")
	}
	want, err := strconv.ParseUint(string(sum), 16, 32)
	if err != nil || uint32(want) != checksum(data) {
		return record{}, errors.New("its checksum does not match")
	}
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return record{}, fmt.Errorf("its checksum matches, and it cannot be read: %w", err)
	}
	return r, nil
}
