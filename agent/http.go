package agent

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/pprof"
)

// HandlerOptions are what is served. What is nil is not there.
type HandlerOptions struct {
	Status  func() Status
	Ready   func() error // nil once the agent can answer for its clusters
	Metrics http.Handler
	Hooks   map[string]http.Handler // by the last part of /webhook/NAME
	Pprof   bool
}

// NewHandler serves /healthz, /readyz, /metrics, /api/v1/status and
// /webhook/NAME. Nothing of it changes anything; a webhook only wakes a poll.
func NewHandler(o HandlerOptions) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") })
	if o.Ready != nil {
		mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { ready(w, o.Ready()) })
	}
	if o.Metrics != nil {
		mux.Handle("GET /metrics", o.Metrics)
	}
	if o.Status != nil {
		mux.HandleFunc("GET /api/v1/status", func(w http.ResponseWriter, _ *http.Request) { status(w, o.Status()) })
	}
	for name, hook := range o.Hooks {
		mux.Handle("/webhook/"+name, hook)
	}
	if o.Pprof {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return guarded(mux)
}

// guarded keeps answers from being read as anything but what they are.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

func say(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = fmt.Fprintln(w, text)
}

func ready(w http.ResponseWriter, err error) {
	if err != nil {
		say(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	say(w, http.StatusOK, "ok")
}

func status(w http.ResponseWriter, s Status) {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		say(w, http.StatusInternalServerError, "the status cannot be encoded")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(data, '\n'))
}
