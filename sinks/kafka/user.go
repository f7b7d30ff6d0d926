package kafka

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// KindScramCredential is the live kind of SCRAM credentials:
// ScramCredential/bob|SCRAM-SHA-512 with the fields "iterations" and
// "password", which can be written and not read.
const KindScramCredential = "ScramCredential" //nolint:gosec // a name, no secret

// The fields of a SCRAM credential, and what Kafka takes as iterations.
const (
	fieldIterations   = "iterations"
	fieldPassword     = "password"
	leastIterations   = 4096
	mostIterations    = 16384
	defaultIterations = 8192
)

const rightDescribeUsers = "Describe on the cluster"

// credentials is the kind ScramCredential.
type credentials struct{ *Cluster }

// Name is KindScramCredential.
func (*credentials) Name() string { return KindScramCredential }

// Rules are ScramCredentialRules.
func (*credentials) Rules() reconcile.Rules { return ScramCredentialRules() }

// ScramID names a user's credential.
func ScramID(user string, mechanism Mechanism) reconcile.ID {
	return reconcile.ID{Kind: KindScramCredential, Name: user + "|" + string(mechanism)}
}

// credential is a ScramID taken apart; code is the mechanism on the wire.
type credential struct {
	user string
	code int8
}

func parseScramID(id reconcile.ID) (credential, error) {
	cut := strings.LastIndexByte(id.Name, '|')
	if cut > 0 {
		for _, code := range []int8{1, 2} {
			if mechanismOf(code) == Mechanism(id.Name[cut+1:]) {
				return credential{id.Name[:cut], code}, nil
			}
		}
	}
	return credential{}, fmt.Errorf("%s names no SCRAM credential: write user|SCRAM-SHA-512 or user|SCRAM-SHA-256", id.Name)
}

// mechanismOf is the mechanism of a code on the wire (KIP-554).
func mechanismOf(code int8) Mechanism {
	switch code {
	case 1:
		return ScramSHA256
	case 2:
		return ScramSHA512
	default:
		return Mechanism(fmt.Sprintf("mechanism-%d", code))
	}
}

// Observe describes the named users, or all of them. Asked for all users by
// somebody who may not, a broker does not answer at all: so one named user is
// asked for first, which is answered with words.
func (k *credentials) Observe(ctx context.Context, scope reconcile.Scope) ([]reconcile.Live, []reconcile.Unobserved, error) {
	wanted, unseen := scramUsers(scope.Name)
	if !scope.Full && len(wanted) == 0 {
		return nil, unseen, nil
	}
	ask := wanted
	if scope.Full {
		if _, err := k.describe(ctx, []string{"ottla-may-describe"}); err != nil {
			return nil, nil, err
		}
		ask = nil
	}
	results, err := k.describe(ctx, ask)
	if err != nil {
		return nil, nil, err
	}
	lives, unread := scramLives(scope, results)
	return lives, append(unseen, unread...), nil
}

// scramUsers are the users of these IDs, each once.
func scramUsers(ids []reconcile.ID) ([]string, []reconcile.Unobserved) {
	var users []string
	var wrong []reconcile.Unobserved
	for _, id := range ids {
		c, err := parseScramID(id)
		if err != nil {
			wrong = append(wrong, reconcile.Unobserved{ID: id, Reason: err.Error()})
			continue
		}
		users = append(users, c.user)
	}
	slices.Sort(users)
	return slices.Compact(users), wrong
}

type scramResult = kmsg.DescribeUserSCRAMCredentialsResponseResult

// describe asks for these users; nil means all.
func (k *credentials) describe(ctx context.Context, users []string) ([]scramResult, error) {
	req := kmsg.NewPtrDescribeUserSCRAMCredentialsRequest()
	for _, user := range users {
		u := kmsg.NewDescribeUserSCRAMCredentialsRequestUser()
		u.Name = user
		req.Users = append(req.Users, u)
	}
	resp, err := req.RequestWith(ctx, k.client)
	if err != nil {
		return nil, fmt.Errorf("describe SCRAM credentials: %w", k.explain(ctx, err, req))
	}
	if words := refusal(resp.ErrorCode, resp.ErrorMessage, rightDescribeUsers); words != "" {
		return nil, fmt.Errorf("describe SCRAM credentials: %s", words)
	}
	return resp.Results, nil
}

func scramLives(scope reconcile.Scope, results []scramResult) ([]reconcile.Live, []reconcile.Unobserved) {
	named := make(map[reconcile.ID]bool, len(scope.Name))
	for _, id := range scope.Name {
		named[id] = true
	}
	var lives []reconcile.Live
	var unread []reconcile.Unobserved
	for _, r := range results {
		if r.ErrorCode != 0 && r.ErrorCode != kerr.ResourceNotFound.Code {
			unread = append(unread, scramUnread(scope.Full, named, r)...)
			continue
		}
		for _, info := range r.CredentialInfos {
			id := ScramID(r.User, mechanismOf(info.Mechanism))
			if scope.Full || named[id] {
				lives = append(lives, liveCredential(id, info.Iterations))
			}
		}
	}
	return lives, unread
}

func liveCredential(id reconcile.ID, iterations int32) reconcile.Live {
	return reconcile.Live{ID: id, Whole: true, Fields: map[string]reconcile.Value{
		fieldIterations: reconcile.TextOf(strconv.Itoa(int(iterations))),
		fieldPassword:   reconcile.WriteOnlyValue(),
	}}
}

// scramUnread names both of a user's possible credentials, or those that were
// asked for.
func scramUnread(full bool, named map[reconcile.ID]bool, r scramResult) []reconcile.Unobserved {
	reason := refusal(r.ErrorCode, r.ErrorMessage, rightDescribeUsers)
	var out []reconcile.Unobserved
	for _, m := range []Mechanism{ScramSHA256, ScramSHA512} {
		if id := ScramID(r.User, m); full || named[id] {
			out = append(out, reconcile.Unobserved{ID: id, Reason: reason})
		}
	}
	return out
}
