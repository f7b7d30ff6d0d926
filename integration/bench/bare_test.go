//go:build bench

package bench

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha512"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// bare makes the requests that nobody can do without, with nothing around them.
type bare struct {
	t  testing.TB
	cl *kgo.Client
}

func (b bare) request(req kmsg.Request) kmsg.Response {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 5*time.Minute)
	defer cancel()
	resp, err := b.cl.Request(ctx, req)
	if err != nil {
		b.t.Fatalf("%T: %v", req, err)
	}
	return resp
}

// describe reads what a round must know of a cluster: its topics with their
// partitions and the named keys of each (nil for all), users, ACLs and quotas.
func (b bare) describe(names, keys []string) time.Duration {
	b.t.Helper()
	began := time.Now()
	meta := kmsg.NewPtrMetadataRequest()
	meta.Topics = nil
	b.request(meta)
	req := kmsg.NewPtrDescribeConfigsRequest()
	req.IncludeSynonyms = true
	for _, name := range names {
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName, r.ConfigNames = kmsg.ConfigResourceTypeTopic, name, keys
		req.Resources = append(req.Resources, r)
	}
	b.request(req)
	b.request(kmsg.NewPtrDescribeUserSCRAMCredentialsRequest())
	acls := kmsg.NewPtrDescribeACLsRequest()
	acls.ResourceType, acls.ResourcePatternType = kmsg.ACLResourceTypeAny, kmsg.ACLResourcePatternTypeAny
	acls.Operation, acls.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
	b.request(acls)
	b.request(kmsg.NewPtrDescribeClientQuotasRequest())
	return time.Since(began)
}

// create creates n topics in one request and waits until the last is visible.
func (b bare) create(prefix string, n int) time.Duration {
	b.t.Helper()
	began := time.Now()
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = 120_000
	for i := range n {
		r := kmsg.NewCreateTopicsRequestTopic()
		r.Topic, r.NumPartitions, r.ReplicationFactor = topicName(prefix, i), 3, 1
		retention := "604800000"
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = "retention.ms", &retention
		r.Configs = append(r.Configs, c)
		req.Topics = append(req.Topics, r)
	}
	for _, t := range b.request(req).(*kmsg.CreateTopicsResponse).Topics {
		if t.ErrorCode != 0 {
			b.t.Fatalf("create %s: code %d", t.Topic, t.ErrorCode)
		}
	}
	b.visible(topicNames(prefix, n)...)
	return time.Since(began)
}

// visible waits until all these topics are in the metadata.
func (b bare) visible(names ...string) {
	b.t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); {
		meta := kmsg.NewPtrMetadataRequest()
		meta.Topics = nil
		seen := map[string]bool{}
		for _, t := range b.request(meta).(*kmsg.MetadataResponse).Topics {
			if t.Topic != nil {
				seen[*t.Topic] = true
			}
		}
		missing := 0
		for _, name := range names {
			if !seen[name] {
				missing++
			}
		}
		if missing == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.t.Fatalf("not all of %d topics are visible", len(names))
}

