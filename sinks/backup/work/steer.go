package work

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
)

// order is what a person decided of a policy, written in its repository so that
// a restart knows. The newest one of its series counts.
type order struct {
	Paused bool      `json:"paused"`
	By     string    `json:"by"` // the agent that was told
	At     time.Time `json:"at"`
}

func orderSeries(id reconcile.ID) string {
	namespace, name := nameOf(id)
	return "orders/" + doesOf(id) + "." + namespace + "." + name
}

// orderOf reads whether a policy is paused.
func (s *Service) orderOf(ctx context.Context, of policyRun) (order, error) {
	h, err := s.homeFor(ctx, of.brief())
	if err != nil {
		return order{}, err
	}
	var o order
	if _, err := h.Series(orderSeries(of.id), "order").Newest(ctx, &o); err != nil {
		return order{}, fmt.Errorf("read whether it is paused: %w", err)
	}
	return o, nil
}

func (s *Service) writeOrder(ctx context.Context, of policyRun, o order) error {
	h, err := s.homeFor(ctx, of.brief())
	if err != nil {
		return err
	}
	if _, err := h.Series(orderSeries(of.id), "order").Append(ctx, o); err != nil {
		return fmt.Errorf("write down that it is paused or resumed: %w", err)
	}
	return nil
}

// steerPolicy pauses or resumes a policy, or ends the run that is under way.
func (s *Service) steerPolicy(ctx context.Context, k *keeper, do sinks.JobAction) error {
	switch do {
	case sinks.PauseJob:
		k.update(func(st *keeping) { st.paused = true }) // no run begins meanwhile
		err := k.end(ctx, errPaused)
		if err == nil || errors.Is(err, errIdle) {
			err = s.writeOrder(ctx, k.current(), order{Paused: true, By: s.o.Writer, At: s.o.Now()})
		}
		k.update(func(st *keeping) { st.paused, st.pausedAt = err == nil, s.o.Now() })
		poke(k.wake)
		k.rests()
		return err
	case sinks.ResumeJob:
		if !k.snapshot().paused {
			return errors.New("it is not paused: there is nothing to resume")
		}
		if err := s.writeOrder(ctx, k.current(), order{By: s.o.Writer, At: s.o.Now()}); err != nil {
			return err
		}
		k.update(func(st *keeping) { st.paused, st.job.State, st.job.Text = false, sinks.JobWaiting, "" })
		poke(k.wake)
		return nil
	case sinks.CancelJob:
		return k.end(ctx, errCancelled)
	}
	return fmt.Errorf("%q is none of pause, resume, cancel", do)
}

var errIdle = errors.New("no run of it is under way: there is nothing to cancel; job pause keeps it from running")

// underWay is the run of a keeper that goes on.
type underWay struct {
	stop  context.CancelCauseFunc
	ended chan struct{}
}

// begin notes a run that a person may end; the context ends with their reason.
func (k *keeper) begin(ctx context.Context) (run context.Context, ended func()) {
	run, stop := context.WithCancelCause(ctx)
	one := &underWay{stop, make(chan struct{})}
	k.mu.Lock()
	k.going = one
	if k.state.paused {
		stop(errPaused) // it was paused this very moment
	}
	k.mu.Unlock()
	return run, func() {
		stop(nil)
		k.mu.Lock()
		k.going = nil
		k.mu.Unlock()
		close(one.ended)
	}
}

// end ends the run that goes on, and waits until nothing of it is under way.
func (k *keeper) end(ctx context.Context, why error) error {
	k.mu.Lock()
	going := k.going
	k.mu.Unlock()
	if going == nil {
		return errIdle
	}
	going.stop(why)
	select {
	case <-ctx.Done():
		return fmt.Errorf("wait until it stops: %w", context.Cause(ctx))
	case <-going.ended:
		return nil
	}
}

// ordered tells a run that a person ended, and shows it: its firing is over, and
// the next one runs.
func (k *keeper) ordered(run context.Context) bool {
	why := context.Cause(run)
	if !errors.Is(why, errPaused) && !errors.Is(why, errCancelled) {
		return false
	}
	k.update(func(s *keeping) {
		s.job.State, s.job.Ended, s.job.Text = sinks.JobWaiting, k.now(), why.Error()+" by hand: the run that was under way made no point"
		if errors.Is(why, errCancelled) {
			s.last = s.job.Ended
		}
	})
	return true
}

// rests says whether a policy is paused, and shows it.
func (k *keeper) rests() bool {
	if !k.snapshot().paused {
		return false
	}
	k.update(func(s *keeping) {
		s.job.State, s.job.Next = sinks.JobPaused, time.Time{}
		s.job.Text = "paused by hand: nothing runs until ottla job resume"
	})
	return true
}
