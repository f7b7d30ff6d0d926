package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/glob"
	"github.com/ottla-io/ottla/sinks/backup/patience"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/restore/groups"
)

// wanted are the groups of the point that are to be restored.
func (j *job) wanted() []format.Group {
	if len(j.o.Groups) == 0 {
		return nil
	}
	var out []format.Group
	for _, g := range j.layout.point.Groups {
		if glob.Any(j.o.Groups, g.Name) {
			out = append(out, g)
		}
	}
	return out
}

func groupNames(all []format.Group) []string {
	out := make([]string, len(all))
	for i, g := range all {
		out[i] = g.Name
	}
	return out
}

// surveyGroups looks which groups can be set.
func (j *job) surveyGroups(ctx context.Context) error {
	for _, name := range j.o.Groups {
		if glob.Literal(name) && !slices.ContainsFunc(j.layout.point.Groups, func(g format.Group) bool { return g.Name == name }) {
			j.problem("group "+name, fmt.Sprintf("point %d does not contain it", j.layout.point.Number), "show the point to see its groups")
		}
	}
	wanted := j.wanted()
	now, err := groups.Describe(ctx, j.target.client(), groupNames(wanted))
	if err != nil {
		j.problem("groups", err.Error(), "allow DESCRIBE and READ on the groups, or restore without them")
		return nil
	}
	for i, g := range wanted {
		sets := 0
		for _, c := range g.Offsets {
			if j.restores(c.Topic, c.Partition) {
				sets++
			}
		}
		j.plan.Groups = append(j.plan.Groups, GroupPlan{Name: g.Name, Live: now[i].Members, Sets: sets})
		if now[i].Live() {
			j.note("group %s has %d members and is left alone: stop its consumers first to have it set", g.Name, now[i].Members)
		}
	}
	return nil
}

// restores tells whether a source partition is part of the restore.
func (j *job) restores(topic string, partition int32) bool {
	return slices.ContainsFunc(j.layout.topics, func(t topicLayout) bool {
		return t.source.Name == topic && slices.ContainsFunc(t.source.Partitions, func(p format.Partition) bool { return p.Partition == partition })
	})
}

// groups puts the groups where they were, by the map of offsets.
func (j *job) groups(ctx context.Context) error {
	wanted := j.wanted()
	if len(wanted) == 0 {
		return nil
	}
	j.phase("groups")
	now, err := patience.Ask(ctx, j.patience, func() ([]groups.Group, error) {
		return groups.Read(ctx, j.target.client(), groupNames(wanted))
	})
	if err != nil {
		return err
	}
	snapshot := groups.Snapshot{Name: j.o.Name, Cluster: j.rec.Cluster, Taken: j.o.now(), Groups: now}
	if snapshot, err = snapshot.Save(ctx, j.o.Repository); err != nil {
		return err
	}
	j.rec.Snapshot = snapshot.Name
	j.step("groups snapshot")
	translated, err := j.translate(ctx, wanted)
	if err != nil {
		return err
	}
	var failed []error
	for i, g := range wanted {
		if now[i].Live() {
			j.leave(fmt.Sprintf("group %s: it has %d members; stop its consumers, then reset it from the mapping of restore %s", g.Name, now[i].Members, j.o.Name))
			continue
		}
		failed = append(failed, j.patiently(ctx, func() error { return j.setGroup(ctx, g.Name, translated[g.Name]) }))
		j.step("group set")
	}
	return errors.Join(failed...)
}

func (j *job) setGroup(ctx context.Context, name string, commits []format.Commit) error {
	if err := groups.Commit(ctx, j.target.admin, name, commits); err != nil {
		return err
	}
	return groups.Verify(ctx, j.target.admin, name, commits, nil)
}

// translate maps what groups had committed to offsets of the target.
func (j *job) translate(ctx context.Context, wanted []format.Group) (map[string][]format.Commit, error) {
	return j.rec.translate(ctx, j.o.Repository, j.layout.point, wanted)
}

// Translate says where groups of a backup stand in what a restore has written,
// by the restore's name: the offsets to commit, by group. Names that the point
// does not have are left out.
func Translate(ctx context.Context, r *repository.Repository, name string, names []string) (map[string][]format.Commit, error) {
	_, rec, err := openJournal(ctx, r, name)
	if err != nil {
		return nil, err
	}
	if rec.Maps == "" {
		return nil, noMap(name)
	}
	point, err := r.Point(ctx, rec.Point)
	if err != nil {
		return nil, err
	}
	wanted := slices.DeleteFunc(slices.Clone(point.Groups), func(g format.Group) bool { return !slices.Contains(names, g.Name) })
	return rec.translate(ctx, r, point, wanted)
}

func (rec record) translate(ctx context.Context, r *repository.Repository, point *repository.Point, wanted []format.Group) (map[string][]format.Commit, error) {
	t := newTranslation(wanted, rec.feeds(point))
	err := eachMap(ctx, r, rec.Name, rec.Maps, func(m Map) error { t.add(m); return nil })
	if err != nil {
		return nil, err
	}
	ends := map[laneKey]int64{}
	for _, topic := range rec.Topics {
		for p, end := range topic.Ends {
			ends[laneKey{topic.Target, p}] = end
		}
	}
	return t.commits(ends), nil
}

// feeds says which source partitions went into which target partitions.
func (rec record) feeds(point *repository.Point) []feed {
	var out []feed
	for _, t := range rec.Topics {
		i := slices.IndexFunc(point.Topics, func(s format.Topic) bool { return s.Name == t.Source })
		if i < 0 {
			continue
		}
		tl := topicLayout{source: point.Topics[i], target: t.Target, partitions: len(t.Starts), place: t.Place}
		for _, s := range tl.streams() {
			for _, lane := range s.lanes {
				f := feed{source: t.Source, target: t.Target, lane: lane}
				for _, p := range s.sources {
					f.partitions = append(f.partitions, p.Partition)
				}
				out = append(out, f)
			}
		}
	}
	return out
}
