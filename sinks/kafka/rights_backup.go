package kafka

import (
	"context"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// What BackupRights' features are about.
const (
	KindBackup  = "Backup"
	KindRestore = "Restore"
)

func backupNeeds() []need {
	const describe = kmsg.ACLOperationDescribe
	ops := func(o ...kmsg.ACLOperation) []kmsg.ACLOperation { return o }
	keys := func(k ...kmsg.Key) []kmsg.Key { return k }
	return []need{
		{KindBackup, "read topics", keys(kmsg.Fetch, kmsg.ListOffsets, kmsg.DescribeConfigs), nil,
			ops(describe, kmsg.ACLOperationRead, kmsg.ACLOperationDescribeConfigs), "they are in no point"},
		{KindBackup, "read access", keys(kmsg.DescribeACLs, kmsg.DescribeClientQuotas), ops(describe, kmsg.ACLOperationDescribeConfigs), nil,
			"access, users and quotas are in no point"},
		{KindRestore, "create topics", keys(kmsg.CreateTopics), ops(kmsg.ACLOperationCreate), nil, "topics cannot be created, unless ACLs allow it by name"},
		{KindRestore, "write topics", keys(kmsg.Produce, kmsg.InitProducerID, kmsg.IncrementalAlterConfigs), nil,
			ops(kmsg.ACLOperationWrite, kmsg.ACLOperationAlterConfigs), "nothing is restored into them"},
	}
}

// BackupRights asks the brokers what a backup of this cluster lacks, and a
// restore into it. It changes nothing.
func (c *Cluster) BackupRights(ctx context.Context) ([]Feature, error) {
	versions, err := kmsg.NewPtrApiVersionsRequest().RequestWith(ctx, c.client)
	if err != nil {
		return nil, fmt.Errorf("ask for API versions: %w", err)
	}
	had, err := c.granted(ctx)
	if err != nil {
		return nil, err
	}
	var out []Feature
	for _, n := range backupNeeds() {
		out = append(out, n.feature(versions.ApiKeys, had))
	}
	groups, err := c.groupRights(ctx, had.cluster)
	return append(out, groups...), err
}

// groupRights tells which groups we may read, and which we may set. Brokers
// list all groups only to those who may Describe the cluster.
func (c *Cluster) groupRights(ctx context.Context, cluster operations) ([]Feature, error) {
	read, set := Feature{Kind: KindBackup, Does: "read groups"}, Feature{Kind: KindRestore, Does: "set groups"}
	if !cluster.told() || !cluster.has(kmsg.ACLOperationDescribe) {
		read.Doubt = []string{"Describe on groups: all are told only to those who may Describe the cluster"}
	}
	listed, err := kmsg.NewPtrListGroupsRequest().RequestWith(ctx, c.client)
	if err == nil {
		err = kerr.ErrorForCode(listed.ErrorCode)
	}
	if err != nil {
		return nil, fmt.Errorf("list consumer groups: %w", err)
	}
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.IncludeAuthorizedOperations = true
	for _, g := range listed.Groups {
		req.Groups = append(req.Groups, g.Group)
	}
	if len(req.Groups) == 0 {
		return []Feature{read, set}, nil
	}
	resp, err := req.RequestWith(ctx, c.client)
	if err != nil {
		return nil, fmt.Errorf("ask for rights on consumer groups: %w", err)
	}
	var unread, fixed []string
	for _, g := range resp.Groups {
		had := operations(g.AuthorizedOperations)
		switch {
		case g.ErrorCode == kerr.GroupAuthorizationFailed.Code:
			unread, fixed = append(unread, g.Group), append(fixed, g.Group)
		case g.ErrorCode == 0 && had.told() && !had.has(kmsg.ACLOperationRead):
			fixed = append(fixed, g.Group)
		}
	}
	read.lacks("Describe", unread, len(resp.Groups), "where they are is in no point")
	set.lacks("Read", fixed, len(resp.Groups), "a restore cannot put them anywhere")
	return []Feature{read, set}, nil
}

func (f *Feature) lacks(operation string, missing []string, of int, otherwise string) {
	if len(missing) == 0 {
		return
	}
	f.Lacks = append(f.Lacks, fmt.Sprintf("no %s on %d of %d groups, %s among them: %s", operation, len(missing), of, slices.Min(missing), otherwise))
}
