package restore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/glob"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// unknown finds names in the options that the point does not have, and says
// which point has them: a topic that somebody deleted is in older ones.
func unknown(ctx context.Context, p *repository.Point, o Options) ([]Problem, error) {
	var named []string
	for _, t := range o.Topics {
		if glob.Literal(t) {
			named = append(named, t)
		}
	}
	named = slices.AppendSeq(named, maps.Keys(o.Partitions))
	named = slices.AppendSeq(named, maps.Keys(o.Repartition))
	slices.Sort(named)
	named = slices.DeleteFunc(slices.Compact(named), func(name string) bool { return holds(p.Manifest, name) })
	if len(named) == 0 {
		return nil, nil
	}
	all, _, err := o.Repository.Survey(ctx)
	if err != nil {
		return nil, err
	}
	found := make([]Problem, len(named))
	for i, name := range named {
		found[i] = Problem{Where: "topic " + name, Text: fmt.Sprintf("point %d does not contain it", p.Number), Hint: holder(all, name)}
	}
	return found, nil
}

func holds(m format.Manifest, topic string) bool {
	return slices.ContainsFunc(m.Topics, func(t format.Topic) bool { return t.Name == topic })
}

// holder names the newest good point that contains a topic.
func holder(all []repository.Entry, topic string) string {
	for _, e := range slices.Backward(all) {
		if e.Removed == "" && e.Bad == "" && holds(e.Manifest, topic) {
			n, taken := e.Manifest.Number, e.Manifest.Taken.UTC().Format(time.RFC3339)
			return fmt.Sprintf("point %d, taken %s, is the newest good one that contains it: --point %d (in a document backupId: \"%d\")", n, taken, n, n)
		}
	}
	return "no good point of this backup contains it; ottla backup show lists the topics of one"
}
