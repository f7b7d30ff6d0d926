package kafka

import (
	"context"
	"fmt"
	"strconv"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// grow adds partitions. A topic that has them already is done.
func (k *topics) grow(ctx context.Context, changes []found, validate bool) ([]reconcile.Outcome, error) {
	todo, out := growths(changes)
	verdicts := k.send(ctx, exchange{
		items: len(todo),
		ask: func(items []int) kmsg.Request {
			req := kmsg.NewPtrCreatePartitionsRequest()
			req.TimeoutMillis, req.ValidateOnly = k.millis(), validate
			for _, i := range items {
				req.Topics = append(req.Topics, todo[i])
			}
			return req
		},
		read: func(resp kmsg.Response, items []int) ([]answer, int32) {
			r := resp.(*kmsg.CreatePartitionsResponse)
			return byName(items, func(i int) string { return todo[i].Topic }, r.Topics, func(t kmsg.CreatePartitionsResponseTopic) (string, answer) {
				return t.Topic, answer{code: t.ErrorCode, message: t.ErrorMessage}
			}), r.ThrottleMillis
		},
	})
	for i, v := range verdicts {
		out = append(out, v.outcome(topicID(todo[i].Topic), "Alter on topic "+todo[i].Topic, fieldPartitions))
	}
	return out, unanswered(verdicts)
}

// growths are the topics that need more partitions, and what is to be said
// without asking.
func growths(changes []found) (todo []kmsg.CreatePartitionsRequestTopic, out []reconcile.Outcome) {
	for _, c := range changes {
		for _, f := range steps(c.Change) {
			switch {
			case f.Name == fieldReplicas:
				out = append(out, failure(c.ID, notCarriedOut, fieldReplicas))
			case f.Name != fieldPartitions:
			case f.To.Same(c.live.Fields[fieldPartitions]):
				out = append(out, reconcile.Outcome{ID: c.ID, Fields: []string{fieldPartitions}})
			default:
				t, err := morePartitions(c.ID.Name, f.To.Text())
				if err != nil {
					out = append(out, failure(c.ID, err.Error(), fieldPartitions))
					continue
				}
				todo = append(todo, t)
			}
		}
	}
	return todo, out
}

func morePartitions(name, count string) (kmsg.CreatePartitionsRequestTopic, error) {
	t := kmsg.NewCreatePartitionsRequestTopic()
	n, err := strconv.ParseInt(count, 10, 32)
	if err != nil || n < 1 {
		return t, fmt.Errorf("partitions: %q is not a number of partitions", count)
	}
	t.Topic, t.Count = name, int32(n)
	return t, nil
}
