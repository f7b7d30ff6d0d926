package ledger

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// writer writes transactions under the ledger's transactional id. After an
// error it is of no use any more: whether something was committed is not known.
type writer struct {
	topic  string
	client *kgo.Client
	close  func()
}

// newWriter initialises the transactional id: whoever wrote before is fenced.
func (l *Ledger) newWriter(ctx context.Context) (*writer, error) {
	most := max(l.o.Request, time.Second) // the least that the client takes
	client, err := l.o.Dial(ctx,
		kgo.TransactionalID(l.o.Topic), kgo.TransactionTimeout(most), kgo.DefaultProduceTopic(l.o.Topic),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProduceRequestTimeout(most), kgo.RecordDeliveryTimeout(most))
	if err != nil {
		return nil, err
	}
	w := &writer{topic: l.o.Topic, client: client, close: sync.OnceFunc(client.Close)}
	if _, _, err := client.ProducerID(ctx); err != nil {
		w.close()
		return nil, inWords("initialise the transactional id "+l.o.Topic, err)
	}
	return w, nil
}

// commit writes records in one transaction. It gives up when the context ends,
// also where the client would go on.
func (w *writer) commit(ctx context.Context, records map[string][]byte) error {
	done := make(chan error, 1)
	go func() { done <- w.transact(ctx, records) }()
	select {
	case err := <-done:
		if err != nil {
			w.close()
		}
		return err
	case <-ctx.Done():
		go w.close() // it lets go of what hangs
		return fmt.Errorf("write topic %s: no answer in time: %w", w.topic, ctx.Err())
	}
}

func (w *writer) transact(ctx context.Context, records map[string][]byte) error {
	if err := w.client.BeginTransaction(); err != nil {
		return fmt.Errorf("begin a transaction on topic %s: %w", w.topic, err)
	}
	var all []*kgo.Record
	for _, key := range slices.Sorted(maps.Keys(records)) {
		all = append(all, &kgo.Record{Key: []byte(key), Value: records[key], Partition: partition})
	}
	if err := w.client.ProduceSync(ctx, all...).FirstErr(); err != nil {
		return inWords("write topic "+w.topic, err)
	}
	if err := w.client.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return inWords("commit to topic "+w.topic, err)
	}
	return nil
}
