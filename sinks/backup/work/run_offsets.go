package work

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/restore"
	"github.com/ottla-io/ottla/sinks/backup/restore/groups"
)

// admin opens a client that asks a document's cluster.
func (s *Service) admin(ctx context.Context, of policyRun) (*kadm.Client, error) {
	open, err := s.dialer(of.spec, of.means)
	if err != nil {
		return nil, err
	}
	client, err := open(ctx)
	if err != nil {
		return nil, err
	}
	return kadm.NewClient(client), nil
}

// resetOnce puts groups to other offsets. A group with members is left alone.
func (s *Service) resetOnce(ctx context.Context, _ *job, of policyRun) (result, error) {
	h, err := s.homeFor(ctx, of.brief())
	if err != nil {
		return result{}, err
	}
	admin, err := s.admin(ctx, of)
	if err != nil {
		return result{}, err
	}
	defer admin.Close()
	now, err := groups.Read(ctx, admin, of.spec.List("groups"))
	if err != nil {
		return result{}, err
	}
	targets, err := s.resetTargets(ctx, admin, of, now)
	if err != nil {
		return result{}, err
	}
	name := restoreName(of)
	if !of.spec.Is(backup.FieldDryRun) {
		if _, err := (groups.Snapshot{Name: name, Taken: s.o.Now(), Groups: now}).Save(ctx, h.Repository); err != nil {
			return result{}, err
		}
	}
	out, err := setGroups(ctx, admin, of.spec, now, targets)
	out.text = append(out.text, "the groups as they were: snapshot "+name)
	return out, err
}

// setGroups commits each group's offsets and reads them again.
func setGroups(ctx context.Context, admin *kadm.Client, spec backup.Spec, now []groups.Group, targets map[string][]format.Commit) (result, error) {
	var out result
	var failed []error
	for _, g := range now {
		commits := targets[g.Name]
		switch {
		case spec.Is(backup.FieldDryRun):
			out.text = append(out.text, fmt.Sprintf("dry run: group %s would be set in %d partitions%s", g.Name, len(commits), alive(g)))
			continue
		case g.Live():
			failed = append(failed, fmt.Errorf("group %s is left alone%s", g.Name, alive(g)))
			continue
		}
		err := groups.Commit(ctx, admin, g.Name, commits)
		if err == nil {
			err = groups.Verify(ctx, admin, g.Name, commits, nil)
		}
		if err == nil {
			out.text = append(out.text, fmt.Sprintf("group %s is set in %d partitions", g.Name, len(commits)))
		}
		failed = append(failed, err)
	}
	err := errors.Join(failed...)
	if err != nil && spec.Is("continueOnError") {
		out.text = append(out.text, strings.Split(err.Error(), "\n")...)
		return out, nil
	}
	return out, err
}

func alive(g groups.Group) string {
	if !g.Live() {
		return ""
	}
	return fmt.Sprintf(": it has %d members; stop its consumers first", g.Members)
}

// resetTargets are the offsets that each group is put to.
func (s *Service) resetTargets(ctx context.Context, admin *kadm.Client, of policyRun, now []groups.Group) (map[string][]format.Commit, error) {
	if of.spec["strategy"] == "from-mapping" {
		return s.mapped(ctx, of, now)
	}
	topics, err := resetTopics(ctx, admin, of.spec, now)
	if err != nil || len(topics) == 0 {
		return nil, err
	}
	listed, err := resetOffsets(ctx, admin, of.spec, topics)
	if err != nil {
		return nil, err
	}
	if err := listed.Error(); err != nil {
		return nil, fmt.Errorf("read the offsets of the topics: %w", err)
	}
	targets := map[string][]format.Commit{}
	for _, g := range now {
		listed.Each(func(o kadm.ListedOffset) {
			if _, had := g.At(o.Topic, o.Partition); had || len(of.spec.List(backup.FieldTopics)) > 0 {
				targets[g.Name] = append(targets[g.Name], format.Commit{Topic: o.Topic, Partition: o.Partition, Offset: o.Offset, Epoch: -1})
			}
		})
		groups.Sort(targets[g.Name])
	}
	return targets, nil
}

// resetTopics are those the document names, and otherwise all that the groups
// have committed to.
func resetTopics(ctx context.Context, admin *kadm.Client, spec backup.Spec, now []groups.Group) ([]string, error) {
	var topics []string
	for _, g := range now {
		for _, c := range g.Offsets {
			topics = append(topics, c.Topic)
		}
	}
	if named := spec.List(backup.FieldTopics); len(named) > 0 {
		all, err := admin.ListTopics(ctx)
		if err != nil {
			return nil, fmt.Errorf("list topics: %w", err)
		}
		topics = nil
		for _, t := range all.Names() {
			if matches(named, t) {
				topics = append(topics, t)
			}
		}
	}
	slices.Sort(topics)
	return slices.Compact(topics), nil
}

func resetOffsets(ctx context.Context, admin *kadm.Client, spec backup.Spec, topics []string) (kadm.ListedOffsets, error) {
	switch spec["strategy"] {
	case "to-earliest":
		return admin.ListStartOffsets(ctx, topics...)
	case "to-latest":
		return admin.ListEndOffsets(ctx, topics...)
	case "to-timestamp":
		return admin.ListOffsetsAfterMilli(ctx, spec.Time("timestamp").UnixMilli(), topics...)
	}
	return withinLog(ctx, admin, spec.Int("offset"), topics)
}

