package kafka

import (
	"context"
	"fmt"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// remove deletes one topic by its id, right after a last look at it. A topic
// that is gone already is done.
func (k *topics) remove(ctx context.Context, c reconcile.Change) reconcile.Outcome {
	lives, unseen, err := k.lookAgain(ctx, []reconcile.Change{c})
	live, there := lives[c.ID]
	switch {
	case err != nil:
		return failure(c.ID, fmt.Sprintf("look again before the deletion: %v", err))
	case unseen[c.ID] != "":
		return failure(c.ID, unseen[c.ID])
	case !there:
		return reconcile.Outcome{ID: c.ID}
	case live.Internal != "":
		return failure(c.ID, "an internal topic is never touched: "+live.Internal)
	case c.UID == "" && live.UID != "":
		return failure(c.ID, "the plan does not say which topic id is meant: a topic is never deleted by its name alone")
	case c.UID != live.UID:
		return failure(c.ID, anotherTopic(c.UID, live.UID))
	}
	return k.removeByID(ctx, c.ID, live.UID)
}

func (k *topics) removeByID(ctx context.Context, id reconcile.ID, planned string) reconcile.Outcome {
	verdicts := k.send(ctx, exchange{
		items: 1,
		ask: func([]int) kmsg.Request {
			t := kmsg.NewDeleteTopicsRequestTopic()
			if key, ok := parseUID(planned); ok {
				t.TopicID = key
			} else {
				t.Topic = kmsg.StringPtr(id.Name)
			}
			req := kmsg.NewPtrDeleteTopicsRequest()
			req.TimeoutMillis = k.millis()
			req.Topics = append(req.Topics, t)
			req.TopicNames = []string{id.Name} // brokers before 2.8 know no ids
			return req
		},
		read: func(resp kmsg.Response, _ []int) ([]answer, int32) {
			r := resp.(*kmsg.DeleteTopicsResponse)
			if len(r.Topics) != 1 {
				return []answer{{lost: true}}, r.ThrottleMillis
			}
			t := r.Topics[0]
			if t.ErrorCode == kerr.UnknownTopicID.Code || t.ErrorCode == kerr.UnknownTopicOrPartition.Code {
				t.ErrorCode = 0
			}
			return []answer{{code: t.ErrorCode, message: t.ErrorMessage}}, r.ThrottleMillis
		},
	})
	return verdicts[0].outcome(id, "Delete on topic "+id.Name)
}

// parseUID reads what uid wrote.
func parseUID(s string) (id [16]byte, ok bool) {
	n, err := uidEncoding().Decode(id[:], []byte(s))
	return id, err == nil && n == len(id)
}
