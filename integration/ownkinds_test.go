package integration

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/ottla-io/ottla/cmd/ottla/show"
	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/kafka"
)

const carolUser = `apiVersion: kafka.strimzi.io/v1
kind: KafkaUser
metadata: {name: PREcarol}
spec:
  authentication: {type: tls-external}
  authorization:
    type: simple
    acls:
      - {resource: {type: topic, name: PREorders}, operations: [Read]}
      - {resource: {type: group, name: PREcarol}, operations: [Read]}
`

const carolRule = `apiVersion: ottla.io/v1alpha1
kind: AccessRule
metadata: {name: carol}
spec:
  principals: ["User:CN=PREcarol"]
  intents:
    - {role: consumer, topics: [PREorders], groups: [PREcarol]}
`

// TestAccessThatMovesFromAUserToAnAccessRuleIsNeverTakenAway moves what a
// KafkaUser declares into an AccessRule, by way of both, and back.
func TestAccessThatMovesFromAUserToAnAccessRuleIsNeverTakenAway(t *testing.T) {
	w := newWorld(t)
	w.push(map[string]string{"access.yaml": carolUser})
	w.apply(0)
	kafkatest.Eventually(t, func() error { return equal(len(w.acls("User:CN="+w.pre+"carol")), 2) })
	for _, step := range []struct{ name, text string }{
		{"in both", carolUser + "---\n" + carolRule},
		{"in the rule alone", carolRule},
		{"in the user alone", carolUser},
	} {
		w.push(map[string]string{"access.yaml": step.text})
		if todo := changes(w.plan().Plan); len(todo) > 0 {
			t.Errorf("%s: the plan would change %v", step.name, todo)
		}
		w.apply(0)
		w.settled()
	}
	w.push(map[string]string{"access.yaml": carolRule + "  acls:\n    - {resource: {type: topic, name: PREmore}, operations: [Describe]}\n"})
	plan := w.plan().Plan
	f := field(t, plan, "AclSet/User:CN="+w.pre+"carol", "allow|topic|literal|"+w.pre+"more|describe|*")
	if len(f.Origins) != 1 || f.Origins[0].Document != "AccessRule carol" {
		t.Errorf("the plan says it comes from %+v", f.Origins)
	}
	w.apply(0)
	w.settled()
}

func TestQuotasOfEveryEntityAreDeclaredChangedInPlaceAndReset(t *testing.T) {
	w := newWorld(t)
	quota := func(name, entity, quotas string) string {
		return "---\napiVersion: ottla.io/v1alpha1\nkind: ClientQuota\nmetadata: {name: " + name + "}\nspec: {entity: " + entity + ", quotas: " + quotas + "}\n"
	}
	all := func(rate string) string {
		bytes := "{producerByteRate: " + rate + ", consumerByteRate: 2000, requestPercentage: 12.5, controllerMutationRate: 3}"
		return quota("a", "{user: PREbob}", bytes) + quota("b", "{clientId: PREapp}", bytes) + quota("c", "{user: PREbob, clientId: PREapp}", bytes) +
			quota("d", "{user: PREbob, defaults: [clientId]}", bytes) + quota("e", "{clientId: PREapp, defaults: [user]}", bytes) +
			quota("f", "{defaults: [user, clientId]}", "{controllerMutationRate: 100"+rate+"}") + quota("g", "{defaults: [clientId]}", "{controllerMutationRate: 100"+rate+"}") +
			quota("h", "{defaults: [user]}", "{controllerMutationRate: 100"+rate+"}") +
			quota("i", "{ip: 10.1.2.4}", "{connectionCreationRate: "+rate+"}") + quota("j", "{defaults: [ip]}", "{connectionCreationRate: 100"+rate+"}")
	}
	for _, rate := range []string{"1000", "1001"} {
		w.push(map[string]string{"quotas.yaml": all(rate)})
		w.apply(0)
		w.settled()
	}
	if got := w.quotas(w.pre + "bob"); got["producer_byte_rate"] != 1001 || len(got) != 4 {
		t.Errorf("the quotas of bob are %v", got)
	}
	w.sync["wipeGuard"] = map[string]any{"percent": 100}
	w.push(map[string]string{"quotas.yaml": ordersTopic})
	w.apply(0)
	described, err := w.admin.DescribeClientQuotas(t.Context(), false, nil)
	w.must(err)
	for _, q := range described {
		if len(q.Values) > 0 && (strings.Contains(q.Entity.String(), w.pre) || strings.Contains(q.Entity.String(), "default") || strings.Contains(q.Entity.String(), "10.1.2.4")) {
			t.Errorf("it left Git and is there: %v", q)
		}
	}
}

