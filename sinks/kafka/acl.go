package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// KindACLSet is the live kind of a principal's access rules: AclSet/User:bob,
// a bag whose fields are spelled by ACLField and are there or not.
const KindACLSet = "AclSet"

// describePrincipals is up to how many principals are asked for one by one;
// beyond that all rules are read at once.
const describePrincipals = 8

// acls is the kind AclSet.
type acls struct{ *Cluster }

// Name is KindACLSet.
func (*acls) Name() string { return KindACLSet }

// Rules are ACLSetRules.
func (*acls) Rules() reconcile.Rules { return ACLSetRules() }

// ACLSetID names a principal's rules; principal is "User:bob".
func ACLSetID(principal string) reconcile.ID {
	return reconcile.ID{Kind: KindACLSet, Name: principal}
}

// Observe reads all rules, or those of the named principals. Without an
// authorizer it is an error: rules would mean nothing.
func (k *acls) Observe(ctx context.Context, scope reconcile.Scope) ([]reconcile.Live, []reconcile.Unobserved, error) {
	sets := make(map[string]*reconcile.Live)
	if scope.Full || len(scope.Name) > describePrincipals {
		if err := k.describe(ctx, nil, sets); err != nil {
			return nil, nil, err
		}
	} else {
		for _, id := range scope.Name {
			if err := k.describe(ctx, kmsg.StringPtr(id.Name), sets); err != nil {
				return nil, nil, err
			}
		}
	}
	var lives []reconcile.Live
	if scope.Full {
		for _, live := range sets {
			lives = append(lives, *live)
		}
		return lives, nil, nil
	}
	for _, id := range scope.Name {
		if live, ok := sets[id.Name]; ok {
			lives = append(lives, *live)
		}
	}
	return lives, nil, nil
}

// describe adds a principal's rules to sets; nil means everybody's.
func (k *acls) describe(ctx context.Context, principal *string, sets map[string]*reconcile.Live) error {
	req := kmsg.NewPtrDescribeACLsRequest()
	req.Principal = principal
	req.ResourceType = kmsg.ACLResourceTypeAny
	req.ResourcePatternType = kmsg.ACLResourcePatternTypeAny
	req.Operation = kmsg.ACLOperationAny
	req.PermissionType = kmsg.ACLPermissionTypeAny
	resp, err := req.RequestWith(ctx, k.client)
	if err != nil {
		return fmt.Errorf("describe ACLs: %w", k.explain(ctx, err, req))
	}
	if resp.ErrorCode == kerr.SecurityDisabled.Code {
		return errors.New(noAuthorizer)
	}
	if words := refusal(resp.ErrorCode, resp.ErrorMessage, "Describe on the cluster"); words != "" {
		return fmt.Errorf("describe ACLs: %s", words)
	}
	for _, r := range resp.Resources {
		for _, a := range r.ACLs {
			addACL(sets, r, a)
		}
	}
	return nil
}

func addACL(sets map[string]*reconcile.Live, r kmsg.DescribeACLsResponseResource, a kmsg.DescribeACLsResponseResourceACL) {
	set, ok := sets[a.Principal]
	if !ok {
		set = &reconcile.Live{ID: ACLSetID(a.Principal), Whole: true, Fields: make(map[string]reconcile.Value)}
		sets[a.Principal] = set
	}
	e := ACLEntry{
		Permission: strings.ToLower(a.PermissionType.String()),
		Resource:   aclWord(ACLResources(), int(r.ResourceType)),
		Pattern:    strings.ToLower(r.ResourcePatternType.String()),
		Name:       r.ResourceName,
		Operation:  aclWord(ACLOperations(), int(a.Operation)),
		Host:       a.Host,
	}
	set.Fields[ACLField(e)] = reconcile.TextOf("")
}
