package kafka

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// requestPartitions is how many partitions one request creates; brokers
	// refuse more than 10,000.
	requestPartitions = 8000
	// unknownPartitions is what a topic with the broker's default number of
	// partitions is counted as.
	unknownPartitions = 8
)

// chunks cuts creates into as few requests as the brokers take: many small
// ones are acknowledged fast and become visible slowly.
func chunks(creates []reconcile.Change) func(yield func([]reconcile.Change) bool) {
	return func(yield func([]reconcile.Change) bool) {
		for len(creates) > 0 {
			n, partitions := 0, 0
			for n < len(creates) && n < requestTopics {
				partitions += partitionsOf(creates[n])
				if n > 0 && partitions > requestPartitions {
					break
				}
				n++
			}
			if !yield(creates[:n]) {
				return
			}
			creates = creates[n:]
		}
	}
}

func partitionsOf(c reconcile.Change) int {
	for _, f := range steps(c) {
		if n, err := strconv.Atoi(f.To.Text()); err == nil && f.Name == fieldPartitions {
			return n
		}
	}
	return unknownPartitions
}

// create creates topics with one request, or lets the broker validate that.
func (k *topics) create(ctx context.Context, changes []reconcile.Change, validate bool) ([]reconcile.Outcome, error) {
	var out []reconcile.Outcome
	var ids []reconcile.ID
	var wanted []kmsg.CreateTopicsRequestTopic
	for _, c := range changes {
		t, err := newTopic(c)
		if err != nil {
			out = append(out, failure(c.ID, err.Error()))
			continue
		}
		ids, wanted = append(ids, c.ID), append(wanted, t)
	}
	verdicts := k.send(ctx, exchange{
		items: len(wanted),
		ask: func(items []int) kmsg.Request {
			req := kmsg.NewPtrCreateTopicsRequest()
			req.TimeoutMillis, req.ValidateOnly = k.millis(), validate
			for _, i := range items {
				req.Topics = append(req.Topics, wanted[i])
			}
			return req
		},
		read: func(resp kmsg.Response, items []int) ([]answer, int32) {
			r := resp.(*kmsg.CreateTopicsResponse)
			return byName(items, func(i int) string { return wanted[i].Topic }, r.Topics, func(t kmsg.CreateTopicsResponseTopic) (string, answer) {
				return t.Topic, answer{code: t.ErrorCode, message: t.ErrorMessage, uid: uid(t.TopicID)}
			}), r.ThrottleMillis
		},
	})
	for i, v := range verdicts {
		out = append(out, v.outcome(ids[i], "Create on topic "+ids[i].Name))
	}
	return out, unanswered(verdicts)
}

// newTopic is a change as the wire spells it; what is not declared is the
// broker's default.
func newTopic(c reconcile.Change) (kmsg.CreateTopicsRequestTopic, error) {
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = c.ID.Name, -1, -1
	for _, f := range steps(c) {
		key, isConfig := strings.CutPrefix(f.Name, configPrefix)
		switch {
		case !f.To.Is(reconcile.Text):
		case isConfig:
			config := kmsg.NewCreateTopicsRequestTopicConfig()
			config.Name, config.Value = key, kmsg.StringPtr(f.To.Text())
			t.Configs = append(t.Configs, config)
		case f.Name == fieldPartitions:
			n, err := strconv.ParseInt(f.To.Text(), 10, 32)
			if err != nil || n < 1 {
				return t, fmt.Errorf("partitions: %q is not a number of partitions", f.To.Text())
			}
			t.NumPartitions = int32(n)
		case f.Name == fieldReplicas:
			n, err := strconv.ParseInt(f.To.Text(), 10, 16)
			if err != nil || n < 1 {
				return t, fmt.Errorf("replicas: %q is not a number of replicas", f.To.Text())
			}
			t.ReplicationFactor = int16(n)
		default:
			return t, fmt.Errorf("a topic has no field %q", f.Name)
		}
	}
	return t, nil
}
