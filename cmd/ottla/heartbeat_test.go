package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/reconcile"
)

func TestOnlyGoodRoundsBeat(t *testing.T) {
	bad := errors.New("no")
	for name, one := range map[string]struct {
		report agent.Report
		beats  bool
	}{
		"in sync":             {agent.Report{Syncs: []agent.SyncReport{{}}}, true},
		"something is held":   {agent.Report{Syncs: []agent.SyncReport{{Holds: []reconcile.Hold{{}}}}}, true},
		"no cluster":          {agent.Report{Err: bad}, false},
		"no repository":       {agent.Report{Syncs: []agent.SyncReport{{}, {SourceErr: bad}}}, false},
		"a rejected revision": {agent.Report{Syncs: []agent.SyncReport{{RejectErr: bad}}}, false},
		"a failed change":     {agent.Report{Syncs: []agent.SyncReport{{Outcomes: []reconcile.Outcome{{Failed: "no"}}}}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHeartbeat(&agent.HeartbeatConfig{}, zap.NewNop())
			h.told(one.report)
			if beats := len(h.good) == 1; beats != one.beats {
				t.Errorf("beats: %t", beats)
			}
		})
	}
}

func TestAHeartbeatIsFetchedAndItsURLIsNeverTold(t *testing.T) {
	const canary = "canary-in-a-heartbeat"
	paths := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths <- r.URL.Path
		http.Error(w, r.URL.Path, http.StatusTeapot)
	}))
	file := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(file, []byte(server.URL+"/"+canary+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zap.DebugLevel)
	h := newHeartbeat(&agent.HeartbeatConfig{URLFile: file, Interval: time.Millisecond}, zap.New(core))
	go h.run(t.Context())
	h.told(agent.Report{})
	if got := <-paths; got != "/"+canary {
		t.Errorf("fetched %s", got)
	}
	waitFor(t, func() bool { return logs.Len() == 1 })
	server.Close()
	h.told(agent.Report{})
	waitFor(t, func() bool { return logs.Len() == 2 })
	for _, entry := range logs.All() {
		if text := entry.Message + entry.ContextMap()["error"].(string); strings.Contains(text, canary) {
			t.Errorf("the URL is told: %s", text)
		}
	}
}

// waitFor waits until something is so.
func waitFor(t *testing.T, so func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for !so() {
		select {
		case <-deadline:
			t.Fatal("it does not come to be")
		case <-time.After(5 * time.Millisecond):
		}
	}
}
