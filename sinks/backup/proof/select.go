package proof

import (
	"context"
	"fmt"
	"slices"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/glob"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// pick reads a point: 0 is the newest good one.
func pick(ctx context.Context, r *repository.Repository, number int64) (*repository.Point, error) {
	if number == 0 {
		p, err := r.Newest(ctx)
		if err != nil {
			return nil, fmt.Errorf("find the newest good point: %w", err)
		}
		return p, nil
	}
	p, err := r.Point(ctx, number)
	if err != nil {
		return nil, fmt.Errorf("read point %d: %w", number, err)
	}
	return p, nil
}

// choose returns the topics of a point that globs name; none name all but the
// internal ones. A glob that names none is an error, for a check of nothing
// would pass.
func choose(p *repository.Point, globs []string) ([]format.Topic, error) {
	topics := slices.DeleteFunc(slices.Clone(p.Topics), func(t format.Topic) bool { return !glob.Among(globs, t.Name, t.Internal) })
	if idle := glob.Idle(globs, names(topics)); idle != "" {
		return nil, fmt.Errorf("point %d holds no topic %q", p.Number, idle)
	}
	return topics, nil
}

func names(topics []format.Topic) []string {
	out := make([]string, len(topics))
	for i, t := range topics {
		out[i] = t.Name
	}
	return out
}
