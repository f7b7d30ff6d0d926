package work

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
)

func mapsEqual(a, b backup.Spec) bool { return maps.Equal(a, b) }

func compare(a, b string) int { return strings.Compare(a, b) }

// tendPolicies keeps one keeper for each policy that is declared and was
// applied. What runs is what was applied: a change that is held or refused does
// not run, and what it would have changed goes on. The caller holds the lock.
func (s *Service) tendPolicies() {
	for id, k := range s.keepers {
		if b, ok := s.briefs[id]; !ok || !runs(b) {
			k.stopped(context.Canceled)
			delete(s.keepers, id)
		}
	}
	for id, b := range s.briefs {
		if id.Kind != backup.KindPolicy || !runs(b) {
			continue
		}
		of := policyRun{id: id, spec: b.last, means: b.means}
		if k := s.keepers[id]; k != nil {
			k.take(of)
			continue
		}
		k := newKeeper(of, s.o.Now, s.touch)
		k.newest, k.run, k.follow, k.order = s.newestOf, s.runPolicy, s.followPolicy, s.orderOf
		s.keepers[id] = k
		k.stopped = s.begin(k.keep)
	}
}

// runs tells a policy that is at work: declared, not paused, and applied.
func runs(b brief) bool { return b.declared && b.skip == "" && b.ours }

// BackupNow has a declared backup run at once.
func (s *Service) BackupNow(_ context.Context, id string) (sinks.Job, error) {
	s.tend()
	s.mu.Lock()
	k := s.keepers[policyID(id)]
	s.mu.Unlock()
	if k == nil {
		return sinks.Job{}, fmt.Errorf("%s is not at work: it is not declared, paused, or its policy could not be written yet", id)
	}
	if k.snapshot().paused {
		return sinks.Job{}, fmt.Errorf("%s is paused by hand: ottla job resume %s", id, id)
	}
	if k.current().spec.Is("continuous") && !k.current().spec.Is(backup.FieldSuspend) {
		return sinks.Job{}, fmt.Errorf("%s runs all the time: its next point is written within %s", id, k.current().spec["window"])
	}
	poke(k.manual)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.view(policyID(id))[0], nil
}

// policyID is the policy behind a job's id: backup/default/nightly.
func policyID(id string) reconcile.ID {
	return reconcile.ID{Kind: backup.KindPolicy, Name: strings.TrimPrefix(id, backup.DoesBackup+"/")}
}

// view is a thing as people see it. The caller holds the lock.
func (s *Service) view(id reconcile.ID) []sinks.Job {
	name := id.Name
	if id.Kind == backup.KindPolicy && doesOf(id) == backup.DoesBackup {
		name = backup.DoesBackup + "/" + name
	}
	b := s.briefs[id]
	j := sinks.Job{State: sinks.JobWaiting}
	switch k := s.keepers[id]; {
	case k != nil:
		j = k.view()
	case s.jobs[id] != nil:
		j = s.jobs[id].view()
	case !b.declared, b.skip != "" && !b.ours:
		return nil
	case b.skip != "":
		j.State, j.Text = sinks.JobSuspended, b.skip
	case b.refused:
		j.Text = "refused: " + s.refused(b.want)
	default:
		j.Text = "not at work yet"
	}
	j.ID, j.Cluster = name, s.o.Cluster
	return []sinks.Job{j}
}
