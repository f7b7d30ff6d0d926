package restore

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// surveyAccess lists what is restored beside records and groups. Users cannot
// be, since their secrets are not in a backup: those that the target lacks are
// named.
func (j *job) surveyAccess(ctx context.Context) {
	there := j.usersThere(ctx)
	for _, u := range j.layout.point.Users {
		if !there[u.Name] {
			j.plan.Users = append(j.plan.Users, u.Name)
		}
	}
	if j.o.ACLs {
		rules, err := j.rules()
		j.plan.ACLs = len(rules)
		if err != nil {
			j.problem("ACLs", err.Error(), "restore without ACLs, and set them by hand")
		}
	}
	if j.o.Quotas {
		j.plan.Quotas = len(j.layout.point.Quotas)
	}
}

// usersThere are the users of the point that the target has. They are asked for
// by name: about all users a broker answers nothing at all where the right is
// missing. One that could not be asked about counts as lacking.
func (j *job) usersThere(ctx context.Context) map[string]bool {
	there := map[string]bool{}
	if len(j.layout.point.Users) == 0 {
		return there
	}
	req := kmsg.NewPtrDescribeUserSCRAMCredentialsRequest()
	for _, u := range j.layout.point.Users {
		user := kmsg.NewDescribeUserSCRAMCredentialsRequestUser()
		user.Name = u.Name
		req.Users = append(req.Users, user)
	}
	resp, err := req.RequestWith(ctx, j.target.client())
	if err != nil {
		return there
	}
	for _, r := range resp.Results {
		there[r.User] = r.ErrorCode == 0
	}
	return there
}

// access sets ACLs and quotas where it is asked for.
func (j *job) access(ctx context.Context) error {
	if j.o.ACLs {
		if err := j.patiently(ctx, func() error { return j.setRules(ctx) }); err != nil {
			return err
		}
		j.step("ACLs set")
	}
	if j.o.Quotas {
		if err := j.patiently(ctx, func() error { return j.setQuotas(ctx) }); err != nil {
			return err
		}
		j.step("quotas set")
	}
	return nil
}

// rules are the access rules of the point, with the new names of topics. A rule
// of one topic that is not restored is left out; patterns stay as they are.
func (j *job) rules() ([]kmsg.CreateACLsRequestCreation, error) {
	var out []kmsg.CreateACLsRequestCreation
	for _, a := range j.layout.point.ACLs {
		c, err := ruleOf(a)
		if err != nil {
			return nil, err
		}
		if c.ResourceType == kmsg.ACLResourceTypeTopic && c.ResourcePatternType == kmsg.ACLResourcePatternTypeLiteral && c.ResourceName != "*" {
			target, ok := j.targetOf(c.ResourceName)
			if !ok {
				continue
			}
			c.ResourceName = target
		}
		out = append(out, c)
	}
	return out, nil
}

func (j *job) targetOf(source string) (string, bool) {
	for _, t := range j.layout.topics {
		if t.source.Name == source {
			return t.target, true
		}
	}
	return "", false
}

// ruleOf reads a rule. What is no rule but a filter (ANY, MATCH) would fail the
// whole request.
func ruleOf(a format.ACL) (kmsg.CreateACLsRequestCreation, error) {
	c := kmsg.NewCreateACLsRequestCreation()
	var errs [4]error
	c.ResourceType, errs[0] = kmsg.ParseACLResourceType(a.ResourceType)
	c.ResourcePatternType, errs[1] = kmsg.ParseACLResourcePatternType(a.PatternType)
	c.Operation, errs[2] = kmsg.ParseACLOperation(a.Operation)
	c.PermissionType, errs[3] = kmsg.ParseACLPermissionType(a.Permission)
	c.ResourceName, c.Principal, c.Host = a.ResourceName, a.Principal, a.Host
	if err := errors.Join(errs[:]...); err != nil {
		return c, fmt.Errorf("access rule of %s on %s %s: %w", a.Principal, a.ResourceType, a.ResourceName, err)
	}
	filter := c.ResourceType == kmsg.ACLResourceTypeAny || c.Operation == kmsg.ACLOperationAny || c.PermissionType == kmsg.ACLPermissionTypeAny ||
		c.ResourcePatternType != kmsg.ACLResourcePatternTypeLiteral && c.ResourcePatternType != kmsg.ACLResourcePatternTypePrefixed
	if filter || c.Principal == "" || c.ResourceName == "" {
		return c, fmt.Errorf("access rule of %q on %s %q is none: it is a filter", a.Principal, a.ResourceType, a.ResourceName)
	}
	return c, nil
}

func (j *job) setRules(ctx context.Context) error {
	rules, err := j.rules()
	if err != nil || len(rules) == 0 {
		return err
	}
	req := kmsg.NewPtrCreateACLsRequest()
	req.Creations = rules
	resp, err := req.RequestWith(ctx, j.target.client())
	if err != nil {
		return fmt.Errorf("set access rules: %w", err)
	}
	if len(resp.Results) != len(rules) {
		return fmt.Errorf("set access rules: %d were asked for, %d were answered", len(rules), len(resp.Results))
	}
	var failed []error
	for i, r := range resp.Results {
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			failed = append(failed, fmt.Errorf("set access rule of %s on %s %s: %w%s", rules[i].Principal, rules[i].ResourceType, rules[i].ResourceName, err, because(r.ErrorMessage)))
		}
	}
	return errors.Join(failed...)
}

func (j *job) setQuotas(ctx context.Context) error {
	req := kmsg.NewPtrAlterClientQuotasRequest()
	for _, q := range j.layout.point.Quotas {
		e := kmsg.NewAlterClientQuotasRequestEntry()
		for _, part := range q.Entity {
			x := kmsg.NewAlterClientQuotasRequestEntryEntity()
			x.Type, x.Name = part.Type, part.Name
			e.Entity = append(e.Entity, x)
		}
		for key, value := range q.Values {
			op := kmsg.NewAlterClientQuotasRequestEntryOp()
			op.Key, op.Value = key, value
			e.Ops = append(e.Ops, op)
		}
		req.Entries = append(req.Entries, e)
	}
	if len(req.Entries) == 0 {
		return nil
	}
	resp, err := req.RequestWith(ctx, j.target.client())
	if err != nil {
		return fmt.Errorf("set quotas: %w", err)
	}
	var failed []error
	for _, e := range resp.Entries {
		if err := kerr.ErrorForCode(e.ErrorCode); err != nil {
			failed = append(failed, fmt.Errorf("set quota of %v: %w%s", e.Entity, err, because(e.ErrorMessage)))
		}
	}
	return errors.Join(failed...)
}
