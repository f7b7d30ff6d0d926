package proof

import (
	"context"
	"fmt"
	"path"
	"slices"

	"github.com/ottla-io/ottla/sinks/backup/format"
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

// choose returns the topics of a point that patterns name; none name all.
// Internal topics are left out unless named in full. A pattern that names none
// is an error, for a check of nothing would pass.
func choose(p *repository.Point, patterns []string) ([]format.Topic, error) {
	var topics []format.Topic
	used := map[string]bool{}
	for _, t := range p.Topics {
		found := len(patterns) == 0 && !t.Internal
		for _, pattern := range patterns {
			ok, err := path.Match(pattern, t.Name)
			if err != nil {
				return nil, fmt.Errorf("topics %q: %w", pattern, err)
			}
			if ok && (!t.Internal || pattern == t.Name) {
				found, used[pattern] = true, true
			}
		}
		if found {
			topics = append(topics, t)
		}
	}
	if i := slices.IndexFunc(patterns, func(p string) bool { return !used[p] }); i >= 0 {
		return nil, fmt.Errorf("point %d holds no topic %q", p.Number, patterns[i])
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
