package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/reconcile"
)

// ErrHolds says that the topic holds a ledger already.
var ErrHolds = errors.New("the topic holds a ledger already")

// Import puts a state into the topic, where there is no ledger or one that was
// moved away. The agent must
// lead, and have been made for that (Options.Import).
func (l *Ledger) Import(ctx context.Context, s *reconcile.State, seq int) error {
	r := l.reigning()
	if r == nil {
		return l.notLeading()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.f.header.Moved == "" && r.f.seq > 0 {
		return ErrHolds
	}
	h := *r.f.header
	h.Moved = ""
	head, err := itemOf(keyHeader, h)
	if err != nil {
		return err
	}
	r.f.state, r.f.seq, r.f.entries, r.f.bytes, r.f.header = s, max(seq, r.f.seq+1), 0, 0, &h
	items, base, err := r.whole()
	if err != nil {
		return err
	}
	r.f.base = base
	return r.write(ctx, append(items, head)...)
}

// Depart writes into the topic that the ledger is elsewhere now: nobody leads
// by it any more. It is to be called once the other place has it.
func (l *Ledger) Depart(ctx context.Context, where string) error {
	r := l.reigning()
	if r == nil {
		return l.notLeading()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	h := *r.f.header
	h.Moved = where
	head, err := itemOf(keyHeader, h)
	if err != nil {
		return err
	}
	r.f.header = &h
	return r.write(ctx, head)
}

// Stands says what the topic holds: how many entries were ever written, and
// where the ledger was moved to, "" if it is here.
func (l *Ledger) Stands(ctx context.Context) (entries int, moved string, err error) {
	if r := l.reigning(); r != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.f.seq, r.f.header.Moved, nil
	}
	f, err := l.read(ctx)
	if err != nil || f.header == nil {
		return 0, "", err
	}
	return f.seq, f.header.Moved, nil
}

// MovedError says that the ledger is no longer in the topic.
type MovedError struct{ Topic, To string }

// Error is that in a sentence.
func (e *MovedError) Error() string {
	return fmt.Sprintf("the ledger is no longer in topic %s: it was moved to %s", e.Topic, e.To)
}

// Rebuild makes the topic anew in the place of one that was lost, after a person
// said so: it is empty, and everything declared is adopted anew. Agents that knew
// the lost one take it. Where nothing is lost it does nothing, and is false.
func (l *Ledger) Rebuild(ctx context.Context) (done bool, err error) {
	err = l.dialed(ctx, func(client *kgo.Client) error {
		p, err := look(ctx, client, l.o.Topic)
		if err != nil {
			return err
		}
		known, err := l.o.Known()
		if err != nil || known == "" || known == p.id {
			return err
		}
		if p.id != "" {
			if _, err := l.read(ctx); !errors.Is(err, ErrLost) {
				return err // another machine rebuilt it already
			}
		}
		done = true
		return l.replace(ctx, client, p, known)
	})
	return done, err
}

// replace writes the header of a new topic. Nobody leads: there was no ledger.
func (l *Ledger) replace(ctx context.Context, client *kgo.Client, p place, known string) error {
	if p.id == "" {
		if err := create(ctx, client, l.o.Topic, p.brokers); err != nil {
			return err
		}
		var err error
		if p, err = l.appears(ctx, client); err != nil {
			return err
		}
	}
	w, err := l.newWriter(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	head, err := itemOf(keyHeader, header{Format: formatName, Version: Version, Cluster: p.cluster, Replaces: known})
	if err != nil {
		return err
	}
	if err := w.commit(ctx, head.parts()); err != nil {
		return err
	}
	return l.o.Know(p.id)
}
