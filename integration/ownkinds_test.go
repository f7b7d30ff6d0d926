package integration

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/ottla-io/ottla/integration/kafkatest"
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
