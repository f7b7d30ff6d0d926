package agent

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
)

// Incidents are what people should know after this round: everything that is
// not as Git says and does not end by itself. The keys begin with Prefix; what
// was told under it before and is no longer in the list is over.
func (r Report) Incidents() []sinks.Incident {
	var out []sinks.Incident
	if r.Err != nil {
		out = append(out, sinks.Incident{
			Key: r.prefix() + unreachable, Severity: sinks.Error, Cluster: r.Cluster, Since: r.Began,
			Title: fmt.Sprintf("cluster %s cannot be kept", r.Cluster), Lines: problemLines(r.Err),
		})
	}
	for _, s := range r.Syncs {
		out = append(out, s.incidents(r)...)
	}
	return out
}

// Prefix begins the keys of what this report knows to be over, where it does
// not say that it goes on. A round that did not reach its cluster knows of
// nothing else that it is over.
func (r Report) Prefix() string {
	if r.Err != nil {
		return r.prefix() + unreachable
	}
	return r.prefix()
}

const unreachable = "unreachable"

// prefix begins the keys of all of this cluster's incidents.
func (r Report) prefix() string { return "cluster/" + r.Cluster + "/" }

// Healed are incidents that began and ended within this round: drift that was
// found, put back, and is seen to be so.
func (r Report) Healed() []sinks.Incident {
	var out []sinks.Incident
	for _, s := range r.Syncs {
		acks := s.acknowledged()
		for _, c := range s.Plan.Changes {
			lines := healedLines(c, acks[c.ID])
			if len(lines) == 0 || s.late(c.ID) {
				continue
			}
			i := s.incident(r, "drift/"+c.ID.String(), sinks.Warning, fmt.Sprintf("%s was changed by hand and is healed", c.ID), lines)
			i.Key = "healed/" + r.Cluster + "/" + s.Sync + "/" + c.ID.String() + "/" + r.Began.UTC().Format(time.RFC3339Nano)
			i.Resolved = r.Began.Add(r.Took)
			out = append(out, i)
		}
	}
	return out
}

// Noted are incidents that begin and end with a change about which there is
// something to keep: a topic that was deleted, and the point it can be restored
// from.
func (r Report) Noted() []sinks.Incident {
	var out []sinks.Incident
	for _, s := range r.Syncs {
		for _, o := range s.Outcomes {
			if o.Note == "" || o.Failed != "" {
				continue
			}
			i := s.incident(r, "", sinks.Info, fmt.Sprintf("%s: %s", o.ID, s.deed(o.ID)), []string{o.Note})
			i.Key = "noted/" + r.Cluster + "/" + s.Sync + "/" + o.ID.String() + "/" + r.Began.UTC().Format(time.RFC3339Nano)
			i.Resolved = r.Began.Add(r.Took)
			out = append(out, i)
		}
	}
	return out
}

// deed is what was done to a thing, in the past.
func (s SyncReport) deed(id reconcile.ID) string {
	for _, c := range s.Plan.Changes {
		if c.ID == id {
			return strings.TrimSuffix(string(c.Action), "e") + "ed"
		}
	}
	return "changed"
}

// late tells what was acknowledged and does not show.
func (s SyncReport) late(id reconcile.ID) bool {
	return slices.ContainsFunc(s.Leftover, func(c reconcile.Change) bool { return c.ID == id }) ||
		slices.ContainsFunc(s.Unseen, func(u reconcile.Unobserved) bool { return u.ID == id })
}

// driftLines are the fields that somebody changed by hand and that go ahead.
func driftLines(c reconcile.Change) []string {
	e, some := c.Effective()
	if !some || e.Action == reconcile.Note {
		return nil
	}
	return healedLines(c, ackOf(e, nil))
}

// healedLines are the fields that somebody changed by hand and that were put back.
func healedLines(c reconcile.Change, done ack) []string {
	if done.action == reconcile.Create && c.Why == reconcile.Drifted {
		return []string{"it was deleted by hand: created again"}
	}
	var lines []string
	for _, f := range c.Fields {
		if f.Why == reconcile.Drifted && done.fields[f.Name] {
			lines = append(lines, f.Line()+" (drift)")
		}
	}
	return lines
}

func (s SyncReport) incident(r Report, key string, severity sinks.Severity, title string, lines []string) sinks.Incident {
	return sinks.Incident{
		Key: r.prefix() + s.Sync + "/" + key, Severity: severity, Cluster: r.Cluster, Sync: s.Sync,
		Title: title, Lines: lines, Since: r.Began,
		Revision: s.Snapshot.Revision, Author: s.Snapshot.Author, Subject: s.Snapshot.Subject,
	}
}

