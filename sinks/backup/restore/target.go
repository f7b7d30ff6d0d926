package restore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/sinks/backup/patience"
)

// maxClients is how many connections to one broker produce: a broker handles
// the requests of one connection one after the other.
const maxClients = 4

// errLeaderless says that a partition has no leader, or that we know of none.
var errLeaderless = errors.New("the partition has no leader")

// target is the cluster that is restored into. It is safe for concurrent use.
type target struct {
	clients []*kgo.Client
	admin   *kadm.Client
	o       Options

	mu      sync.Mutex
	leaders map[string]map[int32]int32
	wires   map[wireKey]*wire
	start   func(*wire)
}

type wireKey struct {
	client int
	broker int32
}

// dial opens n clients.
func dial(ctx context.Context, o Options, n int) (*target, error) {
	t := &target{o: o, leaders: map[string]map[int32]int32{}, wires: map[wireKey]*wire{}}
	for range n {
		c, err := o.Dial(ctx)
		if err != nil {
			t.close()
			return nil, fmt.Errorf("reach the target cluster: %w", err)
		}
		t.clients = append(t.clients, c)
	}
	t.admin = kadm.NewClient(t.clients[0])
	return t, nil
}

func (t *target) close() {
	for _, c := range t.clients {
		c.Close()
	}
}

func (t *target) client() *kgo.Client { return t.clients[0] }

// cluster is what Metadata says.
type cluster struct {
	id      string
	brokers int
	node    int32 // one of them
	topics  map[string]topicState
}

// topicState is one topic in Metadata.
type topicState struct {
	id       [16]byte
	leaders  map[int32]int32
	replicas int
	rights   int32
	err      error
}

// metadata asks for these topics. kadm answers from a cache; this does not.
func (t *target) metadata(ctx context.Context, names []string) (cluster, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{}
	req.IncludeTopicAuthorizedOperations = true
	for _, n := range names {
		rt := kmsg.NewMetadataRequestTopic()
		rt.Topic = kmsg.StringPtr(n)
		req.Topics = append(req.Topics, rt)
	}
	resp, err := req.RequestWith(ctx, t.client())
	if err != nil {
		return cluster{}, fmt.Errorf("ask the target cluster for metadata: %w", err)
	}
	c := cluster{brokers: len(resp.Brokers), topics: map[string]topicState{}}
	if resp.ClusterID != nil {
		c.id = *resp.ClusterID
	}
	for _, b := range resp.Brokers {
		c.node = b.NodeID
	}
	for _, rt := range resp.Topics {
		if rt.Topic == nil {
			continue
		}
		s := topicState{id: rt.TopicID, rights: rt.AuthorizedOperations, err: kerr.ErrorForCode(rt.ErrorCode), leaders: map[int32]int32{}}
		for _, p := range rt.Partitions {
			s.leaders[p.Partition], s.replicas = p.Leader, len(p.Replicas)
		}
		c.topics[*rt.Topic] = s
	}
	return c, nil
}

// refresh learns the leaders of a topic anew. What cannot be learned now is
// found out at the next failure.
func (t *target) refresh(ctx context.Context, topic string) {
	c, err := t.metadata(ctx, []string{topic})
	if err != nil || c.topics[topic].err != nil {
		return
	}
	t.learn(topic, c.topics[topic].leaders)
}

func (t *target) learn(topic string, leaders map[int32]int32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.leaders[topic] = leaders
}

// partitions are those of a topic that leaders were learned of.
func (t *target) partitions(topic string) []int32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Sorted(maps.Keys(t.leaders[topic]))
}

// leader is the broker that leads a partition.
func (t *target) leader(topic string, partition int32) (int32, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	broker, ok := t.leaders[topic][partition]
	if !ok || broker < 0 {
		return 0, errLeaderless
	}
	return broker, nil
}

// wire is the connection of a lane to its leader: always by the same client, so
// that its batches stay in order.
func (t *target) wire(l *lane) (*wire, error) {
	broker, err := t.leader(l.topic.name, l.partition)
	if err != nil {
		return nil, err
	}
	key := wireKey{client: int(l.partition) % len(t.clients), broker: broker}
	t.mu.Lock()
	defer t.mu.Unlock()
	w := t.wires[key]
	if w == nil {
		w = newWire(t.clients[key.client].Broker(int(broker)), t.o)
		t.wires[key] = w
		t.start(w)
	}
	return w, nil
}

// offsets lists offsets of partitions of one topic: timestamp -1 is the end, -2
// the start of the log.
func (t *target) offsets(ctx context.Context, topic string, partitions []int32, timestamp int64) (map[int32]int64, error) {
	if len(partitions) == 0 {
		return map[int32]int64{}, nil
	}
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	rt := kmsg.NewListOffsetsRequestTopic()
	rt.Topic = topic
	for _, p := range partitions {
		rp := kmsg.NewListOffsetsRequestTopicPartition()
		rp.Partition, rp.Timestamp, rp.CurrentLeaderEpoch = p, timestamp, -1
		rt.Partitions = append(rt.Partitions, rp)
	}
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(ctx, t.client())
	if err != nil {
		return nil, fmt.Errorf("list offsets of %s: %w", topic, err)
	}
	out := map[int32]int64{}
	for _, rt := range resp.Topics {
		for _, p := range rt.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return nil, fmt.Errorf("list offsets of %s-%d: %w", topic, p.Partition, err)
			}
			out[p.Partition] = p.Offset
		}
	}
	for _, p := range partitions {
		if _, ok := out[p]; !ok {
			return nil, fmt.Errorf("list offsets of %s-%d: %w", topic, p, patience.ErrSilent)
		}
	}
	return out, nil
}

// session asks for a producer id of our own. A broker that has just started
// says that its coordinator is loading: it is asked again, for a batch without
// a producer id would be taken twice.
func (t *target) session(ctx context.Context, r *retry) (int64, int16, error) {
	for {
		req := kmsg.NewPtrInitProducerIDRequest()
		req.ProducerID, req.ProducerEpoch = -1, -1
		resp, err := req.RequestWith(ctx, t.client())
		if err == nil {
			err = kerr.ErrorForCode(resp.ErrorCode)
		}
		if err == nil && resp.ProducerID >= 0 {
			return resp.ProducerID, resp.ProducerEpoch, nil
		}
		if err == nil {
			err = patience.ErrSilent
		}
		var ke *kerr.Error
		if errors.As(err, &ke) && !ke.Retriable {
			return 0, 0, fmt.Errorf("open a producer session: %w%s", err, hintOf(err))
		}
		if err := r.wait(ctx, err); err != nil {
			return 0, 0, fmt.Errorf("open a producer session: %w", err)
		}
	}
}

func acksOf(o Options) int16 {
	if o.Acks == 1 {
		return 1
	}
	return -1
}

func timeoutOf(o Options) time.Duration {
	if o.Timeout <= 0 {
		return 30 * time.Second
	}
	return o.Timeout
}

func millis(d time.Duration) int32 { return narrow(d.Milliseconds()) }

// narrow is n where a request has 32 bits, or the most they hold.
func narrow(n int64) int32 {
	if n < 0 {
		return 0
	}
	if n > math.MaxInt32 {
		return math.MaxInt32
	}
	return int32(n)
}
