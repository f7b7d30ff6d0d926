package work

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/restore"
)

// restoreName is under which a restore is recorded: the same text of the same
// document goes on where it stopped, another text is another restore.
func restoreName(of policyRun) string {
	namespace, name := nameOf(of.id)
	return namespace + "." + name + "-" + digestOf(of.spec)
}

// restoreOptions are what a KafkaRestore asks for.
func (s *Service) restoreOptions(ctx context.Context, of policyRun) (restore.Options, error) {
	h, err := s.homeFor(ctx, of.brief())
	if err != nil {
		return restore.Options{}, err
	}
	open, err := s.dialer(of.spec, of.means)
	if err != nil {
		return restore.Options{}, err
	}
	if h.sealed {
		return restore.Options{}, errors.New("the backup is encrypted, and no identity is at hand that reads it (stores[].encryption.identityFiles)")
	}
	spec := of.spec
	o := restore.Options{
		Name: restoreName(of), Dial: open, Repository: h.Repository, Point: spec.Int(backup.FieldPoint),
		Topics: spec.List(backup.FieldTopics), Rename: spec.Below("rename"), From: spec.Time("from"), To: spec.Time("to"),
		Create: spec.Is("create"), Replicas: int(spec.Int("replicas")), Existing: spec[backup.FieldExisting],
		Groups: spec.List("groups"), ACLs: strings.Contains(spec["access"], "acls"), Quotas: strings.Contains(spec["access"], "quotas"),
		Prove: spec.Is("prove"), BytesPerSec: spec.Int("bytesPerSec"), RecordsPerSec: spec.Int("recordsPerSec"),
		Concurrency: int(spec.Int("concurrency")), Acks: acks(spec), Timeout: spec.Duration("timeout"), Memory: s.o.Memory, Now: s.o.Now, Step: s.o.Step,
	}
	o.Repartition = counts(spec.Below("repartition"))
	o.Partitions, err = partitions(ctx, h, o.Point, spec.Below("partitions"))
	return o, err
}

// acks of produce requests; all in-sync replicas where nothing is said.
func acks(spec backup.Spec) int16 {
	if spec["acks"] == "" {
		return -1
	}
	return int16(spec.Int("acks")) //nolint:gosec // -1 to 1, checked when it was decoded
}

func counts(below map[string]string) map[string]int {
	out := map[string]int{}
	for topic, text := range below {
		out[topic], _ = strconv.Atoi(text)
	}
	return out
}

// partitions spreads one mapping over all topics of the point: a KafkaRestore
// does not say which it is for.
func partitions(ctx context.Context, h *home, point int64, below map[string]string) (map[string]map[int32]int32, error) {
	if len(below) == 0 {
		return nil, nil
	}
	mapping := map[int32]int32{}
	for from, to := range below {
		a, err := strconv.ParseInt(from, 10, 32)
		b, err2 := strconv.ParseInt(to, 10, 32)
		if err := errors.Join(err, err2); err != nil || a < 0 || b < 0 || b > math.MaxInt32 {
			return nil, fmt.Errorf("partitionMapping %s: %s is no partition", from, to)
		}
		mapping[int32(a)] = int32(b)
	}
	p, err := h.point(ctx, point)
	if err != nil {
		return nil, err
	}
	out := map[string]map[int32]int32{}
	for _, t := range p.Topics {
		out[t.Name] = mapping
	}
	return out, nil
}

