package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/ottla-io/ottla/agent"
)

// heartbeat fetches a URL after good rounds, for whoever watches the watcher.
type heartbeat struct {
	config *agent.HeartbeatConfig // nil: nobody watches
	log    *zap.Logger
	good   chan struct{}
}

const heartbeatTimeout = 10 * time.Second

func newHeartbeat(c *agent.HeartbeatConfig, log *zap.Logger) *heartbeat {
	return &heartbeat{config: c, log: log, good: make(chan struct{}, 1)}
}

// told notes a good round; it does not block.
func (h *heartbeat) told(r agent.Report) {
	if h.config == nil || !r.Good() {
		return
	}
	select {
	case h.good <- struct{}{}:
	default:
	}
}

// run beats until the context ends, at most once an interval.
func (h *heartbeat) run(ctx context.Context) {
	for h.config != nil {
		select {
		case <-ctx.Done():
			return
		case <-h.good:
		}
		if err := h.beat(ctx); err != nil && ctx.Err() == nil {
			h.log.Warn("heartbeat failed", zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(h.config.Interval):
		}
	}
}

// beat keeps the URL, which is a secret, out of its errors.
func (h *heartbeat) beat(ctx context.Context) error {
	url, err := h.config.URL().Read()
	if err != nil {
		return fmt.Errorf("read the heartbeat's URL: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, heartbeatTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("the heartbeat's URL cannot be read")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("the heartbeat's server does not answer")
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("the heartbeat's server answers %s", response.Status)
	}
	return nil
}