func TestBrokerConfigurationIsDeclaredHealedAndReset(t *testing.T) {
	w := newWorldOn(t, kafkatest.Start(t, kafkatest.Options{}))
	doc := func(brokers, config string) string {
		return "---\napiVersion: ottla.io/v1alpha1\nkind: BrokerConfig\nmetadata: {name: brokers}\nspec: {" + brokers + "config: {" + config + "}}\n"
	}
	w.setBroker("", "log.index.interval.bytes", "5000") // by hand, before we came
	w.push(map[string]string{"brokers.yaml": doc("", "log.cleaner.backoff.ms: 700, log.retention.ms: 700000000") + strings.ReplaceAll(doc("brokers: [1], ", "background.threads: 11"), "name: brokers", "name: one")})
	w.apply(0)
	w.settled()
	if got := w.brokerConfig("log.index.interval.bytes"); got != "5000" {
		t.Errorf("a key that was there and Git does not name is %q", got)
	}
	w.setBroker("", "log.cleaner.backoff.ms", "800")
	w.setBroker("1", "leader.replication.throttled.rate", "1000000") // a reassignment's
	f := field(t, w.plan().Plan, "BrokerConfig/<default>", "config.log.cleaner.backoff.ms")
	if f.Why != "drifted" {
		t.Errorf("a key changed by hand is %s", f.Why)
	}
	w.apply(0)
	w.settled()
	if got := w.brokerConfig("log.cleaner.backoff.ms"); got != "700" {
		t.Errorf("a key changed by hand was not put back: %q", got)
	}
	if got := w.brokerConfig("leader.replication.throttled.rate"); got != "1000000" {
		t.Errorf("the throttle of a reassignment is %q", got)
	}

	w.push(map[string]string{"brokers.yaml": doc("", "log.retention.ms: 600000000, node.id: 7, log.cleaner.threads: many, min.insync.replicas: 2")})
	plan := w.plan().Plan
	for name, words := range map[string]string{"config.node.id": "read-only", "config.log.cleaner.threads": "many"} {
		if f := field(t, plan, "BrokerConfig/<default>", name); !strings.Contains(f.Fate.Refused, words) {
			t.Errorf("%s: %q", name, f.Fate.Refused)
		}
	}
	if f := field(t, plan, "BrokerConfig/<default>", "config.log.retention.ms"); !f.Irreversible || !strings.Contains(f.Risk, "on every topic") {
		t.Errorf("a shorter retention for all topics: %+v", f)
	}
	if f := field(t, plan, "BrokerConfig/<default>", "config.min.insync.replicas"); !strings.Contains(f.Risk, "acks=all") {
		t.Errorf("more replicas in sync: %+v", f)
	}
	w.push(map[string]string{"brokers.yaml": doc("", "log.retention.ms: 600000000")})
	w.apply(0)
	w.settled()
	if got := w.brokerConfig("log.cleaner.backoff.ms"); got != "500" {
		t.Errorf("a key that left Git is %q, not what the broker's file says", got)
	}
	if got := w.brokerConfig("background.threads"); got != "10" {
		t.Errorf("a broker that left Git has %q threads", got)
	}
}

func TestASecretOfABrokerIsSetByReferenceAndShownNowhere(t *testing.T) {
	w := newWorldOn(t, kafkatest.Start(t, kafkatest.Options{}))
	doc := `apiVersion: ottla.io/v1alpha1
kind: BrokerConfig
metadata: {name: brokers}
spec:
  configFrom:
    - {name: plugin.password, valueFrom: {secretKeyRef: {name: plugin, key: password}}}
---
apiVersion: v1
kind: Secret
metadata: {name: plugin}
stringData: {password: "canary-BYTES"}
`
	for _, word := range []string{"one", "two"} {
		w.push(map[string]string{"brokers.yaml": strings.ReplaceAll(doc, "BYTES", word)})
		for _, args := range [][]string{{"plan"}, {"plan", "-o", "json"}, {"apply"}, {"get", "BrokerConfig/<default>", "-o", "yaml"}} {
			if r := w.ottla(args...); strings.Contains(r.out+r.stderr, "canary") || !strings.Contains(r.out, "plugin.password") && args[0] != "apply" {
				t.Errorf("ottla %v: %s%s", args, r.out, r.stderr)
			}
		}
		w.settled()
	}
}

func (w *world) setBroker(broker, key, value string) {
	w.t.Helper()
	configs := []kadm.AlterConfig{{Name: key, Value: &value}}
	var ids []int32
	if broker != "" {
		ids = []int32{1}
	}
	rs, err := w.admin.AlterBrokerConfigs(w.t.Context(), configs, ids...)
	w.must(err)
	w.must(rs[0].Err)
	kafkatest.Eventually(w.t, func() error { return equal(w.brokerConfig(key), value) })
}

// brokerConfig is what broker 1 goes by.
func (w *world) brokerConfig(key string) string {
	w.t.Helper()
	rs, err := w.admin.DescribeBrokerConfigs(w.t.Context(), 1)
	w.must(err)
	for _, c := range rs[0].Configs {
		if c.Key == key {
			return c.MaybeValue()
		}
	}
	return ""
}

func equal[T comparable](got, want T) error {
	if got != want {
		return fmt.Errorf("it is %v, not %v", got, want)
	}
	return nil
}

