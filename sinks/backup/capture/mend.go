package capture

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sync/errgroup"

	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup/format"
)

// mend looks after partitions that fail: who leads them now, are they still
// there, does the log begin behind us? It puts them back until they can be read,
// or patience ends.
func (c *copier) mend(ctx context.Context, work *errgroup.Group) error {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 20*time.Millisecond, 2*time.Second
	for last := time.Now(); ; last = time.Now() {
		broken := c.queue.broken()
		if broken == nil {
			return context.Cause(ctx)
		}
		if time.Since(last) > pause.MaxInterval {
			pause.Reset()
		}
		if err := sleep(ctx, pause.NextBackOff()); err != nil {
			return err
		}
		c.Step("mend")
		if err := c.look(ctx, broken); err != nil {
			return err
		}
		for _, cursor := range broken {
			if !cursor.done() && cursor.why == nil {
				c.staff(ctx, work, cursor.leader)
			}
		}
		c.queue.mended(broken)
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// look finds out what has become of partitions. Those it finds a leader for
// fail no more, until they fail again.
func (c *copier) look(ctx context.Context, broken []*cursor) error {
	if c.Now().After(c.deadline) {
		return c.late(ctx, broken)
	}
	for _, cursor := range broken {
		if c.Now().Sub(cursor.failing) > c.Patience {
			return fmt.Errorf("no way to read %s for %s, the run ends and nothing is committed: %w", cursor.place(), c.Patience, cursor.why)
		}
	}
	shown, err := c.ask(ctx, broken)
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return nil // it shows in how long they fail
	}
	var elected []*cursor
	for _, cursor := range broken {
		changed, err := c.place(ctx, cursor, shown[cursor.Name])
		if err != nil {
			return err
		}
		if changed {
			elected = append(elected, cursor)
		}
	}
	if err := c.cutBack(ctx, elected); err != nil {
		return err
	}
	return c.overtaken(ctx, broken)
}

func (c *copier) ask(ctx context.Context, broken []*cursor) (map[string]shownTopic, error) {
	req := kmsg.NewPtrMetadataRequest()
	var names []string
	for _, cursor := range broken {
		names = append(names, cursor.Name)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = kmsg.StringPtr(name)
		req.Topics = append(req.Topics, t)
	}
	return askMetadata(ctx, c.cluster, req)
}

// place puts a cursor to its leader of now, or ends it where its topic is gone.
func (c *copier) place(ctx context.Context, cursor *cursor, m shownTopic) (changed bool, err error) {
	switch {
	case m.ErrorCode == kerr.UnknownTopicOrPartition.Code:
		return false, c.end(ctx, cursor, "the topic was deleted under way", sinks.TroubleGap)
	case m.ErrorCode == kerr.TopicAuthorizationFailed.Code:
		return false, c.end(ctx, cursor, "we may not describe it any more: grant Describe and Read on the topic", sinks.TroubleUnread)
	case m.ErrorCode != 0 || m.Topic == nil:
		return false, nil
	case m.TopicID != cursor.id:
		return false, c.end(ctx, cursor, "the topic was deleted and created again under way", sinks.TroubleRecreated)
	}
	for _, p := range m.Partitions {
		if p.Partition != cursor.Partition.Partition || p.Leader < 0 {
			continue
		}
		changed = p.LeaderEpoch != cursor.leaderEpoch
		cursor.leader, cursor.leaderEpoch, cursor.why = p.Leader, p.LeaderEpoch, nil
	}
	return changed, nil
}

// cutBack ends partitions whose new leader has not what we have read from the
// old one: the next run finds where they part, and goes on there.
func (c *copier) cutBack(ctx context.Context, elected []*cursor) error {
	asked, cursors := make(map[place]*part), make(map[*part]*cursor)
	for _, cursor := range elected {
		if cursor.Epoch >= 0 && cursor.at > cursor.Start {
			asked[cursor.place()] = cursor.part
			cursors[cursor.part] = cursor
		}
	}
	parted := make(map[*cursor]int64)
	err := c.diverging(ctx, asked, func(p *part) int32 { return p.Epoch }, func(p *part, end int64) {
		if cursor := cursors[p]; end < cursor.at {
			parted[cursor] = end
		}
	})
	if err != nil {
		return err
	}
	for cursor, end := range parted {
		if err := c.end(ctx, cursor, fmt.Sprintf("its new leader's log was cut at offset %d: an unclean election", end), sinks.TroubleTruncated); err != nil {
			return err
		}
	}
	return nil
}

// overtaken finds the log's start where retention has moved it past us.
func (c *copier) overtaken(ctx context.Context, broken []*cursor) error {
	var parts []*part
	cursors := make(map[*part]*cursor)
	for _, cursor := range broken {
		if cursor.behind && !cursor.done() && cursor.why == nil {
			parts = append(parts, cursor.part)
			cursors[cursor.part] = cursor
		}
	}
	slices.SortFunc(parts, byPlace)
	_, err := c.askOffsets(ctx, parts, earliest, uncommitted, func(p *part, at int64) { p.logStart = at })
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return err
		}
		for _, cursor := range cursors {
			cursor.why = err
		}
		return nil
	}
	for _, p := range parts {
		if err := c.jump(ctx, cursors[p]); err != nil {
			return err
		}
	}
	return nil
}

// jump goes on at the log's start.
func (c *copier) jump(ctx context.Context, cursor *cursor) error {
	cursor.behind = false
	if cursor.logStart <= cursor.at {
		return c.end(ctx, cursor, "the log ends before it: an unclean election", sinks.TroubleTruncated)
	}
	to := min(cursor.logStart, cursor.End)
	c.alert(sinks.TroubleGap, cursor.Name, fmt.Sprintf("offsets %d to %d of %s were deleted by retention while they were copied: back up more often, or raise retention.ms", cursor.at, to-1, cursor.place()))
	cursor.skip(to, format.Lost)
	if cursor.done() {
		return c.emit(ctx, cursor.cut(nil), nil)
	}
	return nil
}
