package control_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/agent/control"
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sources"
)

// desk answers commands as an agent would.
type desk struct {
	views  []agent.View
	block  chan struct{} // Sync waits for it
	began  chan struct{}
	ended  chan struct{}
	gaveUp atomic.Bool
}

func (d *desk) Plan(context.Context) ([]agent.View, error) { return d.views, nil }

func (d *desk) Sync(ctx context.Context) ([]agent.View, error) { return d.Apply(ctx, nil) }

func (d *desk) Apply(ctx context.Context, _ agent.Agreement) ([]agent.View, error) {
	if d.block == nil {
		return d.views, nil
	}
	defer close(d.ended)
	close(d.began)
	select {
	case <-d.block:
		return d.views, nil
	case <-ctx.Done():
		d.gaveUp.Store(true)
		return nil, ctx.Err()
	}
}

func (d *desk) Confirm(_ context.Context, digests []reconcile.Digest) ([]reconcile.Hold, error) {
	if digests[0] != "abc" {
		return nil, &sources.HintError{Err: fmt.Errorf("%s: %w", digests[0], agent.ErrNoSuchHold), Hint: "ottla plan lists them"}
	}
	return []reconcile.Hold{{Digest: digests[0], Words: []string{"delete Topic/orders"}}}, nil
}

func (d *desk) Release(_ context.Context, id reconcile.ID) (string, error) {
	if id.Name == "elsewhere" {
		return "", &sources.HintError{Err: &agent.NotLeaderError{Err: errors.New("agent b leads")}, Hint: "ask it"}
	}
	if id.Name == "nothing" {
		return "", fmt.Errorf("%s: %w", id, agent.ErrNotOwned)
	}
	return "owner of " + id.String(), nil
}

func (d *desk) Resources(context.Context) ([]agent.ResourceView, error) {
	return []agent.ResourceView{{ID: reconcile.ID{Kind: "Topic", Name: "a/b"}, Live: map[string]reconcile.Value{"a": reconcile.TextOf("1"), "b": reconcile.UnsetValue()}}}, nil
}

func (d *desk) Agents(context.Context) ([]agent.AgentView, error) {
	return []agent.AgentView{{Cluster: "main", Agent: "a", Role: agent.RoleLeader, Ledger: agent.LedgerKafka}}, nil
}

func (d *desk) Jobs(context.Context) ([]sinks.Job, error) {
	return []sinks.Job{{ID: "backup/default/nightly", State: sinks.JobRunning, Done: 3, Total: 4}}, nil
}

func (d *desk) SteerJob(_ context.Context, id string, do sinks.JobAction) (sinks.Job, error) {
	if id == "nothing" {
		return sinks.Job{}, fmt.Errorf("%s: %w", id, agent.ErrNoSuchJob)
	}
	return sinks.Job{ID: id, Text: string(do)}, nil
}

func (d *desk) BackupNow(_ context.Context, name string) (sinks.Job, error) {
	return sinks.Job{ID: "backup/default/" + name, State: sinks.JobRunning}, nil
}

// socketPath is short: a socket's path may have about 100 bytes.
func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "o")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

// serve serves a desk until stop, and returns what Serve said.
func serve(t *testing.T, path string, c agent.Control) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	said := make(chan error, 1)
	go func() { said <- control.Serve(ctx, path, c) }()
	t.Cleanup(cancel)
	dial(t, path)
	return func() error { cancel(); return <-said }
}

// dial waits until somebody answers on the socket.
func dial(t *testing.T, path string) *control.Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		client, err := control.Dial(ctx, path)
		if err == nil {
			return client
		}
		if !errors.Is(err, control.ErrNoDaemon) {
			t.Fatal(err)
		}
		select {
		case <-ctx.Done():
			t.Fatal("nobody listens")
		case <-time.After(time.Millisecond):
		}
	}
}

