package agent

import (
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
)

// MetricsOptions name everything that may ever be a label, so that every
// series is there from the start and none is added by what a commit says.
type MetricsOptions struct {
	Version      string
	Clusters     []string
	Syncs        []string
	Kinds        []string // live kinds
	Notifiers    []string
	Hooks        []string
	HookOutcomes []string
	// Git returns a repository's traffic since the start, by its name.
	Git map[string]func() []GitTraffic
	// Work returns the figures of what goes on beside the rounds, by cluster.
	Work map[string]func() sinks.WorkFigures
}

// GitTraffic counts conversations with a repository.
type GitTraffic struct {
	Operation, Outcome string
	Requests, Bytes    int64
}

// Metrics are what Prometheus reads. The methods are safe for concurrent use
// and take values of this program, not labels.
type Metrics struct {
	registry *prometheus.Registry
	known    map[string]map[string]bool // label values, by label

	lastSuccess, revisionTime, held, refused *prometheus.GaugeVec // by sync
	up, leader                               *prometheus.GaugeVec // by cluster
	state                                    *prometheus.GaugeVec // by sync and state
	resources                                *prometheus.GaugeVec // by sync, kind and state
	rounds                                   *prometheus.HistogramVec
	detected, healed                         *prometheus.CounterVec // by sync and kind
	changes                                  *prometheus.CounterVec // by action and outcome
	hooks, notified                          *prometheus.CounterVec

	mu      sync.Mutex
	drifted map[string]map[string]bool // by sync: the drift of the last round
}

// NewMetrics returns metrics in a registry of their own.
func NewMetrics(o MetricsOptions) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), known: map[string]map[string]bool{}, drifted: map[string]map[string]bool{}}
	m.describe()
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), gitCollector{o.Git}, newWorkCollector(o.Work),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "ottla_info", Help: "Which version runs; always 1.",
			ConstLabels: prometheus.Labels{"version": o.Version, "goversion": runtime.Version()},
		}, func() float64 { return 1 }))
	m.begin(o)
	return m
}

func (m *Metrics) describe() {
	m.lastSuccess = m.gauge("ottla_last_success_timestamp_seconds", "When a round last ended with nothing failed, as Unix time; 0 before the first.", "sync")
	m.revisionTime = m.gauge("ottla_revision_timestamp_seconds", "Time of the commit that is kept, as Unix time; 0 while there is none.", "sync")
	m.held = m.gauge("ottla_held_changes", "Changes that wait for a person.", "sync")
	m.refused = m.gauge("ottla_refused_changes", "Changes that are never carried out as written.", "sync")
	m.up = m.gauge("ottla_cluster_up", "Whether the last round reached the cluster.", "cluster")
	m.leader = m.gauge("ottla_leader", "Whether this agent leads the cluster: 0 on a standby.", "cluster")
	m.state = m.gauge("ottla_sync_state", "1 for the state a sync is in, 0 for the others.", "sync", "state")
	m.resources = m.gauge("ottla_resources", "Live things by kind: declared in Git, owned by us, and of those with a change planned, held, refused, waiting, or not observed.", "sync", "kind", "state")
	m.detected = m.counter("ottla_drift_detected_total", "Things found changed by hand.", "sync", "kind")
	m.healed = m.counter("ottla_drift_healed_total", "Things put back as Git says after a change by hand.", "sync", "kind")
	m.changes = m.counter("ottla_changes_total", "Changes carried out, by what came of them.", "sync", "action", "outcome")
	m.hooks = m.counter("ottla_webhook_deliveries_total", "Deliveries to a webhook, by what came of them.", "hook", "outcome")
	m.notified = m.counter("ottla_notifications_total", "Messages to a notifier, by what came of them.", "notifier", "outcome")
	m.rounds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "ottla_round_duration_seconds", Help: "How long rounds took, by what came of them; its count is that of rounds.",
		Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300},
	}, []string{"cluster", "outcome"})
	m.registry.MustRegister(m.rounds)
}

func (m *Metrics) gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(g)
	return g
}

func (m *Metrics) counter(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(c)
	return c
}

const (
	outcomeOK     = "ok"
	outcomeError  = "error"
	outcomeFailed = "failed"
	outcomeUnsure = "unsure"
)

