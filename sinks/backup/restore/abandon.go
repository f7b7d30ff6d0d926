package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

var (
	// ErrNotBegun says that no restore of that name is recorded.
	ErrNotBegun = errors.New("no restore of that name was begun")
	// ErrOtherCluster says that a restore was begun on another cluster.
	ErrOtherCluster = errors.New("it was begun on another cluster")
)

// Abandon gives a restore up that is not done. What it has written stays; topics
// that were there get back what they had, topics that it made get what they had
// in the backup, and under its name nothing is restored any more. Of the options
// it takes Name, Dial and Repository. Killed, and called again, it goes on. The
// words say what became of every topic.
func Abandon(ctx context.Context, o Options) (words []string, err error) {
	journal, rec, err := openJournal(ctx, o.Repository, o.Name)
	switch {
	case err != nil:
		return nil, err
	case rec.Phase == "":
		return nil, fmt.Errorf("restore %s: %w", o.Name, ErrNotBegun)
	case !rec.unfinished():
		return []string{fmt.Sprintf("restore %s is %s: there is nothing to give up", o.Name, rec.Phase)}, nil
	}
	t, err := dial(ctx, o, 1)
	if err != nil {
		return nil, err
	}
	defer t.close()
	c, err := t.metadata(ctx, rec.targets())
	if err != nil {
		return nil, err
	}
	if c.id != rec.Cluster {
		return nil, fmt.Errorf("restore %s: %w: on %s, and this is %s", o.Name, ErrOtherCluster, rec.Cluster, c.id)
	}
	if rec.Phase != abandoning { // from here on a run of it that is still at work cannot get to its end
		rec.Phase = abandoning
		if err := journal.write(ctx, rec); err != nil {
			return nil, err
		}
	}
	if words, err = rec.putBack(ctx, o.Repository, t, c); err != nil {
		return nil, fmt.Errorf("give up restore %s: %w", o.Name, err)
	}
	rec.Phase = abandoned
	return words, journal.write(ctx, rec)
}

// unfinished tells a restore that was begun, and whose topics are lifted.
func (rec record) unfinished() bool {
	return rec.Phase != "" && rec.Phase != finished && rec.Phase != abandoned
}

func (rec record) targets() []string {
	out := make([]string, len(rec.Topics))
	for i, t := range rec.Topics {
		out[i] = t.Target
	}
	return out
}

// putBack configures the topics of a restore that is given up.
func (rec record) putBack(ctx context.Context, r *repository.Repository, t *target, c cluster) (words []string, err error) {
	changes := map[string]map[string]*string{}
	for _, topic := range rec.Topics {
		state := c.topics[topic.Target]
		why, err := rec.notOurs(ctx, t, topic, state)
		if err != nil {
			return nil, err
		}
		if why != "" {
			words = append(words, "topic "+topic.Target+" "+why)
			continue
		}
		set, note, err := rec.final(ctx, r, topic, state.replicas)
		if err != nil {
			return nil, err
		}
		changes[topic.Target] = set
		words = append(words, strings.TrimSuffix(fmt.Sprintf("topic %s is configured as it was; %s", topic.Target, note), "; "))
	}
	return words, t.alter(ctx, changes)
}

// notOurs has words for a topic that is not, or may not be, the one that the
// restore has lifted or made.
func (rec record) notOurs(ctx context.Context, t *target, topic topicRecord, state topicState) (string, error) {
	switch {
	case errors.Is(state.err, kerr.UnknownTopicOrPartition):
		return "is not there", nil
	case state.err != nil:
		return "", fmt.Errorf("look at topic %s: %w", topic.Target, state.err)
	case topic.ID != "" && topic.ID != idText(state.id):
		return "was deleted and created anew since, and is left alone", nil
	}
	if topic.ID == "" { // it was to be made, and whether it was is not written down
		configs, err := t.configs(ctx, []string{topic.Target})
		if err != nil {
			return "", err
		}
		if !isLifted(configs[topic.Target]) {
			return "is not as the restore makes topics, and is left alone", nil
		}
	}
	return "", nil
}

// final is what a topic of the restore is configured with in the end.
func (rec record) final(ctx context.Context, r *repository.Repository, t topicRecord, replicas int) (set map[string]*string, note string, err error) {
	tl := topicLayout{}
	if t.Action == actionCreate {
		point, err := r.Point(ctx, rec.Point)
		switch {
		case errors.Is(err, repository.ErrNoPoint):
			note = fmt.Sprintf("point %d is gone, and what topic %s had in it: it gets the cluster's defaults", rec.Point, t.Source)
		case err != nil:
			return nil, "", err
		default:
			if i := slices.IndexFunc(point.Topics, func(s format.Topic) bool { return s.Name == t.Source }); i >= 0 {
				tl.source = point.Topics[i]
			}
		}
	}
	set, left := tl.final(t, replicas)
	return set, note + left, nil
}

// inherit finds what a lifted topic had before another restore lifted it, which
// is not done: as it is now it must not stay.
func (j *job) inherit(ctx context.Context, t *topicRecord, state topicState) error {
	names, err := j.o.Repository.Names(ctx, "restores")
	if err != nil {
		return err
	}
	for _, name := range names {
		if name == j.o.Name || strings.HasSuffix(name, "-offsets") {
			continue
		}
		_, rec, err := openJournal(ctx, j.o.Repository, name)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(rec.Topics, func(other topicRecord) bool { return other.ID == idText(state.id) })
		if i < 0 || !rec.unfinished() {
			continue
		}
		if t.Had, _, err = rec.final(ctx, j.o.Repository, rec.Topics[i], state.replicas); err != nil {
			return err
		}
		j.note("%s is lifted by restore %s, which is not done: it gets back what it had before that", t.Target, name)
		return nil
	}
	return nil
}
