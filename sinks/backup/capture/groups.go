package capture

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/patience"
)

// Types of groups, as ListGroups tells them (KIP-848, KIP-932, KIP-1071).
const (
	classicGroup  = "classic"
	consumerGroup = "consumer"
	shareGroup    = "share"
)

// readGroups reads what groups have committed. It comes before the offsets of
// the data, so that next to nothing is committed beyond the point.
func (r *run) readGroups(ctx context.Context) error {
	groups, err := r.listGroups(ctx)
	if err != nil {
		return err
	}
	if err := r.describeGroups(ctx, groups); err != nil {
		return err
	}
	if err := r.fetchCommits(ctx, groups); err != nil {
		return err
	}
	for _, name := range sortedKeys(groups) {
		r.groups = append(r.groups, *groups[name])
	}
	return nil
}

func (r *run) listGroups(ctx context.Context) (map[string]*format.Group, error) {
	resp, err := patience.Ask(ctx, r.Patience, func() (*kmsg.ListGroupsResponse, error) {
		resp, err := kmsg.NewPtrListGroupsRequest().RequestWith(ctx, r.cluster)
		if err == nil {
			err = kerr.ErrorForCode(resp.ErrorCode)
		}
		return resp, err
	})
	if err != nil {
		return nil, fmt.Errorf("list consumer groups: %w", err)
	}
	groups := make(map[string]*format.Group)
	for _, g := range resp.Groups {
		kind := strings.ToLower(cmp.Or(g.GroupType, classicGroup))
		switch {
		case kind == shareGroup:
			r.share = append(r.share, g.Group)
		case kind == classicGroup && g.ProtocolType != "" && g.ProtocolType != "consumer":
			// Connect's workers and the like share work by groups, and commit nothing.
		default:
			groups[g.Group] = &format.Group{Name: g.Group, Type: kind, State: g.GroupState, Offsets: []format.Commit{}}
		}
	}
	slices.Sort(r.share)
	return groups, nil
}

// describeGroups finds how partitions are assigned in each group.
func (r *run) describeGroups(ctx context.Context, groups map[string]*format.Group) error {
	var classic, consumer []string
	for _, name := range sortedKeys(groups) {
		switch groups[name].Type {
		case classicGroup:
			classic = append(classic, name)
		case consumerGroup:
			consumer = append(consumer, name)
		}
	}
	if err := r.describeClassic(ctx, classic, groups); err != nil {
		return err
	}
	return r.describeConsumer(ctx, consumer, groups)
}

func (r *run) describeClassic(ctx context.Context, names []string, groups map[string]*format.Group) error {
	if len(names) == 0 {
		return nil
	}
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = names
	resp, err := patience.Ask(ctx, r.Patience, func() (*kmsg.DescribeGroupsResponse, error) { return req.RequestWith(ctx, r.cluster) })
	if err != nil {
		return fmt.Errorf("describe consumer groups: %w", err)
	}
	for _, d := range resp.Groups {
		r.described(groups[d.Group], d.ErrorCode, d.Protocol, d.State)
	}
	return nil
}

func (r *run) describeConsumer(ctx context.Context, names []string, groups map[string]*format.Group) error {
	if len(names) == 0 {
		return nil
	}
	req := kmsg.NewPtrConsumerGroupDescribeRequest()
	req.Groups = names
	resp, err := patience.Ask(ctx, r.Patience, func() (*kmsg.ConsumerGroupDescribeResponse, error) { return req.RequestWith(ctx, r.cluster) })
	if err != nil {
		return fmt.Errorf("describe consumer groups: %w", err)
	}
	for _, d := range resp.Groups {
		r.described(groups[d.Group], d.ErrorCode, d.AssignorName, d.State)
	}
	return nil
}

// described takes how a group assigns partitions. One that is gone since it was
// listed is no news.
func (r *run) described(g *format.Group, code int16, protocol, state string) {
	switch {
	case g == nil, code == kerr.GroupIDNotFound.Code:
	case code != 0:
		r.alert(sinks.TroubleUnread, "", fmt.Sprintf("how group %s assigns partitions is not in the backup: %v", g.Name, kerr.ErrorForCode(code)))
	default:
		g.Protocol, g.State = protocol, state
	}
}