// withinLog is one offset in every partition, and the nearest end of the log
// where it has none of that number.
func withinLog(ctx context.Context, admin *kadm.Client, offset int64, topics []string) (kadm.ListedOffsets, error) {
	starts, err := admin.ListStartOffsets(ctx, topics...)
	if err != nil {
		return nil, err
	}
	ends, err := admin.ListEndOffsets(ctx, topics...)
	if err != nil {
		return nil, err
	}
	ends.Each(func(e kadm.ListedOffset) {
		low, _ := starts.Lookup(e.Topic, e.Partition)
		e.Offset = min(max(offset, low.Offset), e.Offset)
		ends[e.Topic][e.Partition] = e
	})
	return ends, nil
}

// mapped takes each group's offsets through the map that a restore wrote.
func (s *Service) mapped(ctx context.Context, of policyRun, now []groups.Group) (map[string][]format.Commit, error) {
	h, name, err := s.ofRestore(ctx, of.id, of.spec["mapping"])
	if err != nil {
		return nil, err
	}
	targets := map[string][]format.Commit{}
	known := map[string]bool{}
	err = restore.Offsets(ctx, h.Repository, name, func(m restore.Map) error {
		for _, g := range now {
			c, had := g.At(m.Source, m.Partition)
			key := fmt.Sprint(g.Name, "|", m.Target, "|", m.TargetPartition)
			if !had || known[key] {
				continue
			}
			to, found := m.Of(c.Offset)
			if !found && m.End == 0 {
				continue // a later piece of this map is behind it
			}
			known[key] = true
			targets[g.Name] = append(targets[g.Name], format.Commit{Topic: m.Target, Partition: m.TargetPartition, Offset: to, Epoch: -1, Metadata: c.Metadata})
		}
		return nil
	})
	return targets, err
}

// ofRestore finds the repository of a KafkaRestore and the name it is recorded
// under.
func (s *Service) ofRestore(ctx context.Context, near reconcile.ID, restored string) (*home, string, error) {
	namespace, _ := nameOf(near)
	id := backup.IDOf(backup.KindJob, backup.DoesRestore, namespace, restored)
	b := s.briefOf(id)
	if b.spec() == nil {
		return nil, "", fmt.Errorf("no KafkaRestore %s is declared in namespace %s: its document says where its records are", restored, namespace)
	}
	h, err := s.homeFor(ctx, b)
	if err != nil {
		return nil, "", err
	}
	r, found, err := recordOf(ctx, h, id)
	if err != nil {
		return nil, "", err
	}
	if !found {
		return nil, "", fmt.Errorf("KafkaRestore %s/%s was not carried out yet", namespace, restored)
	}
	return h, restoreName(policyRun{id: id, spec: r.Spec}), nil
}

// homeOfSnapshot is where a rollback's snapshot is, and its own record: with
// the restore that took it, or with the jobs that have no backup.
func (s *Service) homeOfSnapshot(ctx context.Context, b brief) (*home, error) {
	if restored := b.spec()["snapshot.restore"]; restored != "" {
		h, _, err := s.ofRestore(ctx, b.id, restored)
		return h, err
	}
	return s.own(ctx)
}

// snapshotName is how a rollback's snapshot is called.
func (s *Service) snapshotName(ctx context.Context, h *home, of policyRun) (string, error) {
	if restored := of.spec["snapshot.restore"]; restored != "" {
		_, name, err := s.ofRestore(ctx, of.id, restored)
		return name, err
	}
	reset := of.spec["snapshot.reset"]
	if reset == "" {
		return of.spec["snapshot"], nil
	}
	namespace, _ := nameOf(of.id)
	id := backup.IDOf(backup.KindJob, backup.DoesReset, namespace, reset)
	r, found, err := recordOf(ctx, h, id)
	if err == nil && !found {
		err = fmt.Errorf("KafkaOffsetReset %s/%s was not carried out yet", namespace, reset)
	}
	return restoreName(policyRun{id: id, spec: r.Spec}), err
}

// rollbackOnce puts groups where a snapshot says they were: offsets that they
// did not have then are taken away.
func (s *Service) rollbackOnce(ctx context.Context, _ *job, of policyRun) (result, error) {
	h, err := s.homeFor(ctx, of.brief())
	if err != nil {
		return result{}, err
	}
	name, err := s.snapshotName(ctx, h, of)
	if err != nil {
		return result{}, err
	}
	was, err := groups.Load(ctx, h.Repository, name)
	if err != nil {
		return result{}, err
	}
	admin, err := s.admin(ctx, of)
	if err != nil {
		return result{}, err
	}
	defer admin.Close()
	return rollBack(ctx, admin, of.spec, was)
}

func rollBack(ctx context.Context, admin *kadm.Client, spec backup.Spec, was groups.Snapshot) (result, error) {
	var then []groups.Group
	var names []string
	for _, g := range was.Groups {
		if only := spec.List("groups"); len(only) == 0 || slices.Contains(only, g.Name) {
			then, names = append(then, g), append(names, g.Name)
		}
	}
	now, err := groups.Read(ctx, admin, names)
	if err != nil {
		return result{}, err
	}
	targets := map[string][]format.Commit{}
	var failed []error
	for i, g := range then {
		targets[g.Name] = g.Offsets
		if now[i].Live() || spec.Is(backup.FieldDryRun) {
			continue
		}
		var gone []format.Commit
		for _, c := range now[i].Offsets {
			if _, had := g.At(c.Topic, c.Partition); !had {
				gone = append(gone, c)
			}
		}
		failed = append(failed, groups.Forget(ctx, admin, g.Name, gone))
	}
	if err := errors.Join(failed...); err != nil {
		return result{}, err
	}
	return setGroups(ctx, admin, spec, now, targets)
}
