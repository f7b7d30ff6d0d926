package repository

import (
	"context"
)

// Repaired says what Repair did.
type Repaired struct {
	Point *Point
	Lost  []string // what no pack holds, in words
}

// Repair rebuilds a complete manifest from the packs that can be read, as a new
// point, and lists what is lost.
func (r *Repository) Repair(ctx context.Context, l *Lease, dry bool) (Repaired, error) {
	panic("unbuilt")
}
