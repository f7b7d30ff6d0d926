package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// Apply creates, then changes, then deletes. A change finds its topic again by
// its id first: one that was deleted and made anew by somebody else is not ours.
func (k *topics) Apply(ctx context.Context, changes []reconcile.Change, report func(...reconcile.Outcome)) {
	todo, refused := sortTopics(cleared(changes))
	report(refused...)
	// What got no answer is in the outcomes; the errors are for Check.
	for chunk := range chunks(todo.create) {
		created, _ := k.create(ctx, chunk, false)
		report(created...)
	}
	for chunk := range slices.Chunk(todo.update, requestTopics) {
		same, others, _ := k.again(ctx, chunk)
		report(others...)
		grown, _ := k.grow(ctx, same, false)
		report(grown...)
		configured, _ := k.alter(ctx, alterations(same), false)
		report(configured...)
	}
	for _, c := range todo.remove {
		report(k.remove(ctx, c))
	}
}

// topicWork is what is to be done, by request.
type topicWork struct{ create, update, remove []reconcile.Change }

// sortTopics refuses what must never be touched and sorts the rest.
func sortTopics(changes []reconcile.Change) (topicWork, []reconcile.Outcome) {
	var w topicWork
	var refused []reconcile.Outcome
	for _, c := range changes {
		if why := internalTopic(c.ID.Name); why != "" {
			refused = append(refused, failure(c.ID, "an internal topic is never touched: "+why))
			continue
		}
		switch c.Action {
		case reconcile.Create:
			w.create = append(w.create, c)
		case reconcile.Update:
			w.update = append(w.update, c)
		case reconcile.Delete:
			w.remove = append(w.remove, c)
		}
	}
	return w, refused
}

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
				return t.Topic, answer{t.ErrorCode, t.ErrorMessage, uid(t.TopicID)}
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

// found is an update whose topic was looked at again.
type found struct {
	reconcile.Change
	live reconcile.Live
}

// again looks at the topics of updates once more and stops those whose topic
// is gone, is another one, or cannot be seen.
func (k *topics) again(ctx context.Context, changes []reconcile.Change) ([]found, []reconcile.Outcome, error) {
	lives, unseen, err := k.lookAgain(ctx, changes)
	var same []found
	var stopped []reconcile.Outcome
	for _, c := range changes {
		live, ok := lives[c.ID]
		switch {
		case err != nil:
			stopped = append(stopped, failure(c.ID, fmt.Sprintf("look again before the change: %v", err)))
		case unseen[c.ID] != "":
			stopped = append(stopped, failure(c.ID, unseen[c.ID]))
		case !ok:
			stopped = append(stopped, failure(c.ID, "the topic is gone"))
		case c.UID != "" && c.UID != live.UID:
			stopped = append(stopped, failure(c.ID, anotherTopic(c.UID, live.UID)))
		default:
			same = append(same, found{c, live})
		}
	}
	return same, stopped, err
}

func anotherTopic(planned, live string) string {
	return fmt.Sprintf("another topic has this name now: the plan was made for topic id %s, this one is %s", planned, live)
}

func (k *topics) lookAgain(ctx context.Context, changes []reconcile.Change) (map[reconcile.ID]reconcile.Live, map[reconcile.ID]string, error) {
	names := make([]string, len(changes))
	for i, c := range changes {
		names[i] = c.ID.Name
	}
	var l listing
	unseen, err := k.listNamed(ctx, names, &l)
	lives := make(map[reconcile.ID]reconcile.Live, len(l.topics))
	for _, t := range l.topics {
		lives[topicID(*t.Topic)] = liveTopic(t)
	}
	hidden := make(map[reconcile.ID]string)
	for _, u := range unseen {
		hidden[u.ID] = u.Reason
	}
	return lives, hidden, err
}

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
				return t.Topic, answer{t.ErrorCode, t.ErrorMessage, ""}
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

// millis is how long the controller may take for a request.
func (c *Cluster) millis() int32 { return int32(c.timeout.Milliseconds()) }

// errNoAnswer is an item that the broker's answer leaves out.
var errNoAnswer = errors.New("the broker's answer leaves it out")

// byName pairs the items of a request with its answers, which come in any order.
func byName[T any](items []int, name func(int) string, results []T, read func(T) (string, answer)) []answer {
	answers := make(map[string]answer, len(results))
	for _, r := range results {
		n, a := read(r)
		answers[n] = a
	}
	out := make([]answer, len(items))
	for n, i := range items {
		a, ok := answers[name(i)]
		if !ok {
			a = answer{code: unknownCode, message: kmsg.StringPtr(errNoAnswer.Error())}
		}
		out[n] = a
	}
	return out
}

// unknownCode is Kafka's UNKNOWN_SERVER_ERROR.
const unknownCode = -1
