package repository

import (
	"context"
)

// Remove writes a tombstone for points.
func (r *Repository) Remove(ctx context.Context, l *Lease, why map[int64]string) error {
	panic("unbuilt")
}
