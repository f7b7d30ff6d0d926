package repository

import (
	"context"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// Level says how deep a verification looks.
type Level string

// The levels.
const (
	Structure Level = "structure" // manifests, packs present with size and index
	Subset    Level = "subset"    // and the data of a share of the packs
	Data      Level = "data"      // and every record, with record digests
)

// VerifyOptions say what is looked at.
type VerifyOptions struct {
	Point    int64 // 0: all kept points
	Level    Level
	Share    float64 // of Subset: of the packs, 0 to 1; which ones turns with every call
	Progress func(done, total int64)
}

// Verify looks at points and writes down what it found. Damages are in the
// results; the error is for what could not be looked at.
func (r *Repository) Verify(ctx context.Context, o VerifyOptions) ([]format.Verification, error) {
	panic("unbuilt")
}