// fetchCommits reads all that the groups have committed. A group whose commits
// cannot be read is told, and no reason to do without the data.
func (r *run) fetchCommits(ctx context.Context, groups map[string]*format.Group) error {
	if len(groups) == 0 {
		return nil
	}
	req := kmsg.NewPtrOffsetFetchRequest()
	for _, name := range sortedKeys(groups) {
		g := kmsg.NewOffsetFetchRequestGroup()
		g.Group = name
		req.Groups = append(req.Groups, g)
	}
	resp, err := patience.Ask(ctx, r.Patience, func() (*kmsg.OffsetFetchResponse, error) { return req.RequestWith(ctx, r.cluster) })
	if err != nil {
		return fmt.Errorf("read what consumer groups have committed: %w", err)
	}
	answered := make(map[string]bool, len(groups))
	for _, answer := range resp.Groups {
		g := groups[answer.Group]
		if g == nil {
			continue
		}
		answered[g.Name] = true
		switch err := kerr.ErrorForCode(answer.ErrorCode); {
		case err == nil:
			r.commits(g, answer.Topics)
		case answer.ErrorCode == kerr.GroupIDNotFound.Code:
			delete(groups, answer.Group)
		default:
			r.noCommits(groups, g.Name, err)
		}
	}
	for _, name := range sortedKeys(groups) {
		if !answered[name] {
			r.noCommits(groups, name, patience.ErrSilent)
		}
	}
	return nil
}

// noCommits leaves a group out, and tells it.
func (r *run) noCommits(groups map[string]*format.Group, name string, why error) {
	r.alert(sinks.TroubleUnread, "", fmt.Sprintf("what group %s has committed is not in the backup: %v", name, why))
	delete(groups, name)
}

// commits takes what a group has committed. Partitions that cannot be read are
// told, once for a group.
func (r *run) commits(g *format.Group, topics []kmsg.OffsetFetchResponseGroupTopic) {
	failed, why := 0, error(nil)
	for _, t := range topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				failed, why = failed+1, fmt.Errorf("%s: %w", place{cmp.Or(t.Topic, topicID(t.TopicID)), p.Partition}, err)
				continue
			}
			if p.Offset < 0 {
				continue // nothing is committed
			}
			c := format.Commit{Topic: t.Topic, Partition: p.Partition, Offset: p.Offset, Epoch: p.LeaderEpoch}
			if p.Metadata != nil {
				c.Metadata = *p.Metadata
			}
			g.Offsets = append(g.Offsets, c)
		}
	}
	if failed > 0 {
		r.alert(sinks.TroubleUnread, "", fmt.Sprintf("what group %s has committed in %d partitions is not in the backup: %v", g.Name, failed, why))
	}
	slices.SortFunc(g.Offsets, func(a, b format.Commit) int {
		return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
}

// clamp takes commits beyond the point back to its end, and leaves out what
// belongs to topics that are not in it, and groups of which nothing is left.
func (r *run) clamp() {
	ends := make(map[place]int64)
	for _, t := range r.topics {
		for _, p := range t.parts {
			ends[p.place()] = p.End
		}
	}
	for i := range r.groups {
		g := &r.groups[i]
		g.Offsets = slices.DeleteFunc(g.Offsets, func(c format.Commit) bool {
			_, ok := ends[place{c.Topic, c.Partition}]
			return !ok
		})
		ahead := 0
		for j := range g.Offsets {
			c := &g.Offsets[j]
			if end := ends[place{c.Topic, c.Partition}]; c.Offset > end {
				c.Clamped, c.Offset = c.Offset, end
				ahead++
			}
		}
		if ahead > 0 {
			r.note("group %s had committed beyond the point in %d partitions; a restore sets it to the point's end", g.Name, ahead)
		}
	}
	r.groups = slices.DeleteFunc(r.groups, func(g format.Group) bool { return len(g.Offsets) == 0 })
}
