package restore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// Check plans a restore and writes nothing: a dry run that asks the target for
// reach, rights, data, limits and groups. What could not be asked is in the
// notes. A restore with problems would not begin.
func Check(ctx context.Context, o Options) (Plan, error) {
	j, err := open(ctx, o)
	if err != nil {
		return Plan{}, err
	}
	j.target.close()
	return j.plan, nil
}

// survey looks at the target, makes the plan and, for a restore that has not
// begun, the record of it.
func (j *job) survey(ctx context.Context, problems []Problem) error {
	p := j.layout.point
	j.plan = Plan{Point: p.Number, Taken: p.Taken, Exact: j.layout.window.open(), Problems: problems}
	c, err := j.target.metadata(ctx, j.names())
	if err != nil {
		return err
	}
	j.plan.Cluster = c.id
	fresh := j.rec.Phase == ""
	if !fresh {
		if err := j.rec.belongs(j.o, c.id); err != nil {
			return err
		}
	} else {
		j.rec = record{Name: j.o.Name, Spec: j.o.digest(), Point: p.Number, Cluster: c.id, Began: j.o.now()}
	}
	for i := range j.layout.topics {
		tl := &j.layout.topics[i]
		tp := j.count(tl)
		if fresh {
			action, err := j.surveyTopic(ctx, tl, c)
			if err != nil {
				return err
			}
			tp.Action = action.Action
			j.rec.Topics = append(j.rec.Topics, action)
		} else {
			tp.Action = resumed(j.rec.Phase)
		}
		j.plan.Topics = append(j.plan.Topics, tp)
		j.plan.Records += tp.Records
		j.plan.Bytes += tp.Bytes
	}
	if fresh {
		if err := j.dryCreate(ctx, c); err != nil {
			return err
		}
		j.surveyRights(ctx, c)
		j.surveyTimes()
		j.surveySizes(ctx, c)
	}
	if !j.plan.Exact {
		j.note("a time window is a filter on the timestamps of records: how many there are in it is only known when they are read, the numbers are the most there can be")
	}
	j.surveyOptions()
	j.surveyAccess(ctx)
	return j.surveyGroups(ctx)
}

// surveyOptions refuses options that say nothing.
func (j *job) surveyOptions() {
	switch j.o.Existing {
	case "", "refuse", actionAppend, actionPurge:
	default:
		j.problem("existing data", fmt.Sprintf("%q is no way to treat it", j.o.Existing), "refuse, append or purge")
	}
	if w := j.layout.window; w.from != nil && w.to != nil && *w.from > *w.to {
		j.problem("time window", "it ends before it begins", "give an end behind the start")
	}
	if j.o.Acks < -1 || j.o.Acks > 1 {
		j.problem("acks", fmt.Sprintf("%d is no number of replicas", j.o.Acks), "-1 for all in sync, or 1")
	}
}

func resumed(phase string) string {
	if phase == finished || phase == loaded {
		return actionDone
	}
	return actionResume
}

func (j *job) problem(where, text, hint string) {
	j.plan.Problems = append(j.plan.Problems, Problem{Where: where, Text: text, Hint: hint})
}

func (j *job) note(format string, args ...any) {
	j.plan.Notes = append(j.plan.Notes, fmt.Sprintf(format, args...))
}

// count sums up what the point holds of a topic. With a window it is what may
// be in it: records are not decoded here.
func (j *job) count(tl *topicLayout) TopicPlan {
	tp := TopicPlan{Source: tl.source.Name, Target: tl.target, Partitions: tl.partitions}
	for _, p := range tl.source.Partitions {
		for _, ref := range j.layout.point.Refs(tl.source.Name, p.Partition) {
			if !j.layout.window.misses(ref) {
				tp.Records += recordsOf(ref)
				tp.Bytes += max(ref.Raw, ref.Length)
			}
		}
	}
	if tl.place == nil {
		tp.Notes = append(tp.Notes, fmt.Sprintf("%d partitions become %d: every key keeps its order, records of different keys may not", len(tl.source.Partitions), tl.partitions))
	}
	if since := j.layout.misses(tl); since > 0 {
		tp.Notes = append(tp.Notes, fmt.Sprintf("the window begins before %s, which is the oldest that was left of it when the point was taken: an earlier point may have more",
			time.UnixMilli(since).UTC().Format(time.RFC3339)))
	}
	return tp
}

// misses is the first timestamp that the point has of a topic, in milliseconds,
// where its log had lost what came before and the window begins there; 0 if it
// misses nothing that can be told without reading records.
func (l *layout) misses(tl *topicLayout) int64 {
	since := int64(0)
	for _, p := range tl.source.Partitions {
		refs := l.point.Refs(tl.source.Name, p.Partition)
		i := slices.IndexFunc(refs, func(r repository.Ref) bool { return r.Records > 0 })
		if p.Start > 0 && i >= 0 && l.window.from != nil && refs[i].FirstTime > *l.window.from && (since == 0 || refs[i].FirstTime < since) {
			since = refs[i].FirstTime
		}
	}
	return since
}

// recordsOf is how many records a ref takes of its frame, at most.
func recordsOf(r repository.Ref) int64 { return min(r.Records, r.To-r.From) }

