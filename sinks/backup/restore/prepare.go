package restore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/sinks/backup/patience"
)

// What becomes of a topic.
const (
	actionCreate = "create"
	actionAppend = "append"
	actionPurge  = "purge"
	actionResume = "resume"
	actionDone   = "done"
)

// createBatch is how many partitions one CreateTopics asks for: a broker
// refuses more than 10,000, and shows few large requests sooner than many.
const createBatch = 8000

// prepare makes the topics ready to be written to, and finds out where in them
// everything begins. It may be done again after a kill.
func (j *job) prepare(ctx context.Context) error {
	j.phase("topics")
	held, err := j.held(ctx) // before anything changes: what is held has the topic's own configuration
	if err != nil {
		return err
	}
	if err := j.lift(ctx); err != nil {
		return err
	}
	j.step("topics lifted")
	if err := j.create(ctx); err != nil {
		return err
	}
	j.step("topics created")
	if err := j.appear(ctx); err != nil {
		return err
	}
	if err := j.purge(ctx, held); err != nil {
		return err
	}
	j.step("topics purged")
	for i := range j.rec.Topics {
		if err := j.begin(ctx, &j.rec.Topics[i]); err != nil {
			return err
		}
	}
	if j.rec.ProducerID, j.rec.ProducerEpoch, err = j.target.session(ctx, newRetry(j.patience)); err != nil {
		return err
	}
	return j.advance(ctx, prepared)
}

// lift sets on existing topics what their data needs. What they had is in the
// record already.
func (j *job) lift(ctx context.Context) error {
	changes := map[string]map[string]*string{}
	for i, t := range j.rec.Topics {
		if t.Action == actionCreate {
			continue
		}
		changes[t.Target] = map[string]*string{}
		for key, value := range lifted(j.layout.topics[i].source.MaxBytes) {
			changes[t.Target][key] = &value
		}
	}
	return j.patiently(ctx, func() error { return j.target.alter(ctx, changes) })
}

// create makes the topics that are to be made, with nothing but what loading
// needs: segments cut as declared would be cut by the time of restored records.
func (j *job) create(ctx context.Context) error {
	req, partitions := kmsg.NewPtrCreateTopicsRequest(), 0
	send := func() error {
		if len(req.Topics) == 0 {
			return nil
		}
		err := j.patiently(ctx, func() error { return j.target.createTopics(ctx, req) })
		req, partitions = kmsg.NewPtrCreateTopicsRequest(), 0
		return err
	}
	for i, t := range j.rec.Topics {
		if t.Action != actionCreate {
			continue
		}
		tl := j.layout.topics[i]
		if partitions+tl.partitions > createBatch {
			if err := send(); err != nil {
				return err
			}
		}
		config := map[string]*string{}
		for key, value := range lifted(tl.source.MaxBytes) {
			config[key] = &value
		}
		partitions += tl.partitions
		req.Topics = append(req.Topics, newTopic(t.Target, tl.partitions, j.o.replicas(tl.source.Replicas), config))
	}
	return send()
}

func newTopic(name string, partitions, replicas int, config map[string]*string) kmsg.CreateTopicsRequestTopic {
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = name, narrow(int64(partitions)), factor(replicas)
	for _, key := range slices.Sorted(maps.Keys(config)) {
		if config[key] != nil {
			c := kmsg.NewCreateTopicsRequestTopicConfig()
			c.Name, c.Value = key, config[key]
			t.Configs = append(t.Configs, c)
		}
	}
	return t
}

// factor is a replication factor as a request has it. One that does not fit was
// a problem before: no cluster has so many brokers.
func factor(n int) int16 {
	if n < 1 || n > math.MaxInt16 {
		return -1 // the cluster's default
	}
	return int16(n)
}

// createTopics creates topics. One that is there was made by a run of this
// restore that was killed: whether it is so, begin looks.
func (t *target) createTopics(ctx context.Context, req *kmsg.CreateTopicsRequest) error {
	req.TimeoutMillis = millis(timeoutOf(t.o))
	resp, err := req.RequestWith(ctx, t.client())
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	var failed []error
	for _, rt := range resp.Topics {
		if err := kerr.ErrorForCode(rt.ErrorCode); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			failed = append(failed, fmt.Errorf("create topic %s: %w%s", rt.Topic, err, because(rt.ErrorMessage)))
		}
	}
	return errors.Join(failed...)
}

// appear waits until every topic shows with a leader for all its partitions.
func (j *job) appear(ctx context.Context) error {
	waiting := newRetry(j.patience)
	for {
		missing, err := j.look(ctx)
		if err != nil {
			return err
		}
		if len(missing) == 0 {
			return nil
		}
		if err := waiting.wait(ctx, fmt.Errorf("%d topics do not show yet with all leaders, the first is %s", len(missing), missing[0])); err != nil {
			return err
		}
	}
}