func (s SyncReport) incidents(r Report) []sinks.Incident {
	var out []sinks.Incident
	add := func(key string, severity sinks.Severity, title string, lines ...string) {
		out = append(out, s.incident(r, key, severity, title, lines))
	}
	if s.SourceErr != nil {
		add("source", sinks.Error, fmt.Sprintf("the repository of sync %s cannot be read", s.Sync), problemLines(s.SourceErr)...)
	}
	if s.RejectErr != nil {
		out = append(out, s.rejection(r))
	}
	if s.CheckErr != nil {
		add("check", sinks.Error, fmt.Sprintf("the brokers could not check the plan of sync %s", s.Sync), problemLines(s.CheckErr)...)
	}
	if s.RunErr != nil {
		add("run", sinks.Error, fmt.Sprintf("the round of sync %s stopped", s.Sync), problemLines(s.RunErr)...)
	}
	if err := s.leftover(); err != nil {
		add("leftover", sinks.Error, fmt.Sprintf("changes of sync %s do not show", s.Sync), problemLines(err)...)
	}
	for _, u := range s.Plan.Unknown {
		add("unknown/"+u.ID.String(), sinks.Warning, fmt.Sprintf("%s could not be observed", strings.TrimSuffix(u.ID.String(), "/")), u.Reason)
	}
	return append(append(out, s.failures(r)...), s.keptBack(r)...)
}

// rejection names the author of the newest revision, not of the one that is kept.
func (s SyncReport) rejection(r Report) sinks.Incident {
	kept := "the last good one goes on being kept"
	if s.Revision() == "" {
		kept = "there is no good one to keep, and nothing is done"
	}
	i := s.incident(r, "rejected", sinks.Error, fmt.Sprintf("a revision of sync %s is rejected; %s", s.Sync, kept), problemLines(s.RejectErr))
	i.Revision, i.Author, i.Subject = s.Newest.Revision, s.Newest.Author, s.Newest.Subject
	return i
}

// failures are one incident for each thing: its partitions and its
// configuration may both have failed.
func (s SyncReport) failures(r Report) []sinks.Incident {
	var out []sinks.Incident
	at := map[reconcile.ID]int{}
	for _, o := range s.Outcomes {
		if o.Failed == "" {
			continue
		}
		if i, some := at[o.ID]; some {
			out[i].Lines = append(out[i].Lines, o.Failed)
			continue
		}
		at[o.ID] = len(out)
		out = append(out, s.incident(r, "failed/"+o.ID.String(), sinks.Error, fmt.Sprintf("%s could not be changed", o.ID), []string{o.Failed}))
	}
	return out
}

// keptBack are the changes that a person has to know of: held, refused, in a
// fight with another writer, or drift that is only reported.
func (s SyncReport) keptBack(r Report) []sinks.Incident {
	var out []sinks.Incident
	for _, h := range s.Holds {
		lines := append(append([]string{}, h.Words...), h.Reasons...)
		out = append(out, s.incident(r, "held/"+string(h.Digest), sinks.Warning,
			fmt.Sprintf("held until confirmed: ottla confirm %s", h.Digest), lines))
	}
	for _, c := range s.Plan.Changes {
		out = append(out, s.stuck(r, c)...)
	}
	return out
}

func (s SyncReport) stuck(r Report, c reconcile.Change) []sinks.Incident {
	refused, reported := fateLines(c, func(f reconcile.Fate) string { return f.Refused }), fateLines(c, func(f reconcile.Fate) string { return f.Reported })
	var out []sinks.Incident
	if len(refused) > 0 {
		out = append(out, s.incident(r, "refused/"+c.ID.String(), sinks.Warning, fmt.Sprintf("%s is refused", c.ID), refused))
	}
	if len(reported) > 0 {
		out = append(out, s.incident(r, "drift/"+c.ID.String(), sinks.Warning, fmt.Sprintf("%s was changed by hand", c.ID), reported))
	}
	fights := fateLines(c, func(f reconcile.Fate) string {
		if strings.HasPrefix(f.Waiting, "another writer") {
			return f.Waiting
		}
		return ""
	})
	if len(fights) > 0 {
		out = append(out, s.incident(r, "fight/"+c.ID.String(), sinks.Error, fmt.Sprintf("another writer changes %s again and again", c.ID), fights))
	}
	return out
}

// fateLines lists the fields, and the change itself, that have this fate.
func fateLines(c reconcile.Change, of func(reconcile.Fate) string) []string {
	var lines []string
	if words := of(c.Fate); words != "" {
		lines = append(lines, fmt.Sprintf("%s: %s", c.Action, words))
	}
	for _, f := range c.Fields {
		if words := of(f.Fate); words != "" {
			lines = append(lines, fmt.Sprintf("%s: %s", f.Line(), words))
		}
	}
	return lines
}

func problemLines(err error) []string {
	p := ProblemOf(err)
	lines := strings.Split(p.Text, "\n")
	if p.Hint != "" {
		lines = append(lines, p.Hint)
	}
	return lines
}
