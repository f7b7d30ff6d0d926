package work

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/capture"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// final is the backup of one topic before it is deleted or emptied.
type final struct {
	topic string
	uid   string
	purge bool // it is emptied, and lives on

	state   sinks.JobState // running, failing, done
	text    string
	began   time.Time
	failed  time.Time
	point   int64
	ends    map[int32]int64 // of the verified point
	records int64
	seen    time.Time // when a plan last asked for it
	working bool      // somebody takes it
}

// lookFinal is how often a topic is looked at while it is not quiet.
const lookFinal = 10 * time.Second

// forgottenAfter is how long after the last plan that wanted it a final backup
// is no longer followed: its document is back.
const forgottenAfter = 10 * time.Minute

// Prepare says what deletions of topics, and purges, that would go ahead still
// wait for. With begin it starts the final backups they need, beside the rounds.
func (s *Service) Prepare(ctx context.Context, changes []reconcile.Change, begin bool) map[reconcile.ID]string {
	if s.o.Final == nil {
		return nil
	}
	waits := map[reconcile.ID]string{}
	for _, c := range changes {
		for _, t := range s.endangered(c) {
			if words := s.prepareTopic(ctx, t, begin); words != "" && waits[c.ID] == "" {
				waits[c.ID] = words
			}
		}
	}
	return waits
}

// endangered are the topics whose data a change takes away.
func (s *Service) endangered(c reconcile.Change) []final {
	switch {
	case c.ID.Kind == kindTopic && c.Action == reconcile.Delete:
		return []final{{topic: c.ID.Name, uid: c.UID}}
	case c.ID.Kind == backup.KindJob && c.Action == reconcile.Create:
		want := s.briefOf(c.ID).want
		if want[backup.FieldExisting] != "purge" || want.Is(backup.FieldDryRun) {
			return nil
		}
		var all []final
		rename := want.Below("rename")
		for _, t := range want.List(backup.FieldTopics) {
			if to, ok := rename[t]; ok {
				t = to
			}
			all = append(all, final{topic: t, uid: "purge:" + c.ID.Name + ":" + t, purge: true})
		}
		return all
	}
	return nil
}

// prepareTopic has words for what a topic still waits for.
func (s *Service) prepareTopic(ctx context.Context, t final, begin bool) string {
	f := s.finalOf(t, begin)
	if f == nil {
		return "final backup: it is taken first, into store " + s.o.Final.Store
	}
	s.mu.Lock()
	state, text := f.state, f.text
	s.mu.Unlock()
	if state != sinks.JobDone {
		if !s.isWorking() {
			text = "a running agent takes it (ottla run)"
		}
		return "final backup: " + text
	}
	if words := s.unfinished(ctx, f); words != "" {
		if begin {
			s.again(f, words)
		}
		return "final backup: " + words
	}
	return ""
}

// finalOf is the final backup of a topic, begun where that is wanted.
func (s *Service) finalOf(t final, begin bool) *final {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.finals[t.uid]
	if f == nil && begin {
		t.state, t.text, t.began = sinks.JobRunning, "begins", s.o.Now()
		f = &t
		s.finals[t.uid] = f
		s.touch()
	}
	if f != nil {
		f.seen = s.o.Now()
	}
	return f
}

// again takes another increment: something came after the last one.
func (s *Service) again(f *final, words string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.state == sinks.JobDone {
		f.state, f.text = sinks.JobRunning, words
		s.touch()
	}
}

// tendFinals begins the final backups that nobody takes yet. The caller holds
// the lock.
func (s *Service) tendFinals() {
	for _, f := range s.finals {
		if f.state == sinks.JobDone || f.working {
			continue
		}
		f.working = true
		s.begin(func(ctx context.Context) { s.takeFinal(ctx, f) })
	}
}

// Assure looks for the last time, right before a topic is deleted: its last
// stable offset is its high watermark and the end of a point that was verified
// with its data. The note names the point.
func (s *Service) Assure(ctx context.Context, c reconcile.Change) (note string, err error) {
	if s.o.Final == nil {
		return "", nil
	}
	for _, t := range s.endangered(c) {
		f := s.finalOf(t, false)
		if f == nil {
			return "", errors.New("not done: no final backup was taken of it by this agent; the next round does")
		}
		s.mu.Lock()
		state, point, records := f.state, f.point, f.records
		s.mu.Unlock()
		if state != sinks.JobDone {
			return "", errors.New("not done: its final backup is not done")
		}
		if words := s.unfinished(ctx, f); words != "" {
			s.again(f, words)
			return "", errors.New("not done: " + words)
		}
		note = fmt.Sprintf("its %d records are point %d of %s/%s in store %s: ottla restore --deleted-topic %s", records, point, FinalNamespace, FinalName, s.o.Final.Store, t.topic)
	}
	return note, nil
}