// surveyTopic decides what becomes of a topic.
func (j *job) surveyTopic(ctx context.Context, tl *topicLayout, c cluster) (topicRecord, error) {
	t := topicRecord{Source: tl.source.Name, Target: tl.target, Action: actionCreate, Place: tl.place}
	where, state := "topic "+tl.target, c.topics[tl.target]
	switch {
	case errors.Is(state.err, kerr.UnknownTopicOrPartition):
		if !j.o.Create {
			j.problem(where, "it is not there", "create it first, or let the restore create topics")
		}
		if n := j.o.replicas(tl.source.Replicas); n > c.brokers {
			j.problem(where, fmt.Sprintf("%d replicas are asked for, the cluster has %d brokers", n, c.brokers), "give a replication factor for created topics")
		}
		return t, nil
	case errors.Is(state.err, kerr.InvalidTopicException):
		return t, nil // lay has said so
	case state.err != nil:
		j.problem(where, "it cannot be looked at: "+state.err.Error(), "allow DESCRIBE on the topic")
		return t, nil
	}
	return t, j.surveyExisting(ctx, tl, state, &t)
}

// surveyExisting looks at a topic that is there.
func (j *job) surveyExisting(ctx context.Context, tl *topicLayout, state topicState, t *topicRecord) error {
	where := "topic " + tl.target
	t.Action = actionAppend
	switch n := len(state.leaders); {
	case n < tl.partitions:
		j.problem(where, fmt.Sprintf("it has %d partitions, %d are needed", n, tl.partitions), "add partitions, map them, or place the keys anew")
		return nil
	case n > tl.partitions:
		j.note("%s has %d partitions, %d in the backup: new records of a key may land in another partition than the restored ones", tl.target, n, tl.partitions)
	}
	configs, err := j.target.configs(ctx, []string{tl.target})
	if err != nil {
		j.problem(where, err.Error(), "allow DESCRIBE_CONFIGS on the topic")
		return nil
	}
	now := configs[tl.target]
	t.ID, t.Had = idText(state.id), had(now)
	if isLifted(now) {
		if err := j.inherit(ctx, t, state); err != nil {
			return err
		}
	}
	if !tl.source.Compacted && strings.Contains(now["cleanup.policy"].value, "compact") {
		j.note("%s is compacted, and was not in the backup: records without a key will be removed by its cleaner", tl.target)
	}
	j.expires(tl, now["cleanup.policy"].value, now["retention.ms"].value)
	return j.surveyData(ctx, tl, slices.Sorted(maps.Keys(state.leaders)), t)
}

// surveyData looks whether the topic holds records, in any partition.
func (j *job) surveyData(ctx context.Context, tl *topicLayout, partitions []int32, t *topicRecord) error {
	starts, err := j.target.offsets(ctx, tl.target, partitions, -2)
	if err != nil {
		return err
	}
	ends, err := j.target.offsets(ctx, tl.target, partitions, -1)
	if err != nil {
		return err
	}
	held := int64(0)
	for p, end := range ends {
		held += end - starts[p]
	}
	switch {
	case held == 0:
	case j.o.Existing == actionPurge:
		t.Action = actionPurge
		j.note("%s: %d offsets of records are removed first", tl.target, held)
	case j.o.Existing != actionAppend:
		j.problem("topic "+tl.target, fmt.Sprintf("it holds %d offsets of records already", held), "restore under another name, append to it, or purge it first")
	}
	return nil
}

// expires notes how many records retention will remove once it is in force.
func (j *job) expires(tl *topicLayout, policy, retention string) {
	ms, err := strconv.ParseInt(retention, 10, 64)
	if err != nil || ms < 0 || policy != "" && !strings.Contains(policy, "delete") {
		return
	}
	j.expiry[tl.target] = 0
	before := j.o.now().Add(-time.Duration(min(ms, int64(1)<<43)) * time.Millisecond).UnixMilli()
	for _, p := range tl.source.Partitions {
		for _, ref := range j.layout.point.Refs(tl.source.Name, p.Partition) {
			if ref.Length > 0 && !j.layout.window.misses(ref) && ref.MaxTime < before {
				j.expiry[tl.target] += recordsOf(ref)
			}
		}
	}
}

// dryCreate asks the brokers whether they would create the topics as they are
// to be in the end.
func (j *job) dryCreate(ctx context.Context, c cluster) error {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.ValidateOnly = true
	for i, t := range j.rec.Topics {
		tl := &j.layout.topics[i]
		replicas := j.o.replicas(tl.source.Replicas)
		if t.Action != actionCreate || !j.o.Create || replicas > c.brokers || internal(t.Target) || !legal(t.Target) || tl.partitions < 1 {
			continue
		}
		set, note := tl.final(t, replicas)
		if note != "" {
			j.note("%s: %s", t.Target, note)
		}
		req.Topics = append(req.Topics, newTopic(t.Target, tl.partitions, replicas, set))
	}
	if len(req.Topics) == 0 {
		return nil
	}
	resp, err := req.RequestWith(ctx, j.target.client())
	if err != nil {
		return fmt.Errorf("ask whether topics can be created: %w", err)
	}
	for _, rt := range resp.Topics {
		if err := kerr.ErrorForCode(rt.ErrorCode); err != nil {
			j.problem("topic "+rt.Topic, "it cannot be created: "+err.Error()+because(rt.ErrorMessage), createHint(err))
			continue
		}
		effective := map[string]string{}
		for _, cfg := range rt.Configs {
			if cfg.Value != nil {
				effective[cfg.Name] = *cfg.Value
			}
		}
		j.expires(j.layoutOf(rt.Topic), effective["cleanup.policy"], effective["retention.ms"])
	}
	return nil
}

func createHint(err error) string {
	if errors.Is(err, kerr.TopicAuthorizationFailed) || errors.Is(err, kerr.ClusterAuthorizationFailed) {
		return "allow CREATE on the cluster or on the topic"
	}
	return "mend what the broker names, or create the topic by hand as it should be"
}