// TestWhatNobodyOwnsIsCountedListedAndNeverTouched asks a command that works by
// itself, then the daemon.
func TestWhatNobodyOwnsIsCountedListedAndNeverTouched(t *testing.T) {
	w := newWorldOn(t, kafkatest.Start(t, kafkatest.Options{}))
	w.byHand()
	w.push(map[string]string{"orders.yaml": ordersTopic, "access.yaml": carolRule})
	w.grant("User:CN="+w.pre+"carol", w.pre+"left")
	w.apply(0)
	w.settled()
	look := func(from string) {
		t.Helper()
		r := w.ottla("get", "--unowned", "-o", "json")
		var u show.Unowned
		if err := json.Unmarshal([]byte(r.out), &u); err != nil {
			t.Fatalf("%s: %v\n%s%s", from, err, r.out, r.stderr)
		}
		want := map[string]show.UnownedCount{
			"Topic": {Things: 1}, "ScramCredential": {Things: 3}, "AclSet": {Things: 1, Entries: 1, LeftAlone: 1},
			"QuotaEntity": {Things: 1, Entries: 1}, "BrokerConfig": {Things: 1, Entries: 2}, // the brokers' own user is one by two mechanisms; Kafka sets min.insync.replicas
		}
		if !maps.Equal(u.Counts, want) || len(u.Resources) != 8 {
			t.Errorf("%s: %v\n%s", from, u.Counts, r.out)
		}
		if words := w.ottla("get", "--unowned").out; !strings.Contains(words, w.pre+"left") || !strings.Contains(words, "None of it is touched") {
			t.Errorf("%s: %s", from, words)
		}
	}
	look("by itself")
	d := w.daemon()
	kafkatest.Eventually(t, func() error {
		_, err := os.Stat(filepath.Join(w.dir, "state", "ottla.sock"))
		return err
	})
	look("the daemon")
	d.stop(20 * time.Second)
	w.settled()
	if w.partitions(w.pre+"stray") != 1 {
		t.Error("the topic nobody owns was touched")
	}
}

// byHand makes one of everything that nobody declares.
func (w *world) byHand() {
	w.t.Helper()
	_, err := w.admin.CreateTopic(w.t.Context(), 1, 1, nil, w.pre+"stray")
	w.must(err)
	set, err := w.admin.AlterUserSCRAMs(w.t.Context(), nil, []kadm.UpsertSCRAM{{User: w.pre + "stray", Mechanism: kadm.ScramSha512, Iterations: 4096, Password: "by-hand"}})
	w.must(errors.Join(err, set.Error()))
	w.grant("User:"+w.pre+"stray", w.pre+"stray")
	quota := kadm.AlterClientQuotaEntry{Entity: kadm.ClientQuotaEntity{{Type: "user", Name: str(w.pre + "stray")}}, Ops: []kadm.AlterClientQuotaOp{{Key: "producer_byte_rate", Value: 1000}}}
	altered, err := w.admin.AlterClientQuotas(w.t.Context(), []kadm.AlterClientQuotaEntry{quota})
	w.must(errors.Join(err, altered[0].Err))
	w.setBroker("", "log.index.interval.bytes", "5000")
}

func (w *world) grant(principal, topic string) {
	w.t.Helper()
	created, err := w.admin.CreateACLs(w.t.Context(), kadm.NewACLs().Allow(principal).AllowHosts("*").Topics(topic).Operations(kadm.OpRead).ResourcePatternType(kadm.ACLPatternLiteral))
	w.must(errors.Join(err, created[0].Err))
}

// TestEachBrokerIsToldItsOwnConfiguration sets what only the broker itself
// takes, wherever the controller is.
func TestEachBrokerIsToldItsOwnConfiguration(t *testing.T) {
	r := kafkatest.Start(t, kafkatest.Options{Nodes: 2})
	k := kind(t, connect(t, kafka.Options{Brokers: r.Plain()}), kafka.KindBrokerConfig)
	one, two := kafka.BrokerConfigID("1"), kafka.BrokerConfigID("2")
	mustApply(t, k, set(reconcile.Update, one, "config.background.threads", "11"), set(reconcile.Update, two, "config.background.threads", "12"),
		set(reconcile.Update, kafka.BrokerConfigID(kafka.DefaultEntity), "config.background.threads", "13"))
	for id, threads := range map[reconcile.ID]string{one: "11", two: "12", kafka.BrokerConfigID(kafka.DefaultEntity): "13"} {
		kafkatest.Eventually(t, func() error {
			return equal(look(t, k, id).Field("config.background.threads").Text(), threads)
		})
	}
	live := look(t, k, one)
	if got := live.Defaults["config.background.threads"].Text(); got != "13" {
		t.Errorf("without its own, broker 1 falls back to %q", got)
	}
	if got := live.Defaults["config.log.retention.ms"].Text(); got != "604800000" {
		t.Errorf("log.retention.ms falls back to %q, not to seven days", got)
	}
}
