package integration

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"gocloud.dev/blob"

	"github.com/ottla-io/ottla/integration/corpus"
	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/integration/storetest"
	"github.com/ottla-io/ottla/sinks/backup/capture"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/restore"
	"github.com/ottla-io/ottla/sinks/backup/store"
)

// vault is a backup repository in a store, and the Kafka that is backed up.
type vault struct {
	t      *testing.T
	kafka  *kafkatest.Cluster
	client *kgo.Client
	pre    string // names of this test begin with it
	open   repository.Options
	repo   *repository.Repository
}

func newVault(t *testing.T, k *kafkatest.Cluster, b *blob.Bucket, pre string) *vault {
	t.Helper()
	v := &vault{t: t, kafka: k, client: k.Client(t, kgo.MetadataMinAge(10*time.Millisecond)), pre: pre, open: repository.Options{
		Bucket: b, Identity: format.Identity{Namespace: "default", Name: "proof", Cluster: k.ID}, Writer: "test/1", Now: time.Now,
	}}
	v.reopen()
	return v
}

// reopen is what another process would see.
func (v *vault) reopen() {
	v.t.Helper()
	repo, err := repository.Open(v.t.Context(), v.open)
	if err != nil {
		v.t.Fatal(err)
	}
	v.repo = repo
}

// bucket opens an empty bucket of a store, as the product does.
func bucket(t *testing.T, s *storetest.Server, name string) *blob.Bucket {
	t.Helper()
	b, err := store.Open(t.Context(), s.Options(s.Bucket(t, name)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// dial opens one more client to a cluster, as a run does for each connection.
func dial(k *kafkatest.Cluster) func(context.Context) (*kgo.Client, error) {
	return func(context.Context) (*kgo.Client, error) { return kgo.NewClient(kgo.SeedBrokers(k.Plain()...)) }
}

func (v *vault) capture(change ...func(*capture.Options)) capture.Options {
	o := capture.Options{Dial: dial(v.kafka), Repository: v.repo, Kind: format.Manual, Topics: []string{v.pre + "*"}, Now: time.Now}
	for _, c := range change {
		c(&o)
	}
	return o
}

// backUp makes a point.
func (v *vault) backUp(change ...func(*capture.Options)) capture.Report {
	v.t.Helper()
	r, err := capture.Run(v.t.Context(), v.capture(change...))
	if err != nil {
		v.t.Fatalf("back up: %v", err)
	}
	return r
}

func (v *vault) options(name, to string, change ...func(*restore.Options)) restore.Options {
	o := restore.Options{
		Name: name, Dial: dial(v.kafka), Repository: v.repo, Rename: map[string]string{v.pre + "*": to + "*"}, Create: true,
		Groups: []string{v.pre + "*"}, Now: time.Now,
	}
	for _, c := range change {
		c(&o)
	}
	return o
}

// giveBack restores into topics whose names begin with to instead.
func (v *vault) giveBack(name, to string, change ...func(*restore.Options)) restore.Report {
	v.t.Helper()
	r, err := restore.Run(v.t.Context(), v.options(name, to, change...))
	if err != nil {
		v.t.Fatalf("restore %s: %v", name, err)
	}
	if len(r.Problems)+len(r.Unequal) > 0 {
		v.t.Fatalf("restore %s: problems %v, unequal %v", name, r.Problems, r.Unequal)
	}
	return r
}

// contents are topics and groups as they were at one moment.
type contents struct {
	topics map[string]corpus.Partitions // by name without the prefix
	groups corpus.Committed
}

// look reads topics whose names begin with pre, and groups.
func (v *vault) look(pre string, topics, groups []string) contents {
	v.t.Helper()
	c := contents{topics: map[string]corpus.Partitions{}}
	for _, t := range topics {
		name := strings.TrimPrefix(t, v.pre)
		c.topics[name] = corpus.Read(v.t, v.client, pre+name)
	}
	if len(groups) > 0 {
		c.groups = corpus.ReadGroups(v.t, v.client, groups...)
	}
	return c
}

// same compares every record, and for every group the record that it reads next.
func (v *vault) same(want contents, topics, groups []string, to string) {
	v.t.Helper()
	got := v.look(to, topics, groups)
	for name, records := range want.topics {
		if d := corpus.Differences(records, got.topics[name]); d != "" {
			v.t.Errorf("%s: what came back is not what was there:\n%s", name, d)
		}
	}
	const shown = 10
	differences := v.groupDifferences(want, got, to)
	for _, d := range differences[:min(shown, len(differences))] {
		v.t.Error(d)
	}
}

func (v *vault) groupDifferences(want, got contents, to string) []string {
	var out []string
	for group, topics := range want.groups {
		for topic, partitions := range topics {
			name, ours := strings.CutPrefix(topic, v.pre)
			if !ours {
				continue // what an earlier restore has set
			}
			for p, commit := range partitions {
				next := corpus.Next(want.topics[name][p], commit.At)
				back, ok := got.groups[group][to+name][p]
				if !ok {
					out = append(out, fmt.Sprintf("%s: nothing committed for %s/%d, want what %d was", group, to+name, p, commit.At))
				} else if n := corpus.Next(got.topics[name][p], back.At); n != next {
					out = append(out, fmt.Sprintf("%s: at %d of %s/%d it reads record %d next, want record %d, as at %d",
						group, back.At, name, p, n, next, commit.At))
				} else if back.Metadata != commit.Metadata {
					out = append(out, fmt.Sprintf("%s: metadata %q, want %q", group, back.Metadata, commit.Metadata))
				}
			}
		}
	}
	return out
}

// configured compares what is set on restored topics with what was.
func (v *vault) configured(topics []string, to string) {
	v.t.Helper()
	for _, t := range topics {
		name := strings.TrimPrefix(t, v.pre)
		was, is := v.config(t), v.config(to+name)
		if fmt.Sprint(was) != fmt.Sprint(is) {
			v.t.Errorf("%s: configured as %v, want %v", to+name, is, was)
		}
	}
}

func (v *vault) config(topic string) map[string]string {
	v.t.Helper()
	got, err := kadm.NewClient(v.client).DescribeTopicConfigs(v.t.Context(), topic)
	if err != nil {
		v.t.Fatal(err)
	}
	out := map[string]string{}
	for _, c := range got[0].Configs {
		if c.Source.String() == "DYNAMIC_TOPIC_CONFIG" {
			out[c.Key] = c.MaybeValue()
		}
	}
	return out
}

// sound verifies every record of every point.
func (v *vault) sound() {
	v.t.Helper()
	found, err := v.repo.Verify(v.t.Context(), repository.VerifyOptions{Level: repository.Data})
	if err != nil {
		v.t.Fatalf("verify: %v", err)
	}
	for _, f := range found {
		if !f.Good {
			v.t.Errorf("point %d: %v", f.Point, f.Found)
		}
	}
}
