package agent

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
)

// Status is how things stand, as /api/v1/status shows it. It holds nothing
// secret.
type Status struct {
	Version      string             `json:"version"`
	Started      time.Time          `json:"started"`
	Clusters     []ClusterStatus    `json:"clusters"`
	Repositories []RepositoryStatus `json:"repositories"`
	Syncs        []SyncStatus       `json:"syncs"`
	Incidents    []sinks.Incident   `json:"incidents"`
}

// ClusterStatus is one cluster.
type ClusterStatus struct {
	Name      string    `json:"name"`
	ID        string    `json:"id,omitempty"`
	Reachable bool      `json:"reachable"`
	LastRound time.Time `json:"lastRound,omitzero"`
	Error     *Problem  `json:"error,omitempty"`
	// Standing is there where several agents may keep the cluster; Says is the
	// same in words.
	Standing *Standing `json:"standing,omitempty"`
	Says     string    `json:"says,omitempty"`
}

// RepositoryStatus is one repository. Its URL has no user information.
type RepositoryStatus struct {
	Name        string    `json:"name"`
	URL         string    `json:"url"`
	LastSuccess time.Time `json:"lastSuccess,omitzero"`
	Error       *Problem  `json:"error,omitempty"`
}

// SyncStatus is one sync after its last round.
type SyncStatus struct {
	SyncView
	Cluster     string                     `json:"cluster"`
	Repository  string                     `json:"repository"`
	LastRound   time.Time                  `json:"lastRound,omitzero"`
	InSyncSince time.Time                  `json:"inSyncSince,omitzero"`
	Counts      map[string]reconcile.Count `json:"counts,omitempty"` // by kind
}

// Board keeps the last report of each cluster for whoever asks how things
// stand. It is safe for concurrent use.
type Board struct {
	firing func() []sinks.Incident
	// standing says how we stand to a cluster; nil where it is ours alone.
	standing func(cluster string) *Standing

	mu      sync.Mutex
	status  Status
	seen    map[string]bool  // clusters whose first round is over
	sources map[string]error // of the last fetch, by sync
}

// NewBoard returns a board of what the configuration names.
func NewBoard(version string, c *Config, firing func() []sinks.Incident) *Board {
	b := &Board{firing: firing, seen: map[string]bool{}, sources: map[string]error{}, status: Status{Version: version, Started: time.Now()}}
	for _, l := range c.Kept() {
		b.status.Clusters = append(b.status.Clusters, ClusterStatus{Name: l.Name})
	}
	for _, r := range c.Repositories {
		b.status.Repositories = append(b.status.Repositories, RepositoryStatus{Name: r.Name, URL: withoutUser(r.URL)})
	}
	for _, s := range c.Syncs {
		view := SyncView{Sync: s.Name, Mode: s.Mode, State: NoGood}
		b.status.Syncs = append(b.status.Syncs, SyncStatus{SyncView: view, Cluster: s.Cluster, Repository: s.Repository})
	}
	return b
}

// withoutUser is a repository's address for everybody to see.
func withoutUser(raw string) string {
	if !strings.Contains(raw, "://") {
		if _, host, ok := strings.Cut(raw, "@"); ok {
			return host
		}
		return raw
	}
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// Round takes a report.
func (b *Board) Round(r Report) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen[r.Cluster] = true
	ended := r.Began.Add(r.Took)
	for i := range b.status.Clusters {
		c := &b.status.Clusters[i]
		if c.Name != r.Cluster {
			continue
		}
		c.LastRound, c.Reachable, c.Error = ended, r.Err == nil, problemOrNil(r.Err)
		if r.ClusterID != "" {
			c.ID = r.ClusterID
		}
	}
	for _, view := range r.View().Syncs {
		b.sync(view, r.Err == nil, ended)
	}
	for _, s := range r.Syncs {
		b.fetched(s, ended)
	}
}

// sync takes a sync's view. A round that did not reach the cluster planned
// nothing: what was planned before is still shown.
func (b *Board) sync(view SyncView, reached bool, ended time.Time) {
	for i := range b.status.Syncs {
		s := &b.status.Syncs[i]
		if s.Sync != view.Sync {
			continue
		}
		if !reached {
			view.Plan, view.Holds = s.Plan, s.Holds
		}
		s.SyncView, s.LastRound, s.Counts = view, ended, view.Plan.Counts
		switch {
		case view.State != InSync:
			s.InSyncSince = time.Time{}
		case s.InSyncSince.IsZero():
			s.InSyncSince = ended
		}
	}
}

// fetched notes on the repository how the last fetch for this sync went. What
// failed for another ref of the same repository goes on being shown.
func (b *Board) fetched(report SyncReport, at time.Time) {
	b.sources[report.Sync] = report.SourceErr
	for _, s := range b.status.Syncs {
		if s.Sync == report.Sync {
			b.repository(s.Repository, report.SourceErr == nil, at)
		}
	}
}

func (b *Board) repository(name string, fetched bool, at time.Time) {
	for i := range b.status.Repositories {
		r := &b.status.Repositories[i]
		if r.Name != name {
			continue
		}
		if fetched {
			r.LastSuccess = at
		}
		r.Error = nil
		for _, s := range b.status.Syncs {
			if s.Repository == name && r.Error == nil {
				r.Error = problemOrNil(b.sources[s.Sync])
			}
		}
	}
}

func problemOrNil(err error) *Problem {
	if err == nil {
		return nil
	}
	p := ProblemOf(err)
	return &p
}

// Status is how things stand now.
func (b *Board) Status() Status {
	b.mu.Lock()
	s := b.status
	s.Clusters = append([]ClusterStatus{}, s.Clusters...)
	for i := range s.Clusters {
		s.Clusters[i].stand(b.standing)
	}
	s.Repositories = append([]RepositoryStatus{}, s.Repositories...)
	s.Syncs = append([]SyncStatus{}, s.Syncs...)
	b.mu.Unlock()
	s.Incidents = []sinks.Incident{}
	if b.firing != nil {
		s.Incidents = append(s.Incidents, b.firing()...)
	}
	return s
}

// StandsBy has the status say how we stand to each cluster: nil where it is
// ours alone. It is to be called before the board is used.
func (b *Board) StandsBy(standing func(cluster string) *Standing) { b.standing = standing }

func (c *ClusterStatus) stand(standing func(cluster string) *Standing) {
	if standing == nil {
		return
	}
	if c.Standing = standing(c.Name); c.Standing != nil {
		c.Says = c.Standing.String()
	}
}

// Ready is an error in words until the first round of every cluster is over.
func (b *Board) Ready() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.status.Clusters {
		if !b.seen[c.Name] {
			return fmt.Errorf("the first round on cluster %s is not over", c.Name)
		}
	}
	return nil
}
