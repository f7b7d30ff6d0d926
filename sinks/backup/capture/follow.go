package capture

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// Window says when a continuous backup closes a point.
type Window struct {
	Interval time.Duration // 0 is a minute
	Bytes    int64         // 0: only Interval closes it
}

const (
	defaultInterval = time.Minute
	// pollEvery is how often ends are looked at where bytes close a window.
	pollEvery = time.Second
	// lookAgain is how often a continuous backup looks whether the points it stands
	// on are still good: something may delete packs in the store.
	lookAgain = time.Hour
	// longTransaction is the longest that brokers allow a transaction to be open
	// by default (transaction.max.timeout.ms); what holds a log longer hangs.
	longTransaction = 15 * time.Minute
)

// Each is told of a window, with the lease under which it was written: who wants
// to write to the repository takes none of its own. The next window waits for
// it, and stands on this one only where it returns true: a point may turn out to
// be no good when it is looked at.
type Each func(*repository.Lease, Report, error) (good bool)

// Follow runs until the context ends, and commits a point per window, with one
// lease for all. A window that fails is told, and tried again later.
func Follow(ctx context.Context, o Options, w Window, each Each) error {
	w.Interval = fallback(w.Interval, defaultInterval)
	return with(ctx, o, func(ctx context.Context, s *session) error {
		pause := backoff.NewExponentialBackOff()
		pause.InitialInterval, pause.MaxInterval = time.Second, max(w.Interval, time.Minute)
		for {
			began := s.Now()
			report, err := s.run(ctx, longTransaction)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			good := each(s.lease, report, err)
			if errors.Is(err, repository.ErrLease) {
				return err
			}
			if err != nil || !good || s.Now().Sub(s.looked) >= lookAgain {
				s.parent = nil // read it again: the error may be about it, or it is no good any more
			}
			wait := func() error { return s.until(ctx, w, began, report) }
			if err != nil {
				s.clients.close()
				wait = func() error { return sleep(ctx, pause.NextBackOff()) }
			} else {
				pause.Reset()
			}
			if err := wait(); err != nil {
				return err
			}
		}
	})
}

// until waits for the next window: its time, or its bytes.
func (s *session) until(ctx context.Context, w Window, began time.Time, last Report) error {
	end := began.Add(w.Interval)
	size := perOffset(last)
	for {
		left := end.Sub(s.Now())
		if left <= 0 {
			return nil
		}
		if w.Bytes <= 0 || size <= 0 {
			return sleep(ctx, left)
		}
		if err := sleep(ctx, min(left, max(pollEvery, w.Interval/20))); err != nil {
			return err
		}
		offsets, err := s.ahead(ctx)
		if err != nil {
			return err
		}
		if int64(size*float64(offsets)) >= w.Bytes {
			return nil
		}
	}
}

// perOffset is what an offset cost in the last window.
func perOffset(last Report) float64 {
	offsets := last.Records + last.New.Control + last.New.Aborted + last.New.Compacted
	if offsets == 0 {
		return batchGuess
	}
	return float64(last.Bytes) / float64(offsets)
}

// ahead is how many offsets the logs are ahead of the last point. What cannot be
// looked at now is looked at when the window closes.
func (s *session) ahead(ctx context.Context) (int64, error) {
	r := &run{session: s, marks: make(map[*topic]*bool)}
	if err := r.connect(ctx); err != nil {
		return 0, nil //nolint:nilerr // the window tells it
	}
	if s.parent == nil {
		return 0, nil
	}
	for _, was := range s.parent.Topics {
		t := &topic{Topic: was, was: &was}
		for _, p := range was.Partitions {
			t.parts = append(t.parts, &part{topic: t, Partition: p})
		}
		r.topics = append(r.topics, t)
	}
	var offsets int64
	_, err := r.askOffsets(ctx, r.partitions(), latest, committed, func(p *part, at int64) { offsets += max(at-p.End, 0) })
	if err != nil && ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	return offsets, nil
}
