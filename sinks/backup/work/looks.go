package work

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/ottla-io/ottla/reconcile"
)

const (
	// freshFor is how long what was read in a bucket counts where nobody here
	// wrote: a look at every round would cost a request each.
	freshFor = 5 * time.Minute
	// failedFor is how long a bucket that could not be read is left alone.
	failedFor = time.Minute
	// lookMost is how long a round waits for a bucket.
	lookMost = 15 * time.Second
	// looksAtOnce bounds the buckets asked at once.
	looksAtOnce = 8
)

// looks remembers what was read in buckets.
type looks struct {
	mu   sync.Mutex
	seen map[reconcile.ID]look
}

// look is one answer: the thing, that it is not there, or why that is not known.
type look struct {
	live  reconcile.Live
	there bool
	err   error
	at    time.Time
	of    string // where it was looked for
}

// clear forgets all that was read: another agent may have worked there.
func (l *looks) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.seen)
}

func (l *looks) get(id reconcile.ID, of string, now time.Time) (look, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	one, ok := l.seen[id]
	keeps := freshFor
	if one.err != nil {
		keeps = failedFor
	}
	return one, ok && one.of == of && now.Sub(one.at) < keeps
}

func (l *looks) put(id reconcile.ID, one look) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen[id] = one
}

// forget makes the next look a fresh one.
func (l *looks) forget(id reconcile.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.seen, id)
}

// all looks at things, several at once; what could not be read is named.
func (s *Service) all(ctx context.Context, ids []reconcile.ID, one func(context.Context, brief) (reconcile.Live, bool, error)) ([]reconcile.Live, []reconcile.Unobserved, error) {
	answers := make([]look, len(ids))
	slots := make(chan struct{}, looksAtOnce)
	var asked sync.WaitGroup
	for i, id := range ids {
		asked.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			answers[i] = s.look(ctx, s.briefOf(id), one)
		})
	}
	asked.Wait()
	var live []reconcile.Live
	var unseen []reconcile.Unobserved
	for i, a := range answers {
		switch {
		case a.err != nil:
			unseen = append(unseen, reconcile.Unobserved{ID: ids[i], Reason: a.err.Error()})
		case a.there:
			live = append(live, a.live)
		}
	}
	return live, unseen, ctx.Err()
}

func (s *Service) look(ctx context.Context, b brief, one func(context.Context, brief) (reconcile.Live, bool, error)) look {
	of := where(b)
	if known, fresh := s.looks.get(b.id, of, s.o.Now()); fresh {
		return known
	}
	patient, cancel := context.WithTimeout(ctx, lookMost)
	defer cancel()
	a := look{at: s.o.Now(), of: of}
	a.live, a.there, a.err = one(patient, b)
	if ctx.Err() == nil {
		s.looks.put(b.id, a)
	}
	return a
}

// where tells places apart: what is known of one says nothing of another.
func where(b brief) string {
	s := b.spec()
	return strings.Join([]string{s["storage"], s["storage.endpoint"], s["cluster"], s["backup"], s["source"]}, "#")
}
