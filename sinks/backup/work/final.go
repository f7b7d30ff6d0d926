package work

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/restore"
)

// final is the backup of one topic before it is deleted or emptied.
type final struct {
	topic   string
	id      string // of the topic: the one that is deleted, or that the point holds
	purge   string // job that empties it; it lives on
	cluster string // name of the cluster it is on
	source  string // id of that cluster
	spec    backup.Spec
	means   means

	state   sinks.JobState // running, failing, done
	text    string
	began   time.Time
	failed  time.Time
	point   int64
	absent  bool            // there was nothing to back up
	ends    map[int32]int64 // of the verified point
	calm    topicNow        // as it was when nobody had moved for long enough
	records int64
	seen    time.Time // when a plan last asked for it
	working bool      // somebody takes it
}

// key tells finals apart: another topic of the name, or the same name on
// another cluster, is another one.
func (f *final) key() finalKey {
	if f.purge != "" {
		return finalKey{f.source, f.topic, "", f.purge}
	}
	return finalKey{f.source, f.topic, f.id, ""}
}

type finalKey struct{ source, topic, id, purge string }

func compareFinals(a, b finalKey) int {
	return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.source, b.source), cmp.Compare(a.id, b.id), cmp.Compare(a.purge, b.purge))
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
		all, err := s.endangered(ctx, c)
		if err != nil {
			waits[c.ID] = "final backup: " + err.Error()
		}
		for _, t := range all {
			if _, words := s.prepareTopic(ctx, t, begin); words != "" && waits[c.ID] == "" {
				waits[c.ID] = "final backup: " + words
			}
		}
	}
	return waits
}

// endangered are the topics whose data a change takes away.
func (s *Service) endangered(ctx context.Context, c reconcile.Change) ([]final, error) {
	switch {
	case c.ID.Kind == kindTopic && c.Action == reconcile.Delete:
		if c.UID == "" {
			return nil, fmt.Errorf("the brokers give topic %s no id: another one of its name could not be told from it", c.ID.Name)
		}
		t, err := s.endangeredTopic(ctx, c.ID.Name, backup.Spec{}, nil)
		t.id = c.UID
		return []final{t}, err
	case c.ID.Kind == backup.KindJob && c.Action == reconcile.Create:
		b := s.briefOf(c.ID)
		if b.want[backup.FieldExisting] != "purge" || b.want.Is(backup.FieldDryRun) {
			return nil, nil
		}
		var all []final
		for _, topic := range targetsNamed(b.want) {
			t, err := s.purgedTopic(ctx, c.ID, topic, b.want, b.means)
			if err != nil {
				return nil, err
			}
			all = append(all, t)
		}
		return all, nil
	}
	return nil, nil
}

// purgedTopic is a topic that a job empties.
func (s *Service) purgedTopic(ctx context.Context, job reconcile.ID, topic string, spec backup.Spec, m means) (final, error) {
	to := spec.Clone()
	delete(to, backup.FieldSource) // where the backup is from, not where it goes
	t, err := s.endangeredTopic(ctx, topic, to, m)
	t.purge = job.Name
	return t, err
}

// endangeredTopic is a topic on the cluster that a document means.
func (s *Service) endangeredTopic(ctx context.Context, topic string, spec backup.Spec, m means) (final, error) {
	c, err := s.clusterOf(spec)
	if err != nil {
		return final{}, err
	}
	patient, cancel := context.WithTimeout(ctx, lookMost)
	defer cancel()
	source, err := s.sourceID(patient, spec, m)
	return final{topic: topic, cluster: c.Name, source: source, spec: spec, means: m}, err
}

// prepareTopic has words for what a topic still waits for, or what is held of it.
func (s *Service) prepareTopic(ctx context.Context, t final, begin bool) (held final, words string) {
	f := s.finalOf(t, begin)
	if f == nil {
		return final{}, "it is taken first, into store " + s.o.Final.Store
	}
	held = s.finalNow(f)
	if held.state != sinks.JobDone {
		if !s.isWorking() {
			return held, "a running agent takes it (ottla run)"
		}
		return held, held.text
	}
	if words = s.unfinished(ctx, &held); words != "" && begin {
		s.again(f, words)
	}
	return held, words
}

// finalOf is the final backup of a topic, begun where that is wanted.
func (s *Service) finalOf(t final, begin bool) *final {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.finals[t.key()]
	if f == nil && begin {
		t.state, t.text, t.began = sinks.JobRunning, "begins", s.o.Now()
		f = &t
		s.finals[t.key()] = f
		s.touch()
	}
	if f != nil {
		f.seen = s.o.Now()
	}
	return f
}

