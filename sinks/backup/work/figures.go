package work

import (
	"maps"
	"path"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/capture"
	"github.com/ottla-io/ottla/sinks/backup/restore"
)

// figures count since the start.
type figures struct {
	runs, proofs           map[string]int64 // by outcome
	read, stored           int64
	objects                int64
	took                   time.Duration
	restoredDone, restored map[reconcile.ID]int64 // records of restores under way
}

func newFigures() figures {
	return figures{runs: map[string]int64{}, proofs: map[string]int64{}, restoredDone: map[reconcile.ID]int64{}, restored: map[reconcile.ID]int64{}}
}

func (s *Service) count(r capture.Report, err error, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.figures.runs["failed"]++
	} else {
		s.figures.runs["ok"]++
	}
	s.figures.read += r.Bytes
	s.figures.stored += r.Stored
	s.figures.objects += int64(r.Objects)
	s.figures.took += took
}

// countProof counts a validation or a drill: one that did not pass is no error.
func (s *Service) countProof(f found, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil:
		s.figures.proofs["error"]++
	case f.Passed:
		s.figures.proofs["ok"]++
	default:
		s.figures.proofs["failed"]++
	}
}

func (s *Service) restoring(id reconcile.ID, p restore.Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.figures.restoredDone[id], s.figures.restored[id] = p.Records, p.RecordsTotal
}

func (s *Service) restored(id reconcile.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.figures.restoredDone, id)
	delete(s.figures.restored, id)
}

// Figures are what metrics are made of.
func (s *Service) Figures() sinks.WorkFigures {
	states := map[sinks.JobState]int{}
	for _, j := range s.Jobs() {
		states[j.State]++
	}
	open := map[sinks.Trouble]int{}
	for _, i := range s.Incidents() {
		open[sinks.Trouble(path.Base(i.Key))]++
	}
	now := s.o.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	out := sinks.WorkFigures{
		Runs: maps.Clone(s.figures.runs), Proofs: maps.Clone(s.figures.proofs), Read: s.figures.read, Stored: s.figures.stored, Objects: s.figures.objects,
		Took: s.figures.took, Jobs: states, Open: open,
	}
	for _, k := range s.keepers {
		if doesOf(k.id) != backup.DoesBackup {
			continue
		}
		st := k.snapshot()
		newest := st.newest
		if newest.IsZero() {
			newest = st.since
		}
		if !newest.IsZero() {
			out.Oldest = max(out.Oldest, now.Sub(newest))
		}
		if !st.job.Next.IsZero() {
			out.Late = max(out.Late, now.Sub(st.job.Next))
		}
	}
	for id, total := range s.figures.restored {
		out.Restoring += total
		out.Restored += s.figures.restoredDone[id]
	}
	return out
}
