package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"

	"go.uber.org/zap"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/work"
	"github.com/ottla-io/ottla/sinks/kafka"
	"github.com/ottla-io/ottla/sources/git"
)

// crew is who hears of every round: the people, the metrics, the status and
// the heartbeat.
type crew struct {
	config    *agent.Config
	log       *zap.Logger
	notifiers []sinks.Notifier
	heartbeat *heartbeat
	metrics   *agent.Metrics
	board     *agent.Board

	shared map[string]*sharedLedger // by cluster, of those that several agents keep

	mu     sync.Mutex
	alerts *agent.Alerts // nil before start
}

func newCrew(c *agent.Config, log *zap.Logger) (*crew, error) {
	notifiers, err := notifiersOf(c)
	if err != nil {
		return nil, err
	}
	for i, s := range c.Notify.Slack {
		notifiers[i] = agent.AtLeast(sinks.Severity(s.MinSeverity), notifiers[i])
	}
	w := &crew{config: c, log: log, notifiers: notifiers, heartbeat: newHeartbeat(c.Heartbeat, log)}
	w.board = agent.NewBoard(readBuild().Version, c, w.firing)
	return w, nil
}

// measure makes the metrics of a house: its repositories count their traffic.
func (w *crew) measure(h *house) {
	o := agent.MetricsOptions{Version: readBuild().Version, Kinds: liveKinds(), Git: map[string]func() []agent.GitTraffic{}}
	for _, c := range w.config.Kept() {
		o.Clusters = append(o.Clusters, c.Name)
	}
	for _, s := range w.config.Syncs {
		o.Syncs = append(o.Syncs, s.Name)
	}
	for _, n := range w.notifiers {
		o.Notifiers = append(o.Notifiers, n.Name())
	}
	for _, hook := range w.config.Webhooks.Hooks {
		o.Hooks = append(o.Hooks, hook.Name)
	}
	for _, outcome := range git.Outcomes() {
		o.HookOutcomes = append(o.HookOutcomes, string(outcome))
	}
	o.Work = map[string]func() sinks.WorkFigures{}
	for _, c := range o.Clusters {
		o.Work[c] = h.figures[c]
	}
	for name, repo := range h.repos {
		o.Git[name] = func() []agent.GitTraffic { return traffic(repo.Stats()) }
	}
	w.metrics = agent.NewMetrics(o)
}

func liveKinds() []string {
	return []string{kafka.KindTopic, kafka.KindScramCredential, kafka.KindACLSet, kafka.KindQuotaEntity, kafka.KindBrokerConfig, backup.KindPolicy, backup.KindJob}
}

func traffic(all []git.Traffic) []agent.GitTraffic {
	out := make([]agent.GitTraffic, len(all))
	for i, t := range all {
		out[i] = agent.GitTraffic{Operation: string(t.Operation), Outcome: t.Outcome, Requests: t.Requests, Bytes: t.Bytes}
	}
	return out
}

// share has the crew know of clusters that several agents keep.
func (w *crew) share(shared map[string]*sharedLedger) {
	w.shared = shared
	w.board.StandsBy(func(cluster string) *agent.Standing {
		if shared[cluster] == nil {
			return nil
		}
		standing := shared[cluster].Standing()
		return &standing
	})
}

// stood hears of a cluster that another agent leads: its people are told there.
func (w *crew) stood(r agent.Report) {
	w.metrics.Stood(r)
	w.board.Round(r)
	w.leaderless(r, w.shared[r.Cluster].Standing())
}

