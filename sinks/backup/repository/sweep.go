package repository

import (
	"context"
	"time"
)

// SweepGrace is how long a dropped point, and a pack that nobody names, is left alone.
const SweepGrace = 24 * time.Hour

// Swept says what a sweep took away, or would.
type Swept struct {
	Objects  int      `json:"objects"`
	Bytes    int64    `json:"bytes"`
	Moved    int64    `json:"moved"` // bytes rewritten out of mostly dead packs
	Deferred []string `json:"deferred,omitempty"`
}

// Sweep deletes what no kept point reaches, once the grace is over, and
// rewrites packs that are mostly dead. dry only counts.
func (r *Repository) Sweep(ctx context.Context, l *Lease, dry bool) (Swept, error) { panic("unbuilt") }
