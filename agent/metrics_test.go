package agent_test

import (
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sources"
)

func newMetrics() *agent.Metrics {
	return agent.NewMetrics(agent.MetricsOptions{
		Version: "v1", Clusters: []string{"production"}, Syncs: []string{"main"}, Kinds: []string{"Topic", "AclSet"},
		Notifiers: []string{"slack"}, Hooks: []string{"gitea"}, HookOutcomes: []string{"accepted", "forged"},
		Git: map[string]func() []agent.GitTraffic{"platform": func() []agent.GitTraffic {
			return []agent.GitTraffic{{Operation: "poll", Outcome: "ok", Requests: 3, Bytes: 4096}}
		}},
	})
}

func scrape(t *testing.T, m *agent.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	data, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func wantMetrics(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no %s in\n%s", line, ours(text))
		}
	}
}

func ours(text string) string {
	var out []string
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "ottla_") && !strings.Contains(line, "_bucket") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

func topic(name string) reconcile.ID { return reconcile.ID{Kind: "Topic", Name: name} }

// driftReport is a round that found three topics changed by hand: one is put
// back, one fails, one is held.
func driftReport() agent.Report {
	at := time.Unix(1_790_000_000, 0)
	change := func(name string, fate reconcile.Fate) reconcile.Change {
		return reconcile.Change{ID: topic(name), Action: reconcile.Update, Why: reconcile.Drifted, Fate: fate, Fields: []reconcile.FieldChange{
			{Name: "config.retention.ms", From: reconcile.TextOf("1"), To: reconcile.TextOf("2"), Why: reconcile.Drifted},
		}}
	}
	return agent.Report{Cluster: "production", ClusterID: "id-1", Began: at, Took: 2 * time.Second, Syncs: []agent.SyncReport{{
		Sync: "main", Mode: agent.Apply, Snapshot: sources.Snapshot{Revision: "abc", Author: "Ada", Subject: "Keep it", Time: at.Add(-time.Hour)},
		Plan: reconcile.Plan{
			Revision: "abc", Counts: map[string]reconcile.Count{"Topic": {Declared: 5, Owned: 4}},
			Changes: []reconcile.Change{change("a", reconcile.Fate{}), change("b", reconcile.Fate{}), change("c", reconcile.Fate{Held: "irreversible"})},
			Unknown: []reconcile.Unobserved{{ID: reconcile.ID{Kind: "AclSet"}, Reason: "no authorizer"}},
		},
		Outcomes: []reconcile.Outcome{{ID: topic("a")}, {ID: topic("b"), Failed: "no"}},
	}}}
}

func TestEverySeriesIsThereFromTheStart(t *testing.T) {
	text := scrape(t, newMetrics())
	wantMetrics(t, text,
		`ottla_last_success_timestamp_seconds{sync="main"} 0`, `ottla_revision_timestamp_seconds{sync="main"} 0`,
		`ottla_round_duration_seconds_count{cluster="production",outcome="ok"} 0`, `ottla_round_duration_seconds_count{cluster="production",outcome="failed"} 0`,
		`ottla_resources{kind="AclSet",state="unknown",sync="main"} 0`, `ottla_drift_detected_total{kind="Topic",sync="main"} 0`,
		`ottla_drift_healed_total{kind="Topic",sync="main"} 0`, `ottla_changes_total{action="delete",outcome="unsure",sync="main"} 0`,
		`ottla_held_changes{sync="main"} 0`, `ottla_refused_changes{sync="main"} 0`, `ottla_cluster_up{cluster="production"} 0`,
		`ottla_webhook_deliveries_total{hook="gitea",outcome="forged"} 0`, `ottla_notifications_total{notifier="slack",outcome="failed"} 0`,
		`ottla_git_requests_total{operation="poll",outcome="ok",repository="platform"} 3`, `ottla_git_received_bytes_total{operation="poll",outcome="ok",repository="platform"} 4096`,
		`ottla_sync_state{state="rejected",sync="main"} 0`)
	if !strings.Contains(text, `ottla_info{goversion="go1`) {
		t.Error("no ottla_info")
	}
}

func TestARoundIsCounted(t *testing.T) {
	m := newMetrics()
	m.Round(driftReport())
	m.Round(driftReport())
	wantMetrics(t, scrape(t, m),
		`ottla_round_duration_seconds_count{cluster="production",outcome="failed"} 2`, `ottla_cluster_up{cluster="production"} 1`,
		`ottla_resources{kind="Topic",state="declared",sync="main"} 5`, `ottla_resources{kind="Topic",state="owned",sync="main"} 4`,
		`ottla_resources{kind="Topic",state="planned",sync="main"} 2`, `ottla_resources{kind="Topic",state="held",sync="main"} 1`,
		`ottla_resources{kind="AclSet",state="unknown",sync="main"} 1`, `ottla_held_changes{sync="main"} 1`,
		`ottla_changes_total{action="update",outcome="ok",sync="main"} 2`, `ottla_changes_total{action="update",outcome="failed",sync="main"} 2`,
		`ottla_drift_detected_total{kind="Topic",sync="main"} 4`, `ottla_drift_healed_total{kind="Topic",sync="main"} 2`,
		`ottla_sync_state{state="failing",sync="main"} 1`, `ottla_revision_timestamp_seconds{sync="main"} 1.7899964e+09`,
		`ottla_last_success_timestamp_seconds{sync="main"} 0`)

	good := driftReport()
	good.Syncs[0].Plan.Changes, good.Syncs[0].Outcomes, good.Syncs[0].Plan.Unknown = nil, nil, nil
	m.Round(good)
	wantMetrics(t, scrape(t, m), `ottla_sync_state{state="in-sync",sync="main"} 1`, `ottla_sync_state{state="failing",sync="main"} 0`,
		`ottla_last_success_timestamp_seconds{sync="main"} 1.790000002e+09`, `ottla_held_changes{sync="main"} 0`)

	down := agent.Report{Cluster: "production", Err: errors.New("down")}
	m.Round(down)
	wantMetrics(t, scrape(t, m), `ottla_cluster_up{cluster="production"} 0`)
}

func TestNothingACommitSaysBecomesALabel(t *testing.T) {
	m := newMetrics()
	before := len(strings.Split(scrape(t, m), "\n"))
	r := driftReport()
	for i := range r.Syncs[0].Plan.Changes {
		r.Syncs[0].Plan.Changes[i].ID.Kind = "Invented"
	}
	r.Syncs[0].Plan.Counts = map[string]reconcile.Count{"Invented": {Declared: 1}}
	m.Round(r)
	m.Round(agent.Report{Cluster: "other"})
	m.Hook("other", "accepted")
	m.Hook("gitea", "other")
	m.Notified("other", nil)
	m.Hook("gitea", "accepted")
	m.Notified("slack", errors.New("down"))
	text := scrape(t, m)
	if after := len(strings.Split(text, "\n")); after != before || strings.Contains(text, `="other"`) || strings.Contains(text, "Invented") {
		t.Errorf("%d lines became %d:\n%s", before, after, ours(text))
	}
	wantMetrics(t, text, `ottla_webhook_deliveries_total{hook="gitea",outcome="accepted"} 1`, `ottla_notifications_total{notifier="slack",outcome="failed"} 1`)
}

func TestPromtoolFindsNothingToSay(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("OTTLA_REQUIRE_REAL") == "1" {
			t.Fatal("promtool is missing")
		}
		t.Skip("promtool is missing: Debian's package prometheus has it")
	}
	m := newMetrics()
	m.Round(driftReport())
	cmd := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	cmd.Stdin = strings.NewReader(scrape(t, m))
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}
