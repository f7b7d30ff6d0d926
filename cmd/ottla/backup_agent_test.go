package main

import (
	"strings"
	"testing"
	"time"

	"github.com/ottla-io/ottla/sinks"
)

func TestARunByTheAgentEndsTheCommandAsOneOfItsOwnWould(t *testing.T) {
	asked := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	before, after := asked.Add(-time.Hour), asked.Add(time.Second)
	gap := []sinks.JobAlert{{Kind: sinks.TroubleGap, Topic: "orders", Text: "offsets 5 to 9 are gone"}}
	for name, c := range map[string]struct {
		job  sinks.Job
		over bool
		code int
	}{
		"an earlier one":   {sinks.Job{State: sinks.JobWaiting, Ended: before, Alerts: gap, HeldAt: before}, false, exitDone},
		"runs":             {sinks.Job{State: sinks.JobRunning, Ended: before}, false, exitDone},
		"good":             {sinks.Job{State: sinks.JobWaiting, Ended: after}, true, exitDone},
		"failed":           {sinks.Job{State: sinks.JobFailing, Ended: after}, true, exitFailed},
		"with a gap":       {sinks.Job{State: sinks.JobWaiting, Ended: after, Alerts: gap}, true, exitPartial},
		"another writer":   {sinks.Job{State: sinks.JobWaiting, Text: "another writer works on this backup repository: b/1", HeldAt: after}, false, exitLocked},
		"paused meanwhile": {sinks.Job{State: sinks.JobPaused, Ended: before}, false, exitFailed},
	} {
		over, err := overSince(c.job, asked)
		code := codeOf(t.Context(), err)
		if over {
			code = codeOfRun(c.job)
		}
		if over != c.over || code != c.code {
			t.Errorf("%s: over is %v, exit code %d, %v", name, over, code, err)
		}
		if c.code == exitLocked && !strings.Contains(err.Error(), "another writer") {
			t.Errorf("it says %v", err)
		}
	}
}
