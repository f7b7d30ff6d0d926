package kafka

import (
	"context"
	"fmt"
	"slices"

	"github.com/ottla-io/ottla/reconcile"
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