func TestEveryQuestionMakesTheRoundTrip(t *testing.T) {
	path := socketPath(t)
	d := &desk{views: []agent.View{{Cluster: "main", Syncs: []agent.SyncView{{Sync: "p", State: agent.Partial, Plan: reconcile.Plan{
		Changes: []reconcile.Change{{ID: reconcile.ID{Kind: "Topic", Name: "orders"}, Action: reconcile.Update, Fields: []reconcile.FieldChange{{Name: "a", From: reconcile.UnsetValue(), To: reconcile.TextOf("1")}}}},
	}}}}}}
	stop := serve(t, path, d)
	c := dial(t, path)
	for name, ask := range map[string]func(context.Context) ([]agent.View, error){"plan": c.Plan, "sync": c.Sync} {
		views, err := ask(t.Context())
		if err != nil || len(views) != 1 || views[0].Syncs[0].State != agent.Partial || views[0].Syncs[0].Plan.Digest() != d.views[0].Syncs[0].Plan.Digest() {
			t.Errorf("%s: %v, %+v", name, err, views)
		}
	}
	if holds, err := c.Confirm(t.Context(), []reconcile.Digest{"abc"}); err != nil || holds[0].Digest != "abc" {
		t.Errorf("confirm: %v, %v", err, holds)
	}
	if owner, err := c.Release(t.Context(), reconcile.ID{Kind: "Topic", Name: "a/b"}); err != nil || owner != "owner of Topic/a/b" {
		t.Errorf("release: %v, %q", err, owner)
	}
	if all, err := c.Resources(t.Context()); err != nil || all[0].ID.Name != "a/b" || !all[0].Live["b"].Is(reconcile.Unset) {
		t.Errorf("resources: %v, %+v", err, all)
	}
	if all, err := c.Agents(t.Context()); err != nil || len(all) != 1 || all[0].Role != agent.RoleLeader {
		t.Errorf("agents: %v, %+v", err, all)
	}
	if jobs, err := c.Jobs(t.Context()); err != nil || len(jobs) != 1 || jobs[0].Done != 3 {
		t.Errorf("jobs: %v, %+v", err, jobs)
	}
	if job, err := c.SteerJob(t.Context(), "restore/default/r", sinks.PauseJob); err != nil || job.Text != "pause" {
		t.Errorf("steer: %v, %+v", err, job)
	}
	if job, err := c.BackupNow(t.Context(), "nightly"); err != nil || job.ID != "backup/default/nightly" {
		t.Errorf("backup now: %v, %+v", err, job)
	}
	if err := stop(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

func TestTheSocketIsForItsOwnUserAlone(t *testing.T) {
	path := socketPath(t)
	serve(t, path, &desk{})
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestWhatIsNotThereIsSaidInWords(t *testing.T) {
	path := socketPath(t)
	serve(t, path, &desk{})
	c := dial(t, path)
	_, err := c.Confirm(t.Context(), []reconcile.Digest{"none"})
	if p := agent.ProblemOf(err); p.Text != "none: nothing that is held has this digest" || p.Hint != "ottla plan lists them" {
		t.Errorf("%+v", p)
	}
	if _, err := c.Release(t.Context(), reconcile.ID{Kind: "Topic", Name: "nothing"}); err == nil || err.Error() != "Topic/nothing: the ledger does not own it" {
		t.Errorf("got %v", err)
	}
	var other *agent.NotLeaderError
	if _, err := c.Release(t.Context(), reconcile.ID{Kind: "Topic", Name: "elsewhere"}); !errors.As(err, &other) || agent.ProblemOf(err).Hint != "ask it" {
		t.Errorf("got %v, and not that another agent leads", err)
	}
	raw := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}}
	defer raw.CloseIdleConnections()
	for body, want := range map[string]int{`{"digests":["none"]}`: http.StatusNotFound, `{"digests":`: http.StatusBadRequest, `{"digests":["` + strings.Repeat("x", 2<<20) + `"]}`: http.StatusBadRequest} {
		response, err := raw.Post("http://ottla/v1/confirm", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%.20s: %d, want %d", body, response.StatusCode, want)
		}
	}
}

func TestABigAnswerArrivesWhole(t *testing.T) {
	path := socketPath(t)
	var plan reconcile.Plan
	for i := range 50_000 {
		plan.Changes = append(plan.Changes, reconcile.Change{ID: reconcile.ID{Kind: "Topic", Name: fmt.Sprint("topic-", i)}, Action: reconcile.Create})
	}
	serve(t, path, &desk{views: []agent.View{{Syncs: []agent.SyncView{{Plan: plan}}}}})
	views, err := dial(t, path).Plan(t.Context())
	if err != nil || len(views[0].Syncs[0].Plan.Changes) != len(plan.Changes) {
		t.Errorf("%v", err)
	}
}

func TestAStaleSocketIsReplacedAndALiveOneIsNotStolen(t *testing.T) {
	path := socketPath(t)
	old, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	old.SetUnlinkOnClose(false)
	_ = old.Close() // as after kill -9
	serve(t, path, &desk{views: []agent.View{{Cluster: "first"}}})
	err = control.Serve(t.Context(), path, &desk{views: []agent.View{{Cluster: "second"}}})
	if !errors.Is(err, control.ErrInUse) || agent.ProblemOf(err).Hint == "" {
		t.Errorf("got %v", err)
	}
	if views, err := dial(t, path).Plan(t.Context()); err != nil || views[0].Cluster != "first" {
		t.Errorf("%v, %+v", err, views)
	}
}

func TestAFileThatIsNoSocketIsNotRemoved(t *testing.T) {
	path := socketPath(t)
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := control.Serve(t.Context(), path, &desk{}); err == nil || !strings.Contains(err.Error(), "is no socket") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestAPathThatIsTooLongIsSaidInWords(t *testing.T) {
	err := control.Serve(t.Context(), filepath.Join(t.TempDir(), strings.Repeat("long", 40)), &desk{})
	if !strings.Contains(agent.ProblemOf(err).Hint, "shorter") {
		t.Errorf("got %v", err)
	}
}

func TestWithoutADaemonThereIsNone(t *testing.T) {
	path := socketPath(t)
	if _, err := control.Dial(t.Context(), path); !errors.Is(err, control.ErrNoDaemon) {
		t.Errorf("got %v", err)
	}
}

func waiting() *desk {
	return &desk{block: make(chan struct{}), began: make(chan struct{}), ended: make(chan struct{})}
}

func TestARoundGoesOnWhenWhoAskedForItHangsUp(t *testing.T) {
	path := socketPath(t)
	d := waiting()
	stop := serve(t, path, d)
	ctx, cancel := context.WithCancel(t.Context())
	said := make(chan error, 1)
	c := dial(t, path)
	go func() { _, err := c.Sync(ctx); said <- err }()
	<-d.began
	cancel()
	if err := <-said; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(d.block)
	<-d.ended
	if d.gaveUp.Load() {
		t.Error("it was cut short")
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestAnAgentThatStopsSaysSoToWhoWaits(t *testing.T) {
	path := socketPath(t)
	d := waiting()
	stop := serve(t, path, d)
	said := make(chan error, 1)
	c := dial(t, path)
	go func() { _, err := c.Sync(t.Context()); said <- err }()
	<-d.began
	if err := stop(); err != nil {
		t.Error(err)
	}
	select {
	case <-d.ended:
	default:
		t.Error("Serve ended before the work did")
	}
	if p := agent.ProblemOf(<-said); p.Text != "the agent is stopping" || p.Hint == "" {
		t.Errorf("%+v", p)
	}
}

func TestADaemonThatIsKilledInTheMiddleOfAnAnswerIsSaidInWords(t *testing.T) {
	for name, answer := range map[string]string{
		"before":        "",
		"in its header": "HTTP/1.1 200 OK\r\nContent-Le",
		"in its body":   "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[{\"cluster\":\"ma",
	} {
		t.Run(name, func(t *testing.T) {
			path := socketPath(t)
			l, err := net.Listen("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = l.Close() }()
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					buf := make([]byte, 4096)
					if n, _ := conn.Read(buf); n > 0 {
						_, _ = conn.Write([]byte(answer))
					}
					_ = conn.Close()
				}
			}()
			_, err = dial(t, path).Sync(t.Context())
			if p := agent.ProblemOf(err); !strings.Contains(p.Hint, "ended before it had answered") {
				t.Errorf("%+v", p)
			}
		})
	}
}