// unfinished has words where the topic is not what the point holds.
func (s *Service) unfinished(ctx context.Context, f *final) string {
	patient, cancel := context.WithTimeout(ctx, lookMost)
	defer cancel()
	now, err := s.readTopic(patient, f.topic)
	if err != nil {
		return "the topic could not be looked at: " + err.Error()
	}
	for p, e := range now.ends {
		switch {
		case e.stable != e.high:
			return fmt.Sprintf("partition %d has an open transaction: its last stable offset is %d, its end %d", p, e.stable, e.high)
		case e.high != f.ends[p]:
			return fmt.Sprintf("partition %d has gone on from offset %d to %d: another increment is taken", p, f.ends[p], e.high)
		}
	}
	if len(now.ends) != len(f.ends) {
		return "it has other partitions than when it was backed up: another increment is taken"
	}
	return ""
}

// takeFinal backs a topic up and verifies the point, trying again with growing
// pauses, until it stands or nobody wants the topic deleted any more.
func (s *Service) takeFinal(ctx context.Context, f *final) {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if f.working = false; f.state != sinks.JobDone {
			delete(s.finals, f.uid)
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

func (s *Service) finalOnce(ctx context.Context, f *final) error {
	if err := s.quiet(ctx, f); err != nil {
		return err
	}
	s.finalText(f, "waits for another final backup")
	s.oneFinal.Lock()
	defer s.oneFinal.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	h, err := s.finalHome(ctx)
	if err != nil {
		return err
	}
	if h.sealed {
		return fmt.Errorf("store %s encrypts, and no identity is at hand to verify with (stores[].encryption.identityFiles)", s.o.Final.Store)
	}
	s.finalText(f, "is copied")
	report, err := s.captureFinal(ctx, f, h)
	if err != nil {
		return err
	}
	s.finalText(f, "point %d is verified", report.Point.Number)
	if words := s.verify(ctx, h, report.Point.Number, repository.Data); words != "" {
		return errors.New(words)
	}
	return s.stands(f, report.Point)
}

// stands takes down what the verified point holds of the topic.
func (s *Service) stands(f *final, p *repository.Point) error {
	ends, records := map[int32]int64{}, int64(0)
	for _, t := range p.Topics {
		if t.Name != f.topic {
			continue
		}
		if !f.purge && f.uid != "" && t.ID != f.uid {
			return fmt.Errorf("point %d holds another topic of that name, with id %s", p.Number, t.ID)
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
	f.point, f.ends, f.records = p.Number, ends, records
	return nil
}

func (s *Service) captureFinal(ctx context.Context, f *final, h *home) (capture.Report, error) {
	open, err := s.dialer(backup.Spec{}, nil)
	if err != nil {
		return capture.Report{}, err
	}
	if err := h.Begin(ctx); err != nil {
		return capture.Report{}, err
	}
	began := s.o.Now()
	report, err := s.engine.capture(ctx, capture.Options{
		Dial: open, Repository: h.Repository, Kind: format.Final, Pinned: "final backup of " + f.topic,
		Topics: []string{f.topic}, Memory: s.o.Memory, Brokers: s.o.Brokers, Now: s.o.Now,
	})
	s.count(report, err, s.o.Now().Sub(began))
	return report, err
}

// finalHome is the repository of deleted topics.
func (s *Service) finalHome(ctx context.Context) (*home, error) {
	for _, st := range s.o.Stores {
		if st.Name != s.o.Final.Store {
			continue
		}
		source, err := s.sourceID(ctx, backup.Spec{}, nil)
		if err != nil {
			return nil, err
		}
		st.Options.URL = st.URL
		return s.open(ctx, "final", st, format.Identity{Namespace: FinalNamespace, Name: FinalName, Cluster: source}, nil)
	}
	return nil, fmt.Errorf("no store is called %s", s.o.Final.Store)
}

func (f *final) view(cluster string) sinks.Job {
	j := sinks.Job{ID: backup.DoesFinal + "/" + f.topic, Cluster: cluster, State: f.state, Text: f.text, Point: f.point, Began: f.began}
	if strings.HasPrefix(f.text, "waits") {
		j.State = sinks.JobWaiting
	}
	return j
}

func (s *Service) ofFinal(f *final) []sinks.Incident {
	if f.failed.IsZero() {
		return nil
	}
	return []sinks.Incident{s.incident("final/"+f.topic, "failed", sinks.Error, f.failed,
		fmt.Sprintf("the final backup of topic %s fails: the topic is not deleted", f.topic), f.text)}
}
