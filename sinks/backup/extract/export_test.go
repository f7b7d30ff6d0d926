package extract

import "context"

// SegmentsOf is Segments with a limit that a test can afford.
func SegmentsOf(ctx context.Context, o Options, dir string, limit int64) (Report, error) {
	return segments(ctx, o, dir, limit)
}