func states() []State {
	return []State{InSync, Observing, Pending, Partial, Failing, Rejected, NoGood, Standby}
}

func resourceStates() []string {
	return []string{"declared", "owned", "planned", "held", "refused", "waiting", "unknown"}
}

// begin makes every series.
func (m *Metrics) begin(o MetricsOptions) {
	for label, values := range map[string][]string{"cluster": o.Clusters, "sync": o.Syncs, "kind": o.Kinds, "hook": o.Hooks, "outcome": o.HookOutcomes, "notifier": o.Notifiers} {
		m.known[label] = map[string]bool{}
		for _, v := range values {
			m.known[label][v] = true
		}
	}
	for _, c := range o.Clusters {
		m.up.WithLabelValues(c)
		m.leader.WithLabelValues(c)
		m.rounds.WithLabelValues(c, outcomeOK)
		m.rounds.WithLabelValues(c, outcomeFailed)
	}
	for _, s := range o.Syncs {
		m.beginSync(s, o.Kinds)
	}
	for _, h := range o.Hooks {
		for _, outcome := range o.HookOutcomes {
			m.hooks.WithLabelValues(h, outcome)
		}
	}
	for _, n := range o.Notifiers {
		m.notified.WithLabelValues(n, outcomeOK)
		m.notified.WithLabelValues(n, outcomeFailed)
	}
}

func (m *Metrics) beginSync(sync string, kinds []string) {
	for _, g := range []*prometheus.GaugeVec{m.lastSuccess, m.revisionTime, m.held, m.refused} {
		g.WithLabelValues(sync)
	}
	for _, s := range states() {
		m.state.WithLabelValues(sync, string(s))
	}
	for _, kind := range kinds {
		m.detected.WithLabelValues(sync, kind)
		m.healed.WithLabelValues(sync, kind)
		for _, s := range resourceStates() {
			m.resources.WithLabelValues(sync, kind, s)
		}
	}
	for _, action := range []reconcile.Action{reconcile.Create, reconcile.Update, reconcile.Delete} {
		for _, outcome := range []string{outcomeOK, outcomeFailed, outcomeUnsure} {
			m.changes.WithLabelValues(sync, string(action), outcome)
		}
	}
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Timeout: 10 * time.Second})
}

// Hook counts a delivery to a webhook.
func (m *Metrics) Hook(hook, outcome string) {
	if m.known["hook"][hook] && m.known["outcome"][outcome] {
		m.hooks.WithLabelValues(hook, outcome).Inc()
	}
}

// Notified counts a message to a notifier; it fits AlertsOptions.Told.
func (m *Metrics) Notified(notifier string, err error) {
	if m.known["notifier"][notifier] {
		m.notified.WithLabelValues(notifier, outcomeOf(err != nil)).Inc()
	}
}

func outcomeOf(failed bool) string {
	if failed {
		return outcomeFailed
	}
	return outcomeOK
}

// gitCollector reads the repositories' own counts at each scrape.
type gitCollector struct {
	by map[string]func() []GitTraffic
}

func gitDescs() (requests, bytes *prometheus.Desc) {
	labels := []string{"repository", "operation", "outcome"}
	return prometheus.NewDesc("ottla_git_requests_total", "Conversations with a repository.", labels, nil),
		prometheus.NewDesc("ottla_git_received_bytes_total", "Bytes received from a repository.", labels, nil)
}

// Describe is prometheus.Collector's.
func (gitCollector) Describe(ch chan<- *prometheus.Desc) {
	requests, bytes := gitDescs()
	ch <- requests
	ch <- bytes
}

// Collect is prometheus.Collector's.
func (g gitCollector) Collect(ch chan<- prometheus.Metric) {
	requests, bytes := gitDescs()
	for repository, traffic := range g.by {
		for _, t := range traffic() {
			ch <- prometheus.MustNewConstMetric(requests, prometheus.CounterValue, float64(t.Requests), repository, t.Operation, t.Outcome)
			ch <- prometheus.MustNewConstMetric(bytes, prometheus.CounterValue, float64(t.Bytes), repository, t.Operation, t.Outcome)
		}
	}
}