// finalNow is a copy to look at.
func (s *Service) finalNow(f *final) final {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *f
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

// Assure looks for the last time, right before a topic is deleted: its last
// stable offset is its high watermark and the end of a point that was verified
// with its data, and nobody moved since it was quiet. The note names the point.
func (s *Service) Assure(ctx context.Context, c reconcile.Change) (note string, err error) {
	if s.o.Final == nil {
		return "", nil
	}
	all, err := s.endangered(ctx, c)
	if err != nil {
		return "", fmt.Errorf("not done: %w", err)
	}
	for _, t := range all {
		f := s.finalOf(t, false)
		if f == nil {
			return "", errors.New("not done: no final backup was taken of it by this agent; the next round does")
		}
		held := s.finalNow(f)
		if held.state != sinks.JobDone {
			return "", errors.New("not done: its final backup is not done")
		}
		if words := s.unfinished(ctx, &held); words != "" {
			s.again(f, words)
			return "", errors.New("not done: " + words)
		}
		note = s.finalNote(&held)
	}
	return note, nil
}

// finalNote says where a topic is, and how it comes back.
func (s *Service) finalNote(f *final) string {
	if f.absent {
		return fmt.Sprintf("topic %s was not there: nothing was to be backed up", f.topic)
	}
	which := ""
	if len(s.o.Clusters) > 1 {
		which = fmt.Sprintf(" --cluster %s --source-cluster %s", f.cluster, f.source)
	}
	return fmt.Sprintf("its %d records are point %d of %s/%s in store %s: ottla restore --deleted-topic %s%s",
		f.records, f.point, FinalNamespace, FinalName, s.o.Final.Store, f.topic, which)
}

// heldFor says what of a topic a restore may empty: what its final backup
// holds. Until that is done the restore waits.
func (s *Service) heldFor(j *job, of policyRun) func(context.Context, string) (restore.Held, error) {
	return func(ctx context.Context, topic string) (restore.Held, error) {
		if err := s.emptiedTopic(of.spec, topic); err != nil {
			return restore.Held{}, err
		}
		if s.o.Final == nil {
			return restore.Held{All: true}, nil
		}
		t, err := s.purgedTopic(ctx, of.id, topic, of.spec, of.means)
		if err != nil {
			return restore.Held{}, err
		}
		for {
			held, words := s.prepareTopic(ctx, t, true)
			if words == "" {
				return restore.Held{ID: held.id, Ends: held.ends}, nil
			}
			j.progress(func(v *sinks.Job) { v.Text = "final backup of topic " + topic + ": " + words })
			select {
			case <-ctx.Done():
				return restore.Held{}, ctx.Err()
			case <-time.After(min(lookFinal, max(s.o.Final.Quiet, time.Second))):
			}
		}
	}
}

// unfinished has words where the topic is not what the point holds, or somebody
// moved since it was quiet.
func (s *Service) unfinished(ctx context.Context, f *final) string {
	patient, cancel := context.WithTimeout(ctx, lookMost)
	defer cancel()
	now, err := s.readTopic(patient, f)
	switch {
	case f.purge != "" && errors.Is(err, errAbsent):
		return "" // nothing is left to lose
	case err != nil:
		return "the topic could not be looked at: " + err.Error()
	case f.absent:
		return "the topic has been made meanwhile: it is backed up"
	case now.id != f.id:
		return fmt.Sprintf("the topic was made anew, its id is %s now and was %s: it is backed up again", now.id, f.id)
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
	if len(now.members) > 0 {
		return fmt.Sprintf("consumer group %s reads it again", now.members[0])
	}
	if what := now.differs(f.calm); what != "" {
		return what + " again after it was quiet"
	}
	return ""
}

func (f *final) view() sinks.Job {
	j := sinks.Job{ID: backup.DoesFinal + "/" + f.topic, Cluster: f.cluster, State: f.state, Text: f.text, Point: f.point, Began: f.began}
	if strings.HasPrefix(f.text, "waits") {
		j.State = sinks.JobWaiting
	}
	return j
}

// incident names what concerns it: topics of other clusters by theirs.
func (f *final) incident(own string) string {
	if f.cluster == own {
		return "final/" + f.topic
	}
	return "final/" + f.cluster + "/" + f.topic
}

func (s *Service) ofFinal(f *final) []sinks.Incident {
	if f.failed.IsZero() {
		return nil
	}
	return []sinks.Incident{s.incident(f.incident(s.o.Cluster), sinks.TroubleFailed, sinks.Error, f.failed,
		fmt.Sprintf("the final backup of topic %s fails: it is neither deleted nor emptied", f.topic), f.text)}
}
