package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sources"
)

// crewOf is who hears of rounds, with the incidents that the last one left.
func crewOf(t *testing.T, c *agent.Config) *crew {
	t.Helper()
	w, err := newCrew(c, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	w.measure(&house{})
	w.start()
	return w
}

func TestAnIncidentOfAClusterThatIsNoLongerKeptIsOver(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return dir + "/" + name }
	slack := []agent.SlackConfig{{Name: "people", WebhookURLFile: file("url")}}
	before := &agent.Config{
		StateDir: dir, Notify: agent.NotifyConfig{Slack: slack},
		Clusters: []agent.ClusterConfig{{Name: "stays"}, {Name: "goes"}},
		Syncs:    []agent.SyncConfig{{Name: "a", Cluster: "stays"}, {Name: "b", Cluster: "goes"}},
	}
	w := crewOf(t, before)
	for _, name := range []string{"stays", "goes"} {
		w.alerts.Raise(sinks.Incident{Key: "cluster/" + name + "/unreachable", Cluster: name, Severity: sinks.Error, Title: name})
	}
	w.alerts.Raise(sinks.Incident{Key: "cluster/stays/b", Cluster: "stays", Severity: sinks.Info, Title: "b"})
	ended, end := context.WithCancel(t.Context())
	end()
	w.alerts.Run(ended) // writes them down

	after := *before
	after.Clusters, after.Syncs = before.Clusters[:1], before.Syncs[:1]
	var firing []string
	for _, i := range crewOf(t, &after).firing() {
		firing = append(firing, i.Key)
	}
	if len(firing) != 2 || firing[0] != "cluster/stays/b" || firing[1] != "cluster/stays/unreachable" {
		t.Errorf("what goes on is %v", firing)
	}
}

func TestAClusterWithoutASyncKeepsNobodyWaiting(t *testing.T) {
	w := crewOf(t, &agent.Config{
		StateDir: t.TempDir(), Clusters: []agent.ClusterConfig{{Name: "kept"}, {Name: "spare"}},
		Syncs: []agent.SyncConfig{{Name: "a", Cluster: "kept"}},
	})
	if w.board.Ready() == nil {
		t.Error("ready before the first round")
	}
	w.told(agent.Report{Cluster: "kept", Syncs: []agent.SyncReport{{Sync: "a"}}})
	if err := w.board.Ready(); err != nil {
		t.Errorf("not ready: %v", err)
	}
	page := httptest.NewRecorder()
	w.metrics.Handler().ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if strings.Contains(page.Body.String(), "spare") {
		t.Error("the metrics say that a cluster nobody looks at is down")
	}
}

func TestALedgerThatNobodyReadsIsToldByWhoeverLedLast(t *testing.T) {
	w := crewOf(t, &agent.Config{
		StateDir: t.TempDir(), Name: "a", Clusters: []agent.ClusterConfig{{Name: "main"}}, Syncs: []agent.SyncConfig{{Name: "s", Cluster: "main"}},
	})
	down := agent.Report{Cluster: "main", Err: &sources.HintError{Err: errors.New("the ledger is lost"), Hint: "ottla ledger rebuild"}}
	for i, tc := range []struct {
		report agent.Report
		led    agent.Standing
		told   bool
	}{
		{down, agent.Standing{Agent: "b"}, false}, // b tells
		{down, agent.Standing{Agent: "a"}, true},
		{agent.Report{Cluster: "main"}, agent.Standing{Agent: "a"}, false},
		{down, agent.Standing{}, true},
		{down, agent.Standing{Agent: "b"}, false},
	} {
		w.leaderless(tc.report, tc.led)
		firing := w.firing()
		if (len(firing) == 1) != tc.told {
			t.Errorf("%d: %+v", i, firing)
		}
		if tc.told && !slices.Contains(firing[0].Lines, "ottla ledger rebuild") {
			t.Errorf("%d: no way out in %q", i, firing[0].Lines)
		}
	}
}
