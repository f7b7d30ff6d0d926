package capture

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/patience"
)

// readAccess reads who may do what. What the cluster cannot tell, or not to us,
// is told in the point and no reason to do without the data.
func (r *run) readAccess(ctx context.Context) error {
	offered, err := patience.Ask(ctx, r.Patience, func() (*kmsg.ApiVersionsResponse, error) {
		return kmsg.NewPtrApiVersionsRequest().RequestWith(ctx, r.cluster)
	})
	if err != nil {
		return fmt.Errorf("ask what the brokers can tell: %w", err)
	}
	for _, one := range []struct {
		what, right string
		key         kmsg.Key
		read        func(context.Context) error
	}{
		{"ACLs", "Describe on the cluster", kmsg.DescribeACLs, r.readACLs},
		{"client quotas", "DescribeConfigs on the cluster", kmsg.DescribeClientQuotas, r.readQuotas},
		{"users", "Describe on the cluster", kmsg.DescribeUserSCRAMCredentials, r.readUsers},
	} {
		if !offers(offered, one.key) {
			r.note("%s are not in the point: the brokers cannot tell them", one.what)
			continue
		}
		err := patience.Do(ctx, r.Patience, func() error { return one.read(ctx) })
		switch {
		case err == nil, errors.Is(err, kerr.SecurityDisabled):
		case errors.Is(err, kerr.ClusterAuthorizationFailed):
			r.alert(sinks.TroubleUnread, "", fmt.Sprintf("%s are not in the backup: grant %s", one.what, one.right))
		default:
			return fmt.Errorf("read %s: %w", one.what, err)
		}
	}
	return nil
}

func offers(answer *kmsg.ApiVersionsResponse, key kmsg.Key) bool {
	return slices.ContainsFunc(answer.ApiKeys, func(k kmsg.ApiVersionsResponseApiKey) bool { return k.ApiKey == key.Int16() })
}

func (r *run) readACLs(ctx context.Context) error {
	req := kmsg.NewPtrDescribeACLsRequest()
	req.ResourceType, req.ResourcePatternType = kmsg.ACLResourceTypeAny, kmsg.ACLResourcePatternTypeAny
	req.Operation, req.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
	resp, err := req.RequestWith(ctx, r.cluster)
	if err != nil {
		return err
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return err
	}
	for _, res := range resp.Resources {
		for _, a := range res.ACLs {
			r.acls = append(r.acls, format.ACL{
				ResourceType: res.ResourceType.String(), ResourceName: res.ResourceName, PatternType: res.ResourcePatternType.String(),
				Principal: a.Principal, Host: a.Host, Operation: a.Operation.String(), Permission: a.PermissionType.String(),
			})
		}
	}
	slices.SortFunc(r.acls, func(a, b format.ACL) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return nil
}

func (r *run) readQuotas(ctx context.Context) error {
	resp, err := kmsg.NewPtrDescribeClientQuotasRequest().RequestWith(ctx, r.cluster)
	if err != nil {
		return err
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return err
	}
	for _, entry := range resp.Entries {
		q := format.Quota{Values: make(map[string]float64, len(entry.Values))}
		for _, e := range entry.Entity {
			q.Entity = append(q.Entity, format.QuotaPart{Type: e.Type, Name: e.Name})
		}
		for _, v := range entry.Values {
			q.Values[v.Key] = v.Value
		}
		r.quotas = append(r.quotas, q)
	}
	slices.SortFunc(r.quotas, func(a, b format.Quota) int { return strings.Compare(entity(a), entity(b)) })
	return nil
}

func entity(q format.Quota) string {
	var b strings.Builder
	for _, e := range q.Entity {
		fmt.Fprintf(&b, "%s=", e.Type)
		if e.Name != nil {
			fmt.Fprintf(&b, "%q", *e.Name)
		}
	}
	return b.String()
}

// readUsers lists users and their mechanisms. A broker answers nothing at all to
// who asks for all users without the right to, so the right is asked for first.
func (r *run) readUsers(ctx context.Context) error {
	cluster := kmsg.NewPtrDescribeClusterRequest()
	cluster.IncludeClusterAuthorizedOperations = true
	rights, err := cluster.RequestWith(ctx, r.cluster)
	if err != nil {
		return err
	}
	if rights.ClusterAuthorizedOperations&(1<<kmsg.ACLOperationDescribe) == 0 {
		return kerr.ClusterAuthorizationFailed
	}
	resp, err := kmsg.NewPtrDescribeUserSCRAMCredentialsRequest().RequestWith(ctx, r.cluster)
	if err != nil {
		return err
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return err
	}
	for _, user := range resp.Results {
		u := format.User{Name: user.User}
		for _, c := range user.CredentialInfos {
			u.Mechanisms = append(u.Mechanisms, mechanism(c.Mechanism))
		}
		r.users = append(r.users, u)
	}
	slices.SortFunc(r.users, func(a, b format.User) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// mechanism names a SCRAM mechanism by its number (KIP-554).
func mechanism(n int8) string {
	switch n {
	case 1:
		return "SCRAM-SHA-256"
	case 2:
		return "SCRAM-SHA-512"
	}
	return fmt.Sprintf("mechanism %d", n)
}
