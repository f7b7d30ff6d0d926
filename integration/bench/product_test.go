//go:build bench

package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/agent/journal"
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/kafka"
	"github.com/ottla-io/ottla/sources"
	"github.com/ottla-io/ottla/sources/git"
	"github.com/ottla-io/ottla/sources/kustomize"
)

// product is a cluster kept from a plain directory, in this process, so that
// its time is its own and not a process start's.
type product struct {
	t   testing.TB
	dir string
	*agent.Cluster
}

func newProduct(t testing.TB, brokers []string) *product {
	t.Helper()
	p := &product{t: t, dir: t.TempDir()}
	ledger, err := journal.Open(filepath.Join(t.TempDir(), "state"), "bench")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ledger.Close() })
	// As the daemon follows it: between two polls a round reads no files.
	source := git.NewPoller(git.Directory(p.dir), git.PollOptions{Interval: time.Hour})
	renderer := kustomize.New(kustomize.Options{})
	p.Cluster = &agent.Cluster{
		Name: "bench", Interval: time.Second, Settle: 2 * time.Minute, Ledger: ledger, Key: []byte("a key of this benchmark"), Now: time.Now,
		Connect: func(ctx context.Context) (agent.Target, error) {
			return kafka.Connect(ctx, kafka.Options{Brokers: brokers})
		},
		Syncs: []*agent.Sync{{
			Name: "bench", Mode: agent.Apply, Feed: &agent.Feed{Newest: source.Newest}, Descends: source.Descends,
			Read: func(ctx context.Context, s sources.Snapshot) (reconcile.Declarations, error) {
				r, err := renderer.Render(ctx, s.Tree, ".")
				if err != nil {
					return reconcile.Declarations{}, err
				}
				return reconcile.Declare(r.Documents, reconcile.DeclareOptions{
					Decoders: kafka.Decoders(), NotOurs: reconcile.NotOurs,
					Bags: func(kind string) bool { return kind == kafka.KindACLSet || kind == kafka.KindQuotaEntity },
				})
			},
		}},
	}
	t.Cleanup(p.Close)
	return p
}

func (p *product) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// topics declares n topics, a file each.
func (p *product) topics(prefix string, n int) {
	p.t.Helper()
	for _, name := range topicNames(prefix, n) {
		p.write(name+".yaml", topicDocument(name))
	}
}

// topicDocument declares three partitions, and one where there are very many
// topics: a broker keeps some files open for each.
func topicDocument(name string) string {
	partitions := 3
	if strings.HasPrefix(name, "many-") {
		partitions = 1
	}
	return fmt.Sprintf("apiVersion: kafka.strimzi.io/v1\nkind: KafkaTopic\nmetadata: {name: %s}\nspec:\n  partitions: %d\n  replicas: 1\n  config: {retention.ms: 604800000}\n", name, partitions)
}

// users declares n users, each with a password, two ACLs and two quotas.
func (p *product) users(prefix string, n int) {
	p.t.Helper()
	for i := range n {
		name := fmt.Sprintf("%s-%05d", prefix, i)
		p.write(name+".yaml", strings.ReplaceAll(`apiVersion: kafka.strimzi.io/v1
kind: KafkaUser
metadata: {name: NAME}
spec:
  authentication: {type: scram-sha-512, password: {valueFrom: {secretKeyRef: {name: NAME, key: password}}}}
  authorization:
    type: simple
    acls:
      - resource: {type: topic, name: NAME, patternType: prefix}
        operations: [Read, Describe]
  quotas: {producerByteRate: 1048576, consumerByteRate: 1048576}
---
apiVersion: v1
kind: Secret
metadata: {name: NAME}
stringData: {password: a-password-of-NAME}
`, "NAME", name))
	}
}

// round runs one round that must be good, and returns its time.
func (p *product) round() (time.Duration, agent.Report) {
	p.t.Helper()
	began := time.Now()
	r := p.Round(p.t.Context(), reconcile.Scope{Full: true})
	took := time.Since(began)
	if r.Err != nil {
		p.t.Fatal(r.Err)
	}
	for _, s := range r.Syncs {
		for _, err := range s.Errors() {
			p.t.Error(err)
		}
		for _, o := range s.Outcomes {
			if o.Failed != "" {
				p.t.Errorf("%s: %s", o.ID, o.Failed)
			}
		}
	}
	return took, r
}
