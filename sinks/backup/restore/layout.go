package restore

import (
	"fmt"
	"slices"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/glob"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// layout says what of a point goes where: a pure function of point and options.
type layout struct {
	point  *repository.Point
	topics []topicLayout
	window window
	// headers are added to every record.
	headers bool
}

// topicLayout is one topic's way.
type topicLayout struct {
	source     format.Topic
	target     string
	partitions int             // of the target
	place      map[int32]int32 // where a source partition goes; nil: keys are placed anew
}

// stream is one pass over source partitions, one whole partition after the
// other in ascending order, and the target partitions that it feeds.
type stream struct {
	topic   *topicLayout
	sources []format.Partition
	lanes   []int32 // target partitions, ascending
}

// lay chooses topics and says where they go. Problems are what makes no sense
// whatever the target looks like.
func lay(p *repository.Point, o Options) (*layout, []Problem) {
	l := &layout{point: p, window: windowOf(o.From, o.To), headers: o.OffsetHeaders}
	problems := checkRules(o.Rename)
	targets := map[string]string{}
	for _, t := range p.Topics {
		if !glob.Among(o.Topics, t.Name, t.Internal) {
			continue
		}
		tl, found := layTopic(t, o)
		if other, ok := targets[tl.target]; ok {
			found = append(found, Problem{
				Where: "topic " + t.Name, Text: fmt.Sprintf("%s would be restored into %s, too", other, tl.target),
				Hint: "restore one of them at a time, or give them different names",
			})
		}
		targets[tl.target] = t.Name
		problems = append(problems, found...)
		l.topics = append(l.topics, tl)
	}
	if len(l.topics) == 0 {
		problems = append(problems, Problem{Where: "topics", Text: fmt.Sprintf("no topic of point %d is chosen", p.Number), Hint: "name topics of the point, or none for all"})
	}
	return l, problems
}

func layTopic(t format.Topic, o Options) (topicLayout, []Problem) {
	tl := topicLayout{source: t, target: Target(o.Rename, t.Name), partitions: len(t.Partitions)}
	var found []Problem
	problem := func(text, hint string) {
		found = append(found, Problem{Where: "topic " + t.Name, Text: text, Hint: hint})
	}
	switch {
	case internal(tl.target):
		problem(tl.target+" is internal to Kafka: its records mean nothing on another cluster", "give it another name")
	case !legal(tl.target):
		problem(fmt.Sprintf("%q is no name of a topic", tl.target), "letters, digits, '.', '_' and '-', at most 249 of them")
	}
	n, again := o.Repartition[t.Name]
	mapped := o.Partitions[t.Name]
	switch {
	case again && len(mapped) > 0:
		problem("its partitions are mapped and placed anew at once", "choose one of them")
	case again && n < 1:
		problem(fmt.Sprintf("it cannot have %d partitions", n), "give at least 1")
	case again:
		tl.partitions = n
	default:
		tl.place = map[int32]int32{}
		for _, p := range t.Partitions {
			to, ok := mapped[p.Partition]
			if !ok {
				to = p.Partition
			}
			if to < 0 {
				problem(fmt.Sprintf("partition %d is mapped to %d", p.Partition, to), "partitions count from 0")
			}
			tl.place[p.Partition], tl.partitions = to, max(tl.partitions, int(to)+1)
		}
		for from := range mapped {
			if _, ok := tl.place[from]; !ok {
				problem(fmt.Sprintf("it has no partition %d to map", from), "show the point to see its partitions")
			}
		}
	}
	return tl, found
}

// streams cuts a topic into passes that do not depend on each other.
func (t *topicLayout) streams() []*stream {
	sources := slices.Clone(t.source.Partitions)
	slices.SortFunc(sources, func(a, b format.Partition) int { return int(a.Partition) - int(b.Partition) })
	if t.place == nil {
		all := &stream{topic: t, sources: sources}
		for lane := range t.partitions {
			all.lanes = append(all.lanes, int32(lane))
		}
		return []*stream{all}
	}
	byLane := map[int32]*stream{}
	var out []*stream
	for _, p := range sources {
		lane := t.place[p.Partition]
		if byLane[lane] == nil {
			byLane[lane] = &stream{topic: t, lanes: []int32{lane}}
			out = append(out, byLane[lane])
		}
		byLane[lane].sources = append(byLane[lane].sources, p)
	}
	return out
}
