// Package control is the agent's local socket: commands on the same machine
// ask the running daemon instead of writing beside it. It speaks JSON over HTTP
// on a unix socket that only the agent's own user can open.
package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sources"
)

// The paths of the socket.
const (
	pathPlan      = "/v1/plan"
	pathSync      = "/v1/sync"
	pathConfirm   = "/v1/confirm"
	pathRelease   = "/v1/release"
	pathResources = "/v1/resources"
	pathJobs      = "/v1/jobs"
	pathSteer     = "/v1/jobs/steer"
	pathBackup    = "/v1/backup"
	pathAgents    = "/v1/agents"
)

const (
	headerTimeout = 5 * time.Second
	// lastAnswers is how long commands that are being answered when the agent
	// stops may take: their work ends with the context.
	lastAnswers = 5 * time.Second
	// mostBytes bounds a request: digests or an ID.
	mostBytes = 1 << 20
	// mode lets only the agent's own user in.
	mode fs.FileMode = 0o600
)

type syncRequest struct {
	Agreed agent.Agreement `json:"agreed,omitempty"` // none: every plan
}

type confirmRequest struct {
	Digests []reconcile.Digest `json:"digests"`
}

type releaseRequest struct {
	ID reconcile.ID `json:"id"`
}

type releaseAnswer struct {
	Sync string `json:"sync"`
}

type steerRequest struct {
	ID string          `json:"id"`
	Do sinks.JobAction `json:"do"`
}

type backupRequest struct {
	Name string `json:"name"`
}

// ErrInUse says that another agent answers on the socket.
var ErrInUse = errors.New("another agent listens on the socket")

// Serve answers on the socket until the context ends, and returns when nothing
// it was asked for is at work any more. A socket left behind by an agent that
// is gone is replaced; one that still answers is ErrInUse: its agent keeps
// another ledger, and commands must reach the one they mean.
func Serve(ctx context.Context, path string, c agent.Control) error {
	if err := vacate(ctx, path); err != nil {
		return err
	}
	listener, err := listen(ctx, path)
	if err != nil {
		return fmt.Errorf("open the socket: %w", err)
	}
	handler := Handler(ctx, c)
	server := &http.Server{Handler: handler, ReadHeaderTimeout: headerTimeout, BaseContext: func(net.Listener) context.Context { return ctx }}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastAnswers)
		defer cancel()
		if server.Shutdown(last) != nil {
			_ = server.Close()
		}
	})
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return fmt.Errorf("serve the socket: %w", err)
	}
	<-ended
	return nil
}

// vacate removes a socket that nobody answers on, and nothing else.
func vacate(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("open the socket: %w", err)
	case info.Mode().Type() != fs.ModeSocket:
		return &sources.HintError{
			Err:  fmt.Errorf("open the socket: %s is there and is no socket", path),
			Hint: "name another path (socket:), or move the file away",
		}
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		_ = conn.Close()
		return &sources.HintError{
			Err:  fmt.Errorf("%s: %w", path, ErrInUse),
			Hint: "stop that agent, or give each its own socket (socket:)",
		}
	case !errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("open the socket: %w", err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("replace the socket: %w", err)
	}
	return nil
}

// listen binds the socket closed to others from its first moment: on Linux the
// file takes the mode that its descriptor has when it is bound. Elsewhere the
// mode follows at once.
func listen(ctx context.Context, path string) (net.Listener, error) {
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) {
			_ = syscall.Fchmod(int(fd), uint32(mode)) //nolint:gosec // a descriptor is small
		})
	}}
	listener, err := config.Listen(ctx, "unix", path)
	if errors.Is(err, syscall.EINVAL) {
		err = &sources.HintError{Err: err, Hint: "a socket's path may be about 100 bytes long: name a shorter one (socket:)"}
	}
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, mode); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return listener, nil
}

// Handler answers the socket's requests. What writes goes on when its client
// hangs up, until the context ends: a round is not cut short by a Ctrl-C
// elsewhere.
func Handler(ctx context.Context, c agent.Control) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+pathPlan, answer(ctx, func(ctx context.Context, _ struct{}) ([]agent.View, error) { return c.Plan(ctx) }))
	mux.HandleFunc("POST "+pathSync, answer(ctx, func(ctx context.Context, r syncRequest) ([]agent.View, error) { return c.Apply(ctx, r.Agreed) }))
	mux.HandleFunc("GET "+pathResources, answer(ctx, func(ctx context.Context, _ struct{}) ([]agent.ResourceView, error) { return c.Resources(ctx) }))
	mux.HandleFunc("POST "+pathConfirm, answer(ctx, func(ctx context.Context, r confirmRequest) ([]reconcile.Hold, error) {
		return c.Confirm(ctx, r.Digests)
	}))
	mux.HandleFunc("POST "+pathRelease, answer(ctx, func(ctx context.Context, r releaseRequest) (releaseAnswer, error) {
		sync, err := c.Release(ctx, r.ID)
		return releaseAnswer{sync}, err
	}))
	mux.HandleFunc("GET "+pathAgents, answer(ctx, func(ctx context.Context, _ struct{}) ([]agent.AgentView, error) { return c.Agents(ctx) }))
	mux.HandleFunc("GET "+pathJobs, answer(ctx, func(ctx context.Context, _ struct{}) ([]sinks.Job, error) { return c.Jobs(ctx) }))
	mux.HandleFunc("POST "+pathSteer, answer(ctx, func(ctx context.Context, r steerRequest) (sinks.Job, error) { return c.SteerJob(ctx, r.ID, r.Do) }))
	mux.HandleFunc("POST "+pathBackup, answer(ctx, func(ctx context.Context, r backupRequest) (sinks.Job, error) { return c.BackupNow(ctx, r.Name) }))
	return mux
}

// answer turns a function into a handler: JSON in, JSON or a problem out.
func answer[In, Out any](serving context.Context, do func(context.Context, In) (Out, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		var in In
		if r.Method == http.MethodPost {
			ctx = serving
			if err := decode(w, r, &in); err != nil {
				reply(w, http.StatusBadRequest, agent.ProblemOf(fmt.Errorf("read the request: %w", err)))
				return
			}
		}
		out, err := do(ctx, in)
		if err != nil {
			reply(w, statusOf(serving, err), problemOf(serving, err))
			return
		}
		reply(w, http.StatusOK, out)
	}
}

func decode(w http.ResponseWriter, r *http.Request, in any) error {
	if r.ContentLength == 0 {
		return nil
	}
	return json.NewDecoder(http.MaxBytesReader(w, r.Body, mostBytes)).Decode(in)
}

func problemOf(serving context.Context, err error) agent.Problem {
	if serving.Err() != nil {
		return agent.Problem{Text: "the agent is stopping", Hint: "what it began is in its ledger; ask again when it is back"}
	}
	return agent.ProblemOf(err)
}

func statusOf(serving context.Context, err error) int {
	var other *agent.NotLeaderError
	switch {
	case serving.Err() != nil:
		return http.StatusServiceUnavailable
	case errors.As(err, &other):
		return http.StatusLocked
	case errors.Is(err, agent.ErrNoSuchHold), errors.Is(err, agent.ErrNotOwned), errors.Is(err, agent.ErrNoSuchJob):
		return http.StatusNotFound
	default:
		return http.StatusInternalServerError
	}
}

func reply(w http.ResponseWriter, status int, body any) {
	data, err := json.Marshal(body)
	if err != nil {
		status = http.StatusInternalServerError
		data, _ = json.Marshal(agent.ProblemOf(fmt.Errorf("write the answer: %w", err)))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(data) // a client that hung up is its own loss
}
