package main

import (
	"context"
	"net/http"

	"go.uber.org/zap"

	"github.com/ottla-io/ottla/agent"
)

// crew is who hears of every round: the heartbeat, the people, the metrics.
type crew struct {
	heartbeat *heartbeat
}

func newCrew(c *agent.Config, log *zap.Logger) (*crew, error) {
	return &crew{heartbeat: newHeartbeat(c.Heartbeat, log)}, nil
}

// told hears of a round; it does not block.
func (w *crew) told(r agent.Report) { w.heartbeat.told(r) }

// run works until the context ends.
func (w *crew) run(ctx context.Context) { w.heartbeat.run(ctx) }

// handle adds what can be read over HTTP.
func (w *crew) handle(_ *http.ServeMux, _ *house) {}

// delivered counts a webhook's delivery by its outcome.
func (w *crew) delivered(_, _ string) {}
