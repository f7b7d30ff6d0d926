// Package control is the agent's local socket: commands on the same machine
// ask the running daemon instead of writing beside it. It speaks JSON over HTTP
// on a unix socket that only the agent's own user can open.
package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/reconcile"
)

// The paths of the socket.
const (
	pathPlan      = "/v1/plan"
	pathSync      = "/v1/sync"
	pathConfirm   = "/v1/confirm"
	pathRelease   = "/v1/release"
	pathResources = "/v1/resources"
)

const headerTimeout = 5 * time.Second

type confirmRequest struct {
	Digests []reconcile.Digest `json:"digests"`
}

type releaseRequest struct {
	ID reconcile.ID `json:"id"`
}

type releaseAnswer struct {
	Sync string `json:"sync"`
}

// Serve answers on the socket until the context ends. A socket left behind by
// an agent that is gone is replaced; the ledger's lock keeps two agents apart.
func Serve(ctx context.Context, path string, c agent.Control) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("replace the socket: %w", err)
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return fmt.Errorf("open the socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return errors.Join(fmt.Errorf("close the socket to others: %w", err), listener.Close())
	}
	server := &http.Server{Handler: Handler(c), ReadHeaderTimeout: headerTimeout, BaseContext: func(net.Listener) context.Context { return ctx }}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the socket: %w", err)
	}
	return nil
}

// Handler answers the socket's requests.
func Handler(c agent.Control) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+pathPlan, answer(func(ctx context.Context, _ struct{}) ([]agent.View, error) { return c.Plan(ctx) }))
	mux.HandleFunc("POST "+pathSync, answer(func(ctx context.Context, _ struct{}) ([]agent.View, error) { return c.Sync(ctx) }))
	mux.HandleFunc("GET "+pathResources, answer(func(ctx context.Context, _ struct{}) ([]agent.ResourceView, error) { return c.Resources(ctx) }))
	mux.HandleFunc("POST "+pathConfirm, answer(func(ctx context.Context, r confirmRequest) ([]reconcile.Hold, error) {
		return c.Confirm(ctx, r.Digests)
	}))
	mux.HandleFunc("POST "+pathRelease, answer(func(ctx context.Context, r releaseRequest) (releaseAnswer, error) {
		sync, err := c.Release(ctx, r.ID)
		return releaseAnswer{sync}, err
	}))
	return mux
}

// answer turns a function into a handler: JSON in, JSON or a problem out.
func answer[In, Out any](do func(context.Context, In) (Out, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in In
		if r.Method == http.MethodPost && r.ContentLength != 0 {
			if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
				reply(w, http.StatusBadRequest, agent.ProblemOf(fmt.Errorf("read the request: %w", err)))
				return
			}
		}
		out, err := do(r.Context(), in)
		if err != nil {
			reply(w, statusOf(err), agent.ProblemOf(err))
			return
		}
		reply(w, http.StatusOK, out)
	}
}

func statusOf(err error) int {
	if errors.Is(err, agent.ErrNoSuchHold) || errors.Is(err, agent.ErrNotOwned) {
		return http.StatusNotFound
	}
	return http.StatusInternalServerError
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that hung up is its own loss
}
