package groups

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// Commit sets offsets of a group through its coordinator, as no member
// (generation -1), and looks at every answer. The leader epochs of the commits
// are sent as they are: -1 where they belong to another log.
func Commit(ctx context.Context, admin *kadm.Client, group string, commits []format.Commit) error {
	if err := elects(group); err != nil {
		return err
	}
	if len(commits) == 0 {
		return nil
	}
	var offsets kadm.Offsets
	for _, c := range commits {
		offsets.Add(kadm.Offset{Topic: c.Topic, Partition: c.Partition, At: c.Offset, LeaderEpoch: c.Epoch, Metadata: c.Metadata})
	}
	answers, err := admin.CommitOffsets(ctx, group, offsets)
	if err != nil {
		return fmt.Errorf("commit offsets of consumer group %s: %w%s", group, err, hint(err))
	}
	var failed []error
	for _, c := range commits {
		a, ok := answers.Lookup(c.Topic, c.Partition)
		switch {
		case !ok:
			failed = append(failed, fmt.Errorf("commit offset of consumer group %s in %s-%d: the answer leaves it out", group, c.Topic, c.Partition))
		case a.Err != nil:
			failed = append(failed, fmt.Errorf("commit offset of consumer group %s in %s-%d: %w%s", group, c.Topic, c.Partition, a.Err, hint(a.Err)))
		}
	}
	return errors.Join(failed...)
}

// Forget deletes offsets of a group.
func Forget(ctx context.Context, admin *kadm.Client, group string, commits []format.Commit) error {
	if err := elects(group); err != nil {
		return err
	}
	if len(commits) == 0 {
		return nil
	}
	set := kadm.TopicsSet{}
	for _, c := range commits {
		set.Add(c.Topic, c.Partition)
	}
	answers, err := admin.DeleteOffsets(ctx, group, set)
	if err != nil {
		return fmt.Errorf("delete offsets of consumer group %s: %w%s", group, err, hint(err))
	}
	var failed []error
	for topic, partitions := range answers {
		for p, err := range partitions {
			if err != nil {
				failed = append(failed, fmt.Errorf("delete the offset of consumer group %s in %s-%d: %w%s", group, topic, p, err, hint(err)))
			}
		}
	}
	return errors.Join(failed...)
}

// Verify reads a group's offsets again, and names those that are not as they
// should be; gone are those that should not be there.
func Verify(ctx context.Context, admin *kadm.Client, group string, commits, gone []format.Commit) error {
	now, err := committed(ctx, admin, group)
	if err != nil {
		return err
	}
	g := Group{Offsets: now}
	var failed []error
	for _, c := range commits {
		if got, ok := g.At(c.Topic, c.Partition); !ok || got.Offset != c.Offset || got.Metadata != c.Metadata {
			failed = append(failed, fmt.Errorf("consumer group %s in %s-%d: offset %d was set, and is %s now: somebody else has set it", group, c.Topic, c.Partition, c.Offset, text(got, ok)))
		}
	}
	for _, c := range gone {
		if got, ok := g.At(c.Topic, c.Partition); ok {
			failed = append(failed, fmt.Errorf("consumer group %s in %s-%d: its offset was deleted, and is %d now: somebody else has set it", group, c.Topic, c.Partition, got.Offset))
		}
	}
	return errors.Join(failed...)
}

func text(c format.Commit, ok bool) string {
	if !ok {
		return "none"
	}
	return fmt.Sprint(c.Offset)
}

func hint(err error) string {
	switch {
	case errors.Is(err, kerr.UnknownMemberID), errors.Is(err, kerr.IllegalGeneration), errors.Is(err, kerr.NonEmptyGroup), errors.Is(err, kerr.GroupSubscribedToTopic), errors.Is(err, kerr.StaleMemberEpoch):
		return ": the group has members: stop its consumers and try again"
	case errors.Is(err, kerr.GroupAuthorizationFailed):
		return ": allow READ on the group"
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return ": allow READ on the topic"
	default:
		return ""
	}
}