// restoreOnce gives a point back, or only says what that would be.
func (s *Service) restoreOnce(ctx context.Context, j *job, of policyRun) (result, error) {
	o, err := s.restoreOptions(ctx, of)
	if err != nil {
		return result{}, err
	}
	plan, err := s.engine.check(ctx, o)
	if err != nil {
		return result{}, err
	}
	if of.spec.Is(backup.FieldDryRun) {
		return result{point: plan.Point, text: planned(plan), report: plan}, nil
	}
	if len(plan.Problems) > 0 {
		return result{}, problems(plan)
	}
	if err := s.emptied(of.spec, plan); err != nil {
		return result{}, err
	}
	if err := s.claim(ctx, j, of, targets(plan)); err != nil {
		return result{}, err
	}
	o.PurgeUpTo = s.heldFor(j, of)
	o.Progress = func(p restore.Progress) {
		j.progress(func(v *sinks.Job) {
			v.Done, v.Total, v.Unit, v.Point = p.Records, p.RecordsTotal, "records", plan.Point
			v.Text = fmt.Sprintf("%s: %d of %d partitions", p.Phase, p.PartitionsDone, p.Partitions)
		})
		s.restoring(of.id, p)
	}
	report, err := s.engine.restore(ctx, o)
	s.restored(of.id)
	if err != nil {
		return result{}, err
	}
	out := result{point: report.Point, text: restoredWords(report), report: report}
	if len(report.Unequal) > 0 {
		return out, fmt.Errorf("what was restored is not what was backed up: %s", strings.Join(report.Unequal, "; "))
	}
	return out, nil
}

// abandon gives up what a restore under way has lifted of topics. The words say
// what became of each.
func (s *Service) abandon(ctx context.Context, id reconcile.ID, r record, m means) ([]string, error) {
	of := policyRun{id: id, spec: r.Spec, means: m}
	if doesOf(id) != backup.DoesRestore || of.spec.Is(backup.FieldDryRun) {
		return nil, nil
	}
	h, err := s.homeFor(ctx, of.brief())
	if err != nil {
		return nil, err
	}
	open, err := s.dialer(of.spec, of.means)
	if err != nil { // no later round could reach it either
		return []string{"what it lifted of its topics stays so: " + err.Error()}, nil
	}
	words, err := restore.Abandon(ctx, restore.Options{Name: restoreName(of), Dial: open, Repository: h.Repository, Now: s.o.Now})
	switch {
	case errors.Is(err, restore.ErrNotBegun):
		return nil, nil
	case errors.Is(err, restore.ErrOtherCluster):
		return []string{"what it lifted of its topics there stays so: " + err.Error()}, nil
	}
	return words, err
}

// targets are the topics a restore writes to.
func targets(p restore.Plan) []reconcile.ID {
	var ids []reconcile.ID
	for _, t := range p.Topics {
		ids = append(ids, reconcile.ID{Kind: kindTopic, Name: t.Target})
	}
	return ids
}

const kindTopic = "Topic"

// planned is a dry run in words.
func planned(p restore.Plan) []string {
	text := []string{fmt.Sprintf("dry run: %d records and %d bytes of point %d into %d topics; nothing was written", p.Records, p.Bytes, p.Point, len(p.Topics))}
	for _, t := range p.Topics {
		text = append(text, fmt.Sprintf("%s → %s: %s, %d records", t.Source, t.Target, t.Action, t.Records))
	}
	for _, one := range p.Problems {
		text = append(text, fmt.Sprintf("would not begin: %s: %s (%s)", one.Where, one.Text, one.Hint))
	}
	return append(text, p.Notes...)
}

func problems(p restore.Plan) error {
	var words []string
	for _, one := range p.Problems {
		text := one.Where + ": " + one.Text
		if one.Hint != "" {
			text += " (" + one.Hint + ")"
		}
		words = append(words, text)
	}
	return errors.New("the restore cannot begin: " + strings.Join(words, "; "))
}

func restoredWords(r restore.Report) []string {
	text := []string{fmt.Sprintf("%d records of point %d restored in %s", r.Restored, r.Point, r.Took.Round(1e7))}
	if len(r.Proof) > 0 {
		text = append(text, fmt.Sprintf("proven: the record digests of %d partitions are those of the backup", len(r.Proof)))
	}
	for _, left := range r.Left {
		text = append(text, "left alone: "+left)
	}
	if r.Snapshot != "" {
		text = append(text, "the groups as they were: snapshot "+r.Snapshot)
	}
	return append(text, r.Notes...)
}
