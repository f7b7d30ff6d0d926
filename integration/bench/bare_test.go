//go:build bench

package bench

import (
	"context"
	"fmt"
	"testing"
	"time"

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
	b.visible(prefix, n)
	return time.Since(began)
}

// visible waits until all n topics are in the metadata.
func (b bare) visible(prefix string, n int) {
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
		for i := range n {
			if !seen[topicName(prefix, i)] {
				missing++
			}
		}
		if missing == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.t.Fatalf("not all of %d topics are visible", n)
}

func topicName(prefix string, i int) string { return fmt.Sprintf("%s-%05d", prefix, i) }

func topicNames(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = topicName(prefix, i)
	}
	return out
}
