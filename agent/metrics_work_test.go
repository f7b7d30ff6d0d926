package agent_test

import (
	"testing"
	"time"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/sinks"
)

func TestEverySeriesOfWorkIsThereFromTheStart(t *testing.T) {
	var now sinks.WorkFigures
	m := agent.NewMetrics(agent.MetricsOptions{Version: "v1", Clusters: []string{"main"}, Work: map[string]func() sinks.WorkFigures{
		"main": func() sinks.WorkFigures { return now },
	}})
	wantMetrics(t, scrape(t, m),
		`ottla_backup_runs_total{cluster="main",outcome="ok"} 0`, `ottla_backup_runs_total{cluster="main",outcome="failed"} 0`,
		`ottla_validation_runs_total{cluster="main",outcome="error"} 0`, `ottla_backup_incidents{cluster="main",what="proof"} 0`,
		`ottla_backup_newest_good_point_age_seconds{cluster="main"} 0`, `ottla_jobs{cluster="main",state="failing"} 0`,
		`ottla_backup_stored_bytes_total{cluster="main"} 0`, `ottla_restore_records_expected{cluster="main"} 0`,
		`ottla_backup_incidents{cluster="main",what="gap"} 0`)
	now = sinks.WorkFigures{
		Runs: map[string]int64{"ok": 3}, Proofs: map[string]int64{"failed": 2}, Stored: 4096, Objects: 7, Took: 90 * time.Second, Oldest: time.Hour,
		Restored: 5, Restoring: 10, Jobs: map[sinks.JobState]int{sinks.JobRunning: 2}, Open: map[sinks.Trouble]int{sinks.TroubleVerify: 1},
	}
	wantMetrics(t, scrape(t, m),
		`ottla_backup_runs_total{cluster="main",outcome="ok"} 3`, `ottla_backup_objects_total{cluster="main"} 7`,
		`ottla_backup_duration_seconds_total{cluster="main"} 90`, `ottla_backup_newest_good_point_age_seconds{cluster="main"} 3600`,
		`ottla_restore_records{cluster="main"} 5`, `ottla_jobs{cluster="main",state="running"} 2`,
		`ottla_validation_runs_total{cluster="main",outcome="failed"} 2`, `ottla_backup_incidents{cluster="main",what="verify"} 1`)
}
