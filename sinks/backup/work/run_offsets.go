package work

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/glob"
	"github.com/ottla-io/ottla/sinks/backup/restore/offsets"
)

// resetOnce puts groups to other offsets. A group with members is left alone.
func (s *Service) resetOnce(ctx context.Context, _ *job, of policyRun) (result, error) {
	h, err := s.homeFor(ctx, of.brief())
	if err != nil {
		return result{}, err
	}
	open, err := s.dialer(of.spec, of.means)
	if err != nil {
		return result{}, err
	}
	spec := of.spec
	o := offsets.ResetOptions{
		Name: restoreName(of), Dial: open, Repository: h.Repository, Groups: spec.List("groups"), Strategy: offsets.Strategy(spec["strategy"]),
		Timestamp: spec.Time("timestamp"), Offset: spec.Int("offset"), ContinueOnError: spec.Is("continueOnError"),
		Snapshot: true, DryRun: spec.Is(backup.FieldDryRun), Now: s.o.Now,
	}
	if o.Topics, err = topicsOf(ctx, open, spec.List(backup.FieldTopics)); err != nil {
		return result{}, err
	}
	if o.Strategy == offsets.FromMapping {
		h, name, err := s.ofRestore(ctx, of.id, spec["mapping"])
		if err != nil {
			return result{}, err
		}
		o.Mapping, o.Restore = h.Repository, name
	}
	report, err := offsets.Reset(ctx, o)
	out := setWords(report)
	if report.Snapshot != "" {
		out.text = append(out.text, "the groups as they were: snapshot "+report.Snapshot)
	}
	if err != nil && o.ContinueOnError {
		out.text = append(out.text, strings.Split(err.Error(), "\n")...)
		err = nil
	}
	return out, err
}

// topicsOf are the topics that patterns name on the cluster.
func topicsOf(ctx context.Context, open dial, patterns []string) ([]string, error) {
	if len(patterns) == 0 {
		return nil, nil
	}
	client, err := open(ctx)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	all, err := kadm.NewClient(client).ListTopics(ctx)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	named := slices.DeleteFunc(all.Names(), func(t string) bool { return !glob.Any(patterns, t) })
	if len(named) == 0 {
		return nil, fmt.Errorf("there is no topic %s", strings.Join(patterns, ", "))
	}
	return named, nil
}

// setWords say what became, or would become, of each group.
func setWords(r offsets.Report) result {
	out := result{report: r}
	for _, g := range r.Groups {
		switch {
		case r.DryRun && g.Live > 0:
			out.text = append(out.text, fmt.Sprintf("dry run: group %s would be left alone: it has %d members; stop its consumers first", g.Group, g.Live))
		case r.DryRun:
			out.text = append(out.text, fmt.Sprintf("dry run: group %s would be set in %d partitions", g.Group, len(g.Moves)))
		case g.Error == "" && g.Live == 0:
			out.text = append(out.text, fmt.Sprintf("group %s is set in %d partitions", g.Group, len(g.Moves)))
		}
	}
	return out
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
	open, err := s.dialer(of.spec, of.means)
	if err != nil {
		return result{}, err
	}
	report, err := offsets.Rollback(ctx, offsets.RollbackOptions{
		Snapshot: name, Dial: open, Repository: h.Repository, Groups: of.spec.List("groups"),
		DryRun: of.spec.Is(backup.FieldDryRun), Verify: true, Now: s.o.Now,
	})
	return setWords(report), err
}
