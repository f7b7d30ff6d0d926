package integration

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/reconcile"
)

// TestAClusterMadeByOthersIsTakenOverWithoutOneWrite makes a cluster with
// Kafka's own tools and requests, exports it, and lets a new agent adopt it.
func TestAClusterMadeByOthersIsTakenOverWithoutOneWrite(t *testing.T) {
	for _, split := range []string{"kind", "topic", "prefix"} {
		t.Run(split, func(t *testing.T) {
			if split != "kind" {
				soak(t) // only the files differ, which unit tests look at
			}
			w := newWorldOn(t, kafkatest.Start(t, kafkatest.Options{}))
			w.madeByOthers(split == "kind")
			before := w.fingerprint()
			dir := filepath.Join(w.dir, "exported")
			if r := w.ottla("export", dir, "--split", split); r.code != 0 || !strings.Contains(r.out, "__consumer_offsets is left out") {
				t.Fatalf("export: exit %d\n%s%s", r.code, r.out, r.stderr)
			}
			if r := w.ottla("plan", dir); r.code != 0 || !strings.Contains(r.out, "No changes") {
				t.Fatalf("a plan of what was exported: exit %d\n%s%s", r.code, r.out, r.stderr)
			}
			w.must(os.CopyFS(w.repo, os.DirFS(dir)))
			w.push(nil)
			w.adoptsAll(w.plan().Plan)
			applied := w.apply(0)
			if len(applied.Outcomes) > 0 {
				t.Errorf("something was written: %+v", applied.Outcomes)
			}
			w.settled()
			if after := w.fingerprint(); after != before {
				t.Errorf("the cluster is another one now:\n%s\nbefore:\n%s", after, before)
			}
			w.logsIn(w.pre+"app", "made-by-hand")
			if words := w.ottla("get", "Topic/"+w.pre+"orders.in").out; !strings.Contains(words, "adopted") {
				t.Errorf("it is not owned: %s", words)
			}
		})
	}
}

// adoptsAll holds a plan to adoptions and nothing else.
func (w *world) adoptsAll(p reconcile.Plan) {
	w.t.Helper()
	adopted := map[string]int{}
	for _, c := range p.Changes {
		if c.Action != reconcile.Note || !c.Notes.Adopt || len(c.Fields) > 0 {
			w.t.Errorf("%s is not merely adopted: %+v", c.ID, c)
		}
		for name := range c.Notes.Alone {
			if name != "password" { // which is not managed
				w.t.Errorf("%s: %s is not declared", c.ID, name)
			}
		}
		adopted[c.ID.Kind]++
	}
	// The brokers' own user is there, too.
	if want := "map[AclSet:3 BrokerConfig:2 QuotaEntity:3 ScramCredential:2 Topic:3]"; fmt.Sprint(adopted) != want {
		w.t.Errorf("it adopts %v, not %s", adopted, want)
	}
}

// madeByOthers fills a cluster: by Kafka's own tools where asked, else by the
// same requests.
func (w *world) madeByOthers(tools bool) {
	w.t.Helper()
	servers := strings.Join(w.kafka.Plain(), ",")
	topics := map[string][]string{
		w.pre + "orders.in":   {"retention.ms=86400000", "cleanup.policy=compact,delete"},
		w.pre + "orders_OUT":  {"min.cleanable.dirty.ratio=0.25"},
		w.pre + "invoices-v1": nil,
	}
	for name, config := range topics {
		if tools {
			args := []string{"--bootstrap-server", servers, "--create", "--topic", name, "--partitions", "2", "--replication-factor", "1"}
			for _, c := range config {
				args = append(args, "--config", c)
			}
			kafkatest.Tool(w.t, "org.apache.kafka.tools.TopicCommand", args...)
			continue
		}
		configs := map[string]*string{}
		for _, c := range config {
			key, value, _ := strings.Cut(c, "=")
			configs[key] = &value
		}
		_, err := w.admin.CreateTopic(w.t.Context(), 2, 1, configs, name)
		w.must(err)
	}
	set, err := w.admin.AlterUserSCRAMs(w.t.Context(), nil, []kadm.UpsertSCRAM{{User: w.pre + "app", Mechanism: kadm.ScramSha512, Iterations: 5000, Password: "made-by-hand"}})
	w.must(errors.Join(err, set.Error()))
	w.accessByOthers(tools, servers)
	client := kadm.ClientQuotaEntity{{Type: "client-id", Name: str(w.pre + "batch")}}
	all := kadm.ClientQuotaEntity{{Type: "user"}}
	user := kadm.ClientQuotaEntity{{Type: "user", Name: str(w.pre + "app")}}
	for _, entity := range []kadm.ClientQuotaEntity{client, all, user} {
		altered, err := w.admin.AlterClientQuotas(w.t.Context(), []kadm.AlterClientQuotaEntry{{Entity: entity, Ops: []kadm.AlterClientQuotaOp{{Key: "consumer_byte_rate", Value: 1e9}, {Key: "request_percentage", Value: 250.5}}}})
		w.must(errors.Join(err, altered[0].Err))
	}
	w.setBroker("", "log.retention.ms", "700000000")
	w.setBroker("1", "background.threads", "11")
	w.usesGroups()
}

func (w *world) accessByOthers(tools bool, servers string) {
	w.t.Helper()
	for _, principal := range []string{"User:" + w.pre + "app", "User:CN=" + w.pre + "tls", "User:CN=" + w.pre + "x,O=Shop"} {
		if tools {
			kafkatest.Tool(w.t, "org.apache.kafka.tools.AclCommand", "--bootstrap-server", servers, "--add", "--allow-principal", principal,
				"--consumer", "--topic", w.pre+"orders", "--resource-pattern-type", "prefixed", "--group", w.pre+"g")
			continue
		}
		w.grant(principal, w.pre+"orders.in")
	}
}

// usesGroups reads in a group, so that Kafka has its own topic for offsets.
func (w *world) usesGroups() {
	w.t.Helper()
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: w.pre + "orders.in", At: 0})
	kafkatest.Eventually(w.t, func() error { return w.admin.CommitAllOffsets(w.t.Context(), w.pre+"g", offsets) })
}

// fingerprint is all that a take-over could touch.
func (w *world) fingerprint() string {
	w.t.Helper()
	var out strings.Builder
	topics, err := w.admin.ListTopicsWithInternal(w.t.Context())
	w.must(err)
	for _, t := range topics.Sorted() {
		fmt.Fprintf(&out, "%s %s %d %v\n", t.Topic, t.ID, len(t.Partitions), w.topicConfig(t.Topic))
	}
	for _, user := range []string{"app", "tls", "x"} {
		for _, principal := range []string{"User:" + w.pre + user, "User:CN=" + w.pre + user, "User:CN=" + w.pre + user + ",O=Shop"} {
			fmt.Fprintln(&out, principal, len(w.acls(principal)))
		}
	}
	quotas, err := w.admin.DescribeClientQuotas(w.t.Context(), false, nil)
	w.must(err)
	fmt.Fprintln(&out, len(quotas), w.quotas(w.pre+"app"), w.brokerConfig("log.retention.ms"), w.brokerConfig("background.threads"))
	return out.String()
}

func (w *world) logsIn(user, password string) {
	w.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.kafka.SASL()...), kgo.SASL(scram.Auth{User: user, Pass: password}.AsSha512Mechanism()))
	w.must(err)
	defer cl.Close()
	w.must(cl.Ping(w.t.Context()))
}