// users makes n users with a password, two ACLs and two quotas each, in one
// request a kind. The passwords are salted before the clock starts.
func (b bare) users(prefix string, n int) time.Duration {
	b.t.Helper()
	scram := kmsg.NewPtrAlterUserSCRAMCredentialsRequest()
	acls := kmsg.NewPtrCreateACLsRequest()
	quotas := kmsg.NewPtrAlterClientQuotasRequest()
	salt := []byte("a salt of twenty byte")
	for i := range n {
		name := topicName(prefix, i)
		salted, err := pbkdf2.Key(sha512.New, "a-password-of-"+name, salt, 4096, sha512.Size)
		if err != nil {
			b.t.Fatal(err)
		}
		up := kmsg.NewAlterUserSCRAMCredentialsRequestUpsertion()
		up.Name, up.Mechanism, up.Iterations, up.Salt, up.SaltedPassword = name, 2, 4096, salt, salted
		scram.Upsertions = append(scram.Upsertions, up)
		for _, op := range []kmsg.ACLOperation{kmsg.ACLOperationRead, kmsg.ACLOperationDescribe} {
			acl := kmsg.NewCreateACLsRequestCreation()
			acl.ResourceType, acl.ResourceName, acl.ResourcePatternType = kmsg.ACLResourceTypeTopic, name, kmsg.ACLResourcePatternTypePrefixed
			acl.Principal, acl.Host, acl.Operation, acl.PermissionType = "User:"+name, "*", op, kmsg.ACLPermissionTypeAllow
			acls.Creations = append(acls.Creations, acl)
		}
		entity := kmsg.NewAlterClientQuotasRequestEntryEntity()
		entity.Type, entity.Name = "user", &name
		entry := kmsg.NewAlterClientQuotasRequestEntry()
		entry.Entity = append(entry.Entity, entity)
		for _, key := range []string{"producer_byte_rate", "consumer_byte_rate"} {
			op := kmsg.NewAlterClientQuotasRequestEntryOp()
			op.Key, op.Value = key, 1048576
			entry.Ops = append(entry.Ops, op)
		}
		quotas.Entries = append(quotas.Entries, entry)
	}
	began := time.Now()
	answers := []kmsg.Response{b.request(scram), b.request(acls), b.request(quotas)}
	took := time.Since(began)
	b.accepted(n, answers...)
	return took
}

// accepted fails on the first refusal: what was refused costs nothing, and
// would make whoever it is compared with look slow.
func (b bare) accepted(n int, answers ...kmsg.Response) {
	b.t.Helper()
	var codes []int16
	for _, a := range answers {
		switch a := a.(type) {
		case *kmsg.AlterUserSCRAMCredentialsResponse:
			for _, r := range a.Results {
				codes = append(codes, r.ErrorCode)
			}
		case *kmsg.CreateACLsResponse:
			for _, r := range a.Results {
				codes = append(codes, r.ErrorCode)
			}
		case *kmsg.AlterClientQuotasResponse:
			for _, r := range a.Entries {
				codes = append(codes, r.ErrorCode)
			}
		case *kmsg.IncrementalAlterConfigsResponse:
			for _, r := range a.Resources {
				codes = append(codes, r.ErrorCode)
			}
		}
	}
	if len(codes) < n {
		b.t.Fatalf("%d answers, want at least %d", len(codes), n)
	}
	for _, code := range codes {
		if code != 0 {
			b.t.Fatalf("a bare request was refused: %v", kerr.ErrorForCode(code))
		}
	}
}

// retention of a topic.
func (b bare) retention(topic string) string {
	b.t.Helper()
	req := kmsg.NewPtrDescribeConfigsRequest()
	r := kmsg.NewDescribeConfigsRequestResource()
	r.ResourceType, r.ResourceName, r.ConfigNames = kmsg.ConfigResourceTypeTopic, topic, []string{"retention.ms"}
	req.Resources = append(req.Resources, r)
	for _, r := range b.request(req).(*kmsg.DescribeConfigsResponse).Resources {
		for _, c := range r.Configs {
			if c.Value != nil {
				return *c.Value
			}
		}
	}
	return ""
}

// edit sets a topic's retention, as a person would, and returns when it was
// acknowledged, once it shows: a broker acknowledges before that, and who asks
// in between reads the old value.
func (b bare) edit(topic, retention string) time.Time {
	b.t.Helper()
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, topic
	c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	c.Name, c.Value = "retention.ms", &retention
	r.Configs = append(r.Configs, c)
	req.Resources = append(req.Resources, r)
	answer := b.request(req)
	acknowledged := time.Now()
	b.accepted(1, answer)
	until(b.t, time.Minute, func() bool { return b.retention(topic) == retention })
	return acknowledged
}

func topicName(prefix string, i int) string { return fmt.Sprintf("%s-%05d", prefix, i) }

func topicNames(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = topicName(prefix, i)
	}
	return out
}
