package groups

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/sinks/backup/patience"
)

// Types of groups, as ListGroups tells them (KIP-848, KIP-932).
const (
	classic  = "classic"
	consumer = "consumer"
	share    = "share"
)

// listed is a group in a listing.
type listed struct{ kind, state string }

// active tells a group that has members, by its state.
func (l listed) active() bool { return l.state != "" && l.state != "Empty" && l.state != "Dead" }

// list lists all groups. A broker that does not answer is an error: its groups
// would seem not to be there.
func list(ctx context.Context, client *kgo.Client) (map[string]listed, error) {
	all := map[string]listed{}
	for _, shard := range client.RequestSharded(ctx, kmsg.NewPtrListGroupsRequest()) {
		resp, ok := shard.Resp.(*kmsg.ListGroupsResponse)
		err := shard.Err
		if err == nil && ok {
			err = kerr.ErrorForCode(resp.ErrorCode)
		}
		if err != nil || !ok {
			return nil, fmt.Errorf("list consumer groups of broker %d: %w", shard.Meta.NodeID, err)
		}
		for _, g := range resp.Groups {
			all[g.Group] = listed{strings.ToLower(cmp.Or(g.GroupType, classic)), g.GroupState}
		}
	}
	return all, nil
}

// All describes every group that there is, share groups too, in the order of
// their names.
func All(ctx context.Context, client *kgo.Client) ([]Group, error) {
	known, err := list(ctx, client)
	if err != nil {
		return nil, err
	}
	return describe(ctx, client, known, slices.Sorted(maps.Keys(known)))
}

// Describe reads state and members of groups, each by its own protocol, in the
// order of the names. A group that is not there has no state; one that could not
// be asked for is an error, never one without members.
func Describe(ctx context.Context, client *kgo.Client, names []string) ([]Group, error) {
	if len(names) == 0 {
		return nil, nil
	}
	known, err := list(ctx, client)
	if err != nil {
		return nil, err
	}
	return describe(ctx, client, known, names)
}

func describe(ctx context.Context, client *kgo.Client, known map[string]listed, names []string) ([]Group, error) {
	by := map[string][]string{}
	for _, name := range names {
		kind := known[name].kind
		if kind != consumer && kind != share {
			kind = classic // also one that is not listed: it may have come since
		}
		by[kind] = append(by[kind], name)
	}
	found := map[string]Group{}
	admin := kadm.NewClient(client)
	for _, one := range []struct {
		names []string
		ask   func(context.Context, *kadm.Client, []string, map[string]Group) error
	}{{by[classic], askClassic}, {by[consumer], askConsumer}, {by[share], askShare}} {
		if len(one.names) == 0 {
			continue
		}
		if err := one.ask(ctx, admin, one.names, found); err != nil {
			return nil, fmt.Errorf("describe consumer groups: %w", err)
		}
	}
	out := make([]Group, 0, len(names))
	for _, name := range names {
		g, answered := found[name]
		if !answered {
			return nil, fmt.Errorf("describe consumer group %s: %w", name, patience.ErrSilent)
		}
		if l := known[name]; g.State == "" && l.active() {
			g.State, g.Members = l.state, 1 // of a type that is not known here: it is left alone
		}
		out = append(out, g)
	}
	return out, nil
}

// take notes one answer. A group that is not there has no state.
func take(found map[string]Group, g Group, err error, assigned kadm.TopicsSet) error {
	if errors.Is(err, kerr.GroupIDNotFound) || g.State == "Dead" {
		g, err = Group{Name: g.Name, Share: g.Share}, nil
	}
	if err != nil {
		return fmt.Errorf("describe consumer group %s: %w", g.Name, err)
	}
	if g.Members > 0 {
		g.Reads = slices.Sorted(maps.Keys(assigned))
	}
	found[g.Name] = g
	return nil
}

func askClassic(ctx context.Context, admin *kadm.Client, names []string, found map[string]Group) error {
	all, err := admin.DescribeGroups(ctx, names...)
	if err != nil {
		return err
	}
	for _, g := range all.Sorted() {
		if err := take(found, Group{Name: g.Group, State: g.State, Members: len(g.Members)}, g.Err, g.AssignedPartitions()); err != nil {
			return err
		}
	}
	return nil
}

func askConsumer(ctx context.Context, admin *kadm.Client, names []string, found map[string]Group) error {
	all, err := admin.DescribeConsumerGroups(ctx, names...)
	if err != nil {
		return err
	}
	for _, g := range all.Sorted() {
		if err := take(found, Group{Name: g.Group, State: g.State, Members: len(g.Members)}, g.Err, g.AssignedPartitions()); err != nil {
			return err
		}
	}
	return nil
}

func askShare(ctx context.Context, admin *kadm.Client, names []string, found map[string]Group) error {
	all, err := admin.DescribeShareGroups(ctx, names...)
	if err != nil {
		return err
	}
	for _, g := range all.Sorted() {
		if err := take(found, Group{Name: g.GroupID, State: g.GroupState, Members: len(g.Members), Share: true}, g.Err, g.AssignedPartitions()); err != nil {
			return err
		}
	}
	return nil
}
