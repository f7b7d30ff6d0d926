package capture

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/format"
)

// transactions tells the batches of aborted transactions by the list that comes
// with each answer (KIP-98): a producer's batches from the first offset of an
// aborted transaction on, up to its marker. The list holds transactions that
// began before the answer too.
type transactions struct {
	coming  []kmsg.FetchResponseTopicPartitionAbortedTransaction
	aborted map[int64]bool // producers in an aborted transaction
	decoder *batch.Decoder
}

func newTransactions(list []kmsg.FetchResponseTopicPartitionAbortedTransaction, d *batch.Decoder) *transactions {
	t := &transactions{decoder: d}
	if len(list) == 0 {
		return t
	}
	t.coming, t.aborted = slices.Clone(list), make(map[int64]bool)
	slices.SortFunc(t.coming, func(a, b kmsg.FetchResponseTopicPartitionAbortedTransaction) int {
		return cmp.Compare(a.FirstOffset, b.FirstOffset)
	})
	return t
}

// reason says why a batch is left out, or "".
func (t *transactions) reason(h batch.Header, one []byte) (format.Reason, error) {
	for len(t.coming) > 0 && t.coming[0].FirstOffset <= h.Last() {
		t.aborted[t.coming[0].ProducerID] = true
		t.coming = t.coming[1:]
	}
	switch {
	case h.Control():
		return format.Control, t.ends(h, one)
	case h.Transactional() && t.aborted[h.ProducerID]:
		return format.Aborted, nil
	case h.Records == 0: // what the cleaner leaves to remember a producer by
		return format.Compacted, nil
	}
	return "", nil
}

// abortMarker is the type of a control record (org.apache.kafka.common.record.ControlRecordType).
const abortMarker = 0

// ends looks whether a control batch ends an aborted transaction. One that the
// cleaner has emptied ends nothing: what it would end is gone as well.
func (t *transactions) ends(h batch.Header, one []byte) error {
	if !t.aborted[h.ProducerID] {
		return nil
	}
	return t.decoder.Records(one, func(r batch.Record) error {
		if len(r.Key) < 4 {
			return fmt.Errorf("the transaction marker at offset %d has a key of %d bytes", r.Offset, len(r.Key))
		}
		if binary.BigEndian.Uint16(r.Key[2:]) == abortMarker {
			delete(t.aborted, h.ProducerID)
		}
		return nil
	})
}
