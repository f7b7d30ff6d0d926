package work

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup/capture"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// tendFinals begins the final backups that nobody takes yet, and forgets those
// that are done and no longer asked for. The caller holds the lock.
func (s *Service) tendFinals() {
	for key, f := range s.finals {
		if f.state == sinks.JobDone && !f.working && s.o.Now().Sub(f.seen) > forgottenAfter {
			delete(s.finals, key)
		}
		if f.state == sinks.JobDone || f.working {
			continue
		}
		f.working = true
		s.begin(func(ctx context.Context) { s.takeFinal(ctx, f) })
	}
}

// takeFinal backs a topic up and verifies the point, trying again with growing
// pauses, until it stands or nobody wants the topic deleted any more.
func (s *Service) takeFinal(ctx context.Context, f *final) {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if f.working = false; f.state != sinks.JobDone {
			delete(s.finals, f.key())
		}
	}()
	for failures := 1; ctx.Err() == nil && s.wanted(f); failures++ {
		err := s.finalOnce(ctx, f)
		s.touch()
		if err == nil {
			if s.o.Poke != nil {
				s.o.Poke()
			}
			return
		}
		s.finalFailed(f, err)
		select {
		case <-ctx.Done():
		case <-time.After(pauseAfter(failures)):
		}
	}
}

func (s *Service) finalFailed(f *final, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.failed.IsZero() {
		f.failed = s.o.Now()
	}
	f.state, f.text = sinks.JobFailing, "failed, and is tried again: "+err.Error()
}

// wanted tells whether a plan asked for it lately.
func (s *Service) wanted(f *final) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.o.Now().Sub(f.seen) < forgottenAfter
}

func (s *Service) finalText(f *final, format string, args ...any) {
	s.mu.Lock()
	f.state, f.text = sinks.JobRunning, fmt.Sprintf(format, args...)
	s.mu.Unlock()
	s.touch()
}

// finalOnce takes one: it waits until nobody moves, copies until the point holds
// all that was there then, and reads that back.
func (s *Service) finalOnce(ctx context.Context, f *final) error {
	calm, err := s.quiet(ctx, f)
	if f.purge != "" && errors.Is(err, errAbsent) {
		s.standsAbsent(f)
		return nil
	}
	if err != nil {
		return err
	}
	s.finalText(f, "waits for another final backup")
	s.oneFinal.Lock()
	defer s.oneFinal.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	h, err := s.finalHome(ctx, f)
	if err != nil {
		return err
	}
	if h.sealed {
		return fmt.Errorf("store %s encrypts, and no identity is at hand to verify with (stores[].encryption.identityFiles)", s.o.Final.Store)
	}
	point, err := s.captureWhole(ctx, f, h, calm)
	if err != nil {
		return err
	}
	s.finalText(f, "point %d is verified", point.Number)
	if words := s.verify(ctx, h, point.Number, repository.Data); words != "" {
		return errors.New(words)
	}
	return s.stands(f, point, calm)
}

// captureWhole copies until a point holds all that was there when the topic was
// quiet: a run that lasts ends before that, and is gone on with before another
// topic has its turn, whose points would not hold this one.
func (s *Service) captureWhole(ctx context.Context, f *final, h *home, calm topicNow) (*repository.Point, error) {
	for before := int64(-1); ; {
		s.finalText(f, "is copied")
		report, err := s.captureFinal(ctx, f, h)
		if err != nil {
			return nil, err
		}
		held, whole := reached(report.Point, f.topic, calm)
		if whole {
			return report.Point, nil
		}
		if held <= before {
			return nil, fmt.Errorf("point %d does not reach the end of the topic, and holds no more of it than the one before", report.Point.Number)
		}
		before = held
	}
}

// reached sums up how far a point is in a topic, and tells whether it holds all
// that was there.
func reached(p *repository.Point, topic string, then topicNow) (held int64, whole bool) {
	ends := map[int32]int64{}
	for _, t := range p.Topics {
		for _, one := range t.Partitions {
			if t.Name == topic {
				ends[one.Partition] = one.End
				held += one.End
			}
		}
	}
	for partition, end := range then.ends {
		if ends[partition] < end.stable {
			return held, false
		}
	}
	return held, true
}

// standsAbsent takes down that there is nothing to back up.
func (s *Service) standsAbsent(f *final) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.state, f.text, f.failed = sinks.JobDone, "the topic is not there: there is nothing to back up", time.Time{}
	f.absent, f.id, f.point, f.ends, f.calm, f.records = true, "", 0, nil, topicNow{}, 0
}

// stands takes down what the verified point holds of the topic.
func (s *Service) stands(f *final, p *repository.Point, calm topicNow) error {
	ends, records, id := map[int32]int64{}, int64(0), ""
	for _, t := range p.Topics {
		if t.Name != f.topic {
			continue
		}
		if id = t.ID; f.purge == "" && id != f.id {
			return fmt.Errorf("point %d holds another topic of that name, with id %s", p.Number, id)
		}
		for _, one := range t.Partitions {
			ends[one.Partition] = one.End
			for _, ref := range p.Refs(t.Name, one.Partition) {
				records += ref.Records
			}
		}
	}
	if len(ends) == 0 {
		return fmt.Errorf("point %d does not hold the topic", p.Number)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f.state, f.text, f.failed = sinks.JobDone, fmt.Sprintf("point %d stands, verified with its data", p.Number), time.Time{}
	f.absent, f.id, f.point, f.ends, f.calm, f.records = false, id, p.Number, ends, calm, records
	return nil
}

func (s *Service) captureFinal(ctx context.Context, f *final, h *home) (capture.Report, error) {
	open, err := s.dialer(f.spec, f.means)
	if err != nil {
		return capture.Report{}, err
	}
	if err := h.Begin(ctx); err != nil {
		return capture.Report{}, err
	}
	began := s.o.Now()
	report, err := s.engine.capture(ctx, capture.Options{
		Dial: open, Repository: h.Repository, Kind: format.Final, Pinned: "final backup of " + f.topic,
		Topics: []string{f.topic}, Memory: s.o.Memory, Brokers: s.o.Brokers, Now: s.o.Now, Step: s.o.Step,
	})
	s.count(report, err, s.o.Now().Sub(began))
	return report, err
}

// finalHome is the repository of what was deleted on the topic's cluster.
func (s *Service) finalHome(ctx context.Context, f *final) (*home, error) {
	for _, st := range s.o.Stores {
		if st.Name != s.o.Final.Store {
			continue
		}
		st.Options.URL = st.URL
		return s.open(ctx, "final/"+f.source, st, format.Identity{Namespace: FinalNamespace, Name: FinalName, Cluster: f.source}, nil)
	}
	return nil, fmt.Errorf("no store is called %s", s.o.Final.Store)
}