// leaderless tells where nobody may be left to tell: the agent that led last,
// and one that never saw another lead, cannot read the ledger.
func (w *crew) leaderless(r agent.Report, s agent.Standing) {
	alerts, name := w.open(), agentName(w.config)
	if r.Err == nil || s.Leading || s.Agent != "" && s.Agent != name {
		alerts.Resolve(leaderlessKey(r.Cluster))
		return
	}
	p := agent.ProblemOf(r.Err)
	lines := []string{p.Text, "another agent may lead: ottla get agents"}
	if p.Hint != "" {
		lines = append(lines, p.Hint)
	}
	alerts.Raise(sinks.Incident{
		Key: leaderlessKey(r.Cluster), Severity: sinks.Error, Since: r.Began,
		Title: fmt.Sprintf("agent %s cannot lead cluster %s: it does not read the ledger", name, r.Cluster), Lines: lines,
	})
}

func leaderlessKey(cluster string) string { return "election/" + cluster }

// led hears that this agent begins to lead a cluster, or ceases to.
func (w *crew) led(cluster string, leads bool) {
	w.metrics.Led(cluster, leads)
	alerts := w.open()
	if !leads {
		w.log.Info("another agent may lead now", zap.String("cluster", cluster))
		alerts.Leave(cluster)
		return
	}
	w.log.Info("leading", zap.String("cluster", cluster))
	if w.shared[cluster].l.OtherKey() {
		w.log.Warn("the agent that led before has another sealKeyFile: every declared password is sent once more", zap.String("cluster", cluster))
	}
	alerts.Resolve(leaderlessKey(cluster))
	alerts.Take(cluster)
}

// told hears of a round; it does not block.
func (w *crew) told(r agent.Report) {
	w.metrics.Round(r)
	w.board.Round(r)
	w.heartbeat.told(r)
	alerts := w.open()
	if alerts == nil {
		return
	}
	alerts.Sync(r.Prefix(), r.Incidents())
	for _, over := range append(r.Healed(), r.Noted()...) {
		alerts.Raise(over)
	}
}

// worked hears of what goes on beside the rounds of a cluster; it does not block.
func (w *crew) worked(cluster string, firing []sinks.Incident) {
	if alerts := w.open(); alerts != nil {
		alerts.Sync(work.IncidentPrefix(cluster), firing)
	}
}

// run tells people until the context ends. Open incidents are read only now:
// the shift before this one wrote them until it ended.
func (w *crew) run(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { w.heartbeat.run(ctx) })
	w.open().Run(ctx)
	all.Wait()
}

// start reads the incidents that are open.
func (w *crew) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.alerts = agent.NewAlerts(agent.AlertsOptions{
		File: filepath.Join(w.config.StateDir, "incidents.json"), Notifiers: w.notifiers,
		Shelves: w.shelves(), Reminder: w.config.Notify.Reminder, Log: w.log, Told: w.metrics.Notified,
	})
	w.endForgotten()
}

func (w *crew) shelves() map[string]agent.Shelf {
	out := map[string]agent.Shelf{}
	for cluster, shared := range w.shared {
		out[cluster] = incidentShelf{shared.l}
	}
	return out
}

// endForgotten ends what went on where no round looks any more: on a cluster
// that has left the configuration, or has no sync.
func (w *crew) endForgotten() {
	kept := map[string]bool{}
	for _, c := range w.config.Kept() {
		kept[c.Name] = true
	}
	for _, i := range w.alerts.Firing() {
		if i.Cluster != "" && !kept[i.Cluster] {
			w.alerts.Resolve(i.Key, "cluster "+i.Cluster+" is no longer kept: it has left the configuration, or no sync names it")
		}
	}
}

func (w *crew) open() *agent.Alerts {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.alerts
}

func (w *crew) firing() []sinks.Incident {
	if alerts := w.open(); alerts != nil {
		return alerts.Firing()
	}
	return nil
}

// handler is what can be read over HTTP, and the webhooks that are not
// elsewhere.
func (w *crew) handler(hooks map[string]http.Handler) http.Handler {
	return agent.NewHandler(agent.HandlerOptions{
		Status: w.board.Status, Ready: w.board.Ready, Metrics: w.metrics.Handler(), Hooks: hooks, Pprof: w.config.HTTP.Pprof,
	})
}
