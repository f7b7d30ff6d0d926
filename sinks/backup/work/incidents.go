package work

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
)

// lateAfter is how long after its time a run may end before it counts as late,
// beside the jitter it was given.
const lateAfter = 15 * time.Minute

// IncidentPrefix begins the keys of all incidents of this cluster's work.
func IncidentPrefix(cluster string) string { return "work/" + cluster + "/" }

// tell says what goes on, to whoever told us that they listen. Before it is
// known how everything is nothing is told: what was open before a restart would
// seem to be over.
func (s *Service) tell() {
	if s.o.Told != nil && s.knows() {
		s.o.Told(s.Incidents())
	}
}

func (s *Service) knows() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.keepers {
		if st := k.snapshot(); !st.known && st.failures == 0 && st.job.State != sinks.JobSuspended {
			return false
		}
	}
	return s.briefed
}

// Incidents are everything about work that is not as it should be. The keys are
// stable; what is no longer in the list is over.
func (s *Service) Incidents() []sinks.Incident {
	now := s.o.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []sinks.Incident
	for _, id := range slices.SortedFunc(maps.Keys(s.keepers), reconcile.CompareID) {
		out = append(out, s.ofPolicy(id, now)...)
		out = append(out, s.ofEvidence(id)...)
	}
	for _, id := range slices.SortedFunc(maps.Keys(s.errands), reconcile.CompareID) {
		out = append(out, s.ofErrand(id)...)
	}
	for _, id := range slices.SortedFunc(maps.Keys(s.jobs), reconcile.CompareID) {
		if b, ok := s.briefs[id]; ok && b.declared {
			out = append(out, s.ofJob(id)...)
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(s.finals), compareFinals) {
		out = append(out, s.ofFinal(s.finals[key])...)
	}
	return out
}

func (s *Service) incident(of string, what sinks.Trouble, severity sinks.Severity, since time.Time, title string, lines ...string) sinks.Incident {
	return sinks.Incident{
		Key: IncidentPrefix(s.o.Cluster) + of + "/" + string(what), Severity: severity, Cluster: s.o.Cluster, Since: since,
		Title: title, Lines: lines,
	}
}

// name of a policy or job for people: backup default/nightly.
func name(id reconcile.ID) string {
	namespace, own := nameOf(id)
	return strings.ReplaceAll(doesOf(id), "-", " ") + " " + namespace + "/" + own
}

func (s *Service) ofPolicy(id reconcile.ID, now time.Time) []sinks.Incident {
	k := s.keepers[id]
	st, spec := k.snapshot(), k.current().spec
	var out []sinks.Incident
	if st.failed != nil {
		out = append(out, s.incident(id.Name, sinks.TroubleFailed, sinks.Error, st.firstFail, name(id)+" fails",
			append(strings.Split(st.failed.Error(), "\n"), fmt.Sprintf("tried %d times; the points before it stand", st.failures))...))
	}
	if line, since := overdue(st, spec, now); line != "" {
		out = append(out, s.incident(id.Name, sinks.TroubleLate, sinks.Warning, since, name(id)+" is late", line))
	}
	if line, since := tooOld(st, spec, now); line != "" {
		out = append(out, s.incident(id.Name, sinks.TroubleOld, sinks.Error, since, name(id)+": the newest good point is older than its schedule allows", line))
	}
	if st.paused {
		out = append(out, s.incident(id.Name, sinks.TroublePaused, sinks.Warning, st.pausedAt, name(id)+" is paused by hand", "nothing of it runs until ottla job resume"))
	}
	return append(out, s.leftOver(id, st.left, st.job.Ended)...)
}

// leftOver are what a run saw that ended then: one incident for each sort.
func (s *Service) leftOver(id reconcile.ID, left []problem, ended time.Time) []sinks.Incident {
	lines := map[sinks.Trouble][]string{}
	for _, p := range left {
		lines[p.Kind] = append(lines[p.Kind], strings.TrimPrefix(p.Topic+": ", ": ")+p.Words)
	}
	var out []sinks.Incident
	for _, kind := range slices.Sorted(maps.Keys(lines)) {
		severity, title := sinks.Warning, titleOf(kind)
		if kind == sinks.TroubleGap || kind == sinks.TroubleBad || kind == sinks.TroubleVerify || kind == sinks.TroubleUnread {
			severity = sinks.Error
		}
		out = append(out, s.incident(id.Name, kind, severity, ended, name(id)+": "+title, lines[kind]...))
	}
	return out
}

func titleOf(kind sinks.Trouble) string {
	switch kind {
	case sinks.TroubleGap:
		return "retention was faster than the backup: records are lost to it"
	case sinks.TroubleEmpty:
		return "it kept nothing of a topic that is not empty"
	case sinks.TroubleHung:
		return "a hung transaction keeps it from going on"
	case sinks.TroubleBad:
		return "points that were made are no good any more"
	case sinks.TroubleUnread:
		return "topics could not be read"
	case sinks.TroubleRecreated:
		return "a topic was deleted and created again"
	case sinks.TroubleTruncated:
		return "a log was truncated: records that were backed up are no longer there"
	case sinks.TroubleVerify:
		return "verification failed"
	case sinks.TroublePartial:
		return "the run ended before everything was copied; the next one goes on"
	case sinks.TroubleEvidence:
		return "its evidence is not everywhere it should be"
	case sinks.TroubleRetention:
		return "old points could not be dropped"
	}
	return string(kind)
}

// overdue says that a run's time has passed and none has ended since. What
// fails is told as failing.
func overdue(st keeping, spec backup.Spec, now time.Time) (string, time.Time) {
	next := st.job.Next
	rests := next.IsZero() || st.failures > 0 || spec.Is(backup.FieldSuspend) || spec.Is("continuous")
	if rests || now.Before(next.Add(lateAfter)) {
		return "", time.Time{}
	}
	return fmt.Sprintf("due %s, and not done yet: %s", next.UTC().Format(time.RFC3339), st.job.Text), next
}

// tooOld says that two firings have passed since the newest good run.
func tooOld(st keeping, spec backup.Spec, now time.Time) (string, time.Time) {
	if !st.known || spec.Is(backup.FieldSuspend) {
		return "", time.Time{}
	}
	newest := st.newest
	if newest.IsZero() {
		newest = st.since
	}
	limit := newest.Add(3*spec.Duration("window") + lateAfter)
	if !spec.Is("continuous") {
		schedule, err := backup.ParseSchedule(spec[backup.FieldSchedule], spec[backup.FieldZone])
		if err != nil {
			return "", time.Time{}
		}
		limit = schedule.Next(schedule.Next(newest)).Add(lateAfter + spec.Duration("jitter"))
	}
	if now.Before(limit) {
		return "", time.Time{}
	}
	if st.newest.IsZero() {
		return fmt.Sprintf("there is none yet, since %s", st.since.UTC().Format(time.RFC3339)), limit
	}
	return fmt.Sprintf("it was taken %s", st.newest.UTC().Format(time.RFC3339)), limit
}

// ofJob says that a job fails, or what one saw that is done: that is told until
// its document is removed, since no later run says that it is over.
func (s *Service) ofJob(id reconcile.ID) []sinks.Incident {
	j := s.jobs[id]
	v := j.view()
	j.mu.Lock()
	since, left := j.failedAt, j.record.Left
	j.mu.Unlock()
	switch v.State {
	case sinks.JobDone:
		return s.leftOver(id, left, v.Ended)
	case sinks.JobFailing:
	case sinks.JobFailed:
		return []sinks.Incident{s.incident(id.Name, sinks.TroubleFailed, sinks.Error, v.Ended, name(id)+" failed",
			slices.Concat(j.recordNow().Text, []string{"remove its document, or give it another name to have it looked at again"})...)}
	default:
		return nil
	}
	return []sinks.Incident{s.incident(id.Name, sinks.TroubleFailing, sinks.Error, since, name(id)+" fails, and is tried again",
		append(strings.Split(v.Text, "\n"), "remove its document to give it up")...)}
}
