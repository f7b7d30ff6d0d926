package agent

import (
	"time"

	"github.com/ottla-io/ottla/reconcile"
)

// Round counts what a round saw and did.
func (m *Metrics) Round(r Report) {
	if !m.known["cluster"][r.Cluster] {
		return
	}
	m.rounds.WithLabelValues(r.Cluster, outcomeOf(r.Failed())).Observe(r.Took.Seconds())
	m.up.WithLabelValues(r.Cluster).Set(boolean(r.Err == nil))
	m.leader.WithLabelValues(r.Cluster).Set(1)
	for _, s := range r.Syncs {
		if m.known["sync"][s.Sync] {
			m.sync(s, r)
		}
	}
}

// Stood takes what is declared where another agent leads.
func (m *Metrics) Stood(r Report) {
	if !m.known["cluster"][r.Cluster] {
		return
	}
	m.leader.WithLabelValues(r.Cluster).Set(0)
	for _, s := range r.Syncs {
		if m.known["sync"][s.Sync] {
			m.isIn(s.Sync, s.State())
			m.revisionTime.WithLabelValues(s.Sync).Set(unix(s.Snapshot.Time))
		}
	}
}

// Led takes that this agent leads a cluster, or no longer does.
func (m *Metrics) Led(cluster string, leads bool) {
	if m.known["cluster"][cluster] {
		m.leader.WithLabelValues(cluster).Set(boolean(leads))
	}
}

func (m *Metrics) isIn(sync string, now State) {
	for _, one := range states() {
		m.state.WithLabelValues(sync, string(one)).Set(boolean(one == now))
	}
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (m *Metrics) sync(s SyncReport, r Report) {
	now := s.State()
	if r.Err != nil && now == InSync {
		now = Failing
	}
	m.isIn(s.Sync, now)
	if r.Err == nil && s.Good() {
		m.lastSuccess.WithLabelValues(s.Sync).Set(unix(r.Began.Add(r.Took)))
	}
	m.revisionTime.WithLabelValues(s.Sync).Set(unix(s.Snapshot.Time))
	if r.Err != nil {
		return // nothing was planned: what was is kept
	}
	m.plan(s)
	m.outcomes(s)
	m.drift(s)
}

func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

// plan sets the gauges.
func (m *Metrics) plan(s SyncReport) {
	at := map[string]map[string]int{}
	add := func(kind, state string, n int) {
		if at[kind] == nil {
			at[kind] = map[string]int{}
		}
		at[kind][state] += n
	}
	for kind, c := range s.Plan.Counts {
		add(kind, "declared", c.Declared)
		add(kind, "owned", c.Owned)
	}
	for _, u := range s.Plan.Unknown {
		add(u.ID.Kind, "unknown", 1)
	}
	held, refused := 0, 0
	for _, c := range s.Plan.Changes {
		state := stateOf(c)
		add(c.ID.Kind, state, 1)
		held += int(boolean(state == "held"))
		refused += int(boolean(state == "refused"))
	}
	for kind := range m.known["kind"] {
		for _, state := range resourceStates() {
			m.resources.WithLabelValues(s.Sync, kind, state).Set(float64(at[kind][state]))
		}
	}
	m.held.WithLabelValues(s.Sync).Set(float64(held))
	m.refused.WithLabelValues(s.Sync).Set(float64(refused))
}

// stateOf is the worst of a change's fates; "" for a note.
func stateOf(c reconcile.Change) string {
	if c.Action == reconcile.Note {
		return ""
	}
	fates := []reconcile.Fate{c.Fate}
	for _, f := range c.Fields {
		fates = append(fates, f.Fate)
	}
	state := "planned"
	for _, f := range fates {
		switch {
		case f.Refused != "":
			return "refused"
		case f.Held != "":
			state = "held"
		case f.Waiting != "" && state == "planned":
			state = "waiting"
		}
	}
	return state
}

// outcomes counts each answer by its change's action.
func (m *Metrics) outcomes(s SyncReport) {
	action := map[reconcile.ID]reconcile.Action{}
	for _, c := range s.Plan.Changes {
		action[c.ID] = c.Action
	}
	for _, o := range s.Outcomes {
		a := action[o.ID]
		if a == "" || a == reconcile.Note {
			continue
		}
		outcome := outcomeOf(o.Failed != "")
		if o.Unsure {
			outcome = outcomeUnsure
		}
		m.changes.WithLabelValues(s.Sync, string(a), outcome).Inc()
	}
}

// drift counts a thing once while it stays changed, and once when it is put
// back.
func (m *Metrics) drift(s SyncReport) {
	done := map[reconcile.ID]bool{}
	for _, o := range s.Outcomes {
		done[o.ID] = o.Failed == "" && !o.Unsure
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	before, now := m.drifted[s.Sync], map[string]bool{}
	for _, c := range s.Plan.Changes {
		if !m.known["kind"][c.ID.Kind] || !drifted(c) {
			continue
		}
		if !before[c.ID.String()] {
			m.detected.WithLabelValues(s.Sync, c.ID.Kind).Inc()
		}
		if done[c.ID] && len(driftLines(c)) > 0 {
			m.healed.WithLabelValues(s.Sync, c.ID.Kind).Inc()
		} else {
			now[c.ID.String()] = true
		}
	}
	m.drifted[s.Sync] = now
}

func drifted(c reconcile.Change) bool {
	if c.Action == reconcile.Note {
		return false
	}
	if c.Why == reconcile.Drifted {
		return true
	}
	for _, f := range c.Fields {
		if f.Why == reconcile.Drifted {
			return true
		}
	}
	return false
}