// look learns ids and leaders, and names the topics that are not whole.
func (j *job) look(ctx context.Context) (missing []string, err error) {
	c, err := patience.Ask(ctx, j.patience, func() (cluster, error) { return j.target.metadata(ctx, j.names()) })
	if err != nil {
		return nil, err
	}
	j.ids = map[string][16]byte{}
	for i, t := range j.rec.Topics {
		s := c.topics[t.Target]
		led := 0
		for _, leader := range s.leaders {
			if leader >= 0 {
				led++
			}
		}
		if s.err != nil || led < j.layout.topics[i].partitions || led < len(s.leaders) {
			missing = append(missing, t.Target)
			continue
		}
		j.target.learn(t.Target, s.leaders)
		j.ids[t.Target] = s.id
	}
	return missing, nil
}

// held asks what of the topics that are emptied is held elsewhere. One that
// holds nothing any more loses nothing.
func (j *job) held(ctx context.Context) (map[string]Held, error) {
	all := map[string]Held{}
	for _, t := range j.rec.Topics {
		if t.Action != actionPurge || j.o.PurgeUpTo == nil {
			continue
		}
		j.target.refresh(ctx, t.Target)
		stretches, err := j.stretches(ctx, t.Target)
		if err != nil {
			return nil, err
		}
		if len(stretches) == 0 {
			continue
		}
		if all[t.Target], err = j.o.PurgeUpTo(ctx, t.Target); err != nil {
			return nil, fmt.Errorf("purge %s: %w", t.Target, err)
		}
	}
	return all, nil
}

// stretches are where a topic has offsets, by partition: none where it is empty.
func (j *job) stretches(ctx context.Context, topic string) (map[int32]int64, error) {
	partitions := j.target.partitions(topic)
	starts, err := j.offsets(ctx, topic, partitions, -2)
	if err != nil {
		return nil, err
	}
	ends, err := j.offsets(ctx, topic, partitions, -1)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(ends, func(p int32, end int64) bool { return starts[p] >= end })
	return ends, nil
}

func (j *job) offsets(ctx context.Context, topic string, partitions []int32, timestamp int64) (map[int32]int64, error) {
	return patience.Ask(ctx, j.patience, func() (map[int32]int64, error) {
		return j.target.offsets(ctx, topic, partitions, timestamp)
	})
}

// purge removes what the topics hold, in all partitions, up to the end that
// they have now, if that is held as far as it must be.
func (j *job) purge(ctx context.Context, held map[string]Held) error {
	for _, t := range j.rec.Topics {
		if t.Action != actionPurge {
			continue
		}
		ends, err := j.stretches(ctx, t.Target)
		if err != nil {
			return err
		}
		if j.o.PurgeUpTo != nil {
			if err := held[t.Target].covers(t.Target, idText(j.ids[t.Target]), ends); err != nil {
				return err
			}
		}
		var upTo kadm.Offsets
		for p, end := range ends {
			upTo.Add(kadm.Offset{Topic: t.Target, Partition: p, At: end})
		}
		err = j.patiently(ctx, func() error {
			done, err := j.target.admin.DeleteRecords(ctx, upTo)
			if err != nil {
				return err
			}
			return done.Error()
		})
		if err != nil {
			return fmt.Errorf("purge %s: %w", t.Target, err)
		}
	}
	return nil
}

// covers has an error where the topic is another one, or has gone on since.
func (h Held) covers(topic, id string, ends map[int32]int64) error {
	if h.All || len(ends) == 0 {
		return nil
	}
	if h.ID != id {
		return fmt.Errorf("purge %s: nothing is removed: what was backed up is the topic with id %q, and this one has %s", topic, h.ID, id)
	}
	for p, end := range ends {
		if end > h.Ends[p] {
			return fmt.Errorf("purge %s: nothing is removed: partition %d has gone on from offset %d to %d since it was backed up", topic, p, h.Ends[p], end)
		}
	}
	return nil
}

// begin writes down where a topic's restore begins.
func (j *job) begin(ctx context.Context, t *topicRecord) error {
	tl := j.layoutOf(t.Target)
	ends, err := j.offsets(ctx, t.Target, tl.lanes(), -1)
	if err != nil {
		return err
	}
	if t.Action == actionCreate {
		for p, end := range ends {
			if end != 0 {
				return fmt.Errorf("%s-%d: somebody created the topic and wrote into it while this restore began: restore under a new name", t.Target, p)
			}
		}
	}
	t.ID, t.Starts = idText(j.ids[t.Target]), ends
	return nil
}

// lanes are all partitions of the target that a topic's restore counts on.
func (tl *topicLayout) lanes() []int32 {
	out := make([]int32, tl.partitions)
	for i := range out {
		out[i] = int32(i)
	}
	return out
}
