package kafka_test

import (
	"os"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/nodetest"
	"github.com/ottla-io/ottla/sinks/kafka"
)

func TestWhatBrokersWouldLoseOrRefuseSaysSo(t *testing.T) {
	for _, c := range []struct {
		field, from, to string
		loses, disrupts bool
	}{
		{"config.log.retention.ms", "604800000", "3600000", true, false},
		{"config.log.retention.ms", "3600000", "604800000", false, false},
		{"config.log.retention.bytes", "-1", "1073741824", true, false},
		{"config.log.cleanup.policy", "compact", "delete", true, false},
		{"config.log.cleaner.delete.retention.ms", "86400000", "1", true, false},
		{"config.log.roll.ms", "604800000", "1000", true, false},
		{"config.unclean.leader.election.enable", "false", "true", true, false},
		{"config.min.insync.replicas", "1", "2", false, true},
		{"config.min.insync.replicas", "2", "1", false, true},
		{"config.min.insync.replicas", "2", "2", false, false},
		{"config.min.insync.replicas", "", "2", false, true},
		{"config.message.max.bytes", "1000000", "1000", false, true},
		{"config.max.connections", "100", "200", false, false},
		{"config.num.io.threads", "16", "8", false, true},
		{"config.log.index.interval.bytes", "2", "1", false, false},
	} {
		rule := kafka.BrokerConfigRules().Field(c.field)
		loses, disrupts := "", ""
		if rule.Loses != nil {
			loses = rule.Loses(value(c.from), value(c.to))
		}
		if rule.Disrupts != nil {
			disrupts = rule.Disrupts(value(c.from), value(c.to))
		}
		if (loses != "") != c.loses || (disrupts != "") != c.disrupts {
			t.Errorf("%s %s → %s: loses %q, disrupts %q", c.field, c.from, c.to, loses, disrupts)
		}
		if loses != "" && !strings.Contains(loses, "every topic") {
			t.Errorf("%s does not say whom it is about: %s", c.field, loses)
		}
	}
}

func brokerKind(t *testing.T, o kafka.Options) reconcile.Kind {
	t.Helper()
	for _, k := range connect(t, o).Kinds() {
		if k.Name() == kafka.KindBrokerConfig {
			return k
		}
	}
	t.Fatal("there is no such kind")
	return nil
}

func brokerChange(name string, to reconcile.Value) reconcile.Change {
	return reconcile.Change{ID: kafka.BrokerConfigID(kafka.DefaultEntity), Action: reconcile.Update, Fields: []reconcile.FieldChange{{Name: name, To: to}}}
}

func TestABrokersConfigurationIsSetObservedAndUnset(t *testing.T) {
	k := brokerKind(t, options(fakeBrokers(t)))
	see := func() reconcile.Live {
		t.Helper()
		lives, unseen, err := k.Observe(t.Context(), reconcile.Scope{Name: []reconcile.ID{kafka.BrokerConfigID(kafka.DefaultEntity)}})
		if err != nil || len(unseen) > 0 || len(lives) != 1 {
			t.Fatalf("%v %v %v", lives, unseen, err)
		}
		return lives[0]
	}
	mustApply(t, k, brokerChange("config.message.max.bytes", reconcile.TextOf("2000000")))
	if got := see().Field("config.message.max.bytes"); got != reconcile.TextOf("2000000") {
		t.Errorf("it is observed as %v", got)
	}
	mustApply(t, k, brokerChange("config.message.max.bytes", reconcile.UnsetValue()))
	if live := see(); !live.Field("config.message.max.bytes").Is(reconcile.Unset) || live.Defaults["config.message.max.bytes"].Text() == "" {
		t.Errorf("unset, it is %v, by default %v", live.Field("config.message.max.bytes"), live.Defaults["config.message.max.bytes"])
	}
}

func TestABrokerThatIsNotThereIsUnknownAndNeverEmpty(t *testing.T) {
	k := brokerKind(t, options(fakeBrokers(t)))
	for id, words := range map[string]string{"77": "no broker of that id", "first": "names no broker", "007": "names no broker"} {
		lives, unseen, err := k.Observe(t.Context(), reconcile.Scope{Name: []reconcile.ID{kafka.BrokerConfigID(id)}})
		if err != nil || len(lives) > 0 || len(unseen) != 1 || !strings.Contains(unseen[0].Reason, words) {
			t.Errorf("%s: %v %v %v", id, lives, unseen, err)
		}
	}
	for _, o := range apply(t, k, reconcile.Change{ID: kafka.BrokerConfigID("77"), Action: reconcile.Update, Fields: []reconcile.FieldChange{{Name: "config.message.max.bytes", To: reconcile.TextOf("1")}}}) {
		if !strings.Contains(o.Failed, "not there") || o.Unsure {
			t.Errorf("a change of it: %+v", o)
		}
	}
}

func TestWhatABrokerCannotBeToldIsRefusedInWords(t *testing.T) {
	k := brokerKind(t, options(fakeBrokers(t)))
	var saved reconcile.Value
	data, err := reconcile.SecretOf("x").MarshalJSON()
	if err != nil || saved.UnmarshalJSON(data) != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		to    reconcile.Value
		words string
	}{
		"config.ssl.keystore.password":               {saved, "not at hand"},
		"config.leader.replication.throttled.rate":   {reconcile.TextOf("1"), "running reassignment"},
		"config.follower.replication.throttled.rate": {reconcile.UnsetValue(), "running reassignment"},
		"retention": {reconcile.TextOf("1"), "no configuration of a broker"},
	} {
		out := apply(t, k, brokerChange(name, c.to))
		if len(out) != 1 || !strings.Contains(out[0].Failed, c.words) {
			t.Errorf("%s: %+v", name, out)
		}
	}
}

func TestABrokersWordsNeverRepeatASecret(t *testing.T) {
	f := fakeBrokers(t)
	f.ControlKey(int16(kmsg.IncrementalAlterConfigs), func(req kmsg.Request) (kmsg.Response, error, bool) {
		f.KeepControl()
		r := req.(*kmsg.IncrementalAlterConfigsRequest)
		resp := r.ResponseKind().(*kmsg.IncrementalAlterConfigsResponse)
		one := kmsg.NewIncrementalAlterConfigsResponseResource()
		one.ErrorCode, one.ResourceType = 40, kmsg.ConfigResourceTypeBroker
		one.ErrorMessage = kmsg.StringPtr("Invalid value " + *r.Resources[0].Configs[0].Value + " for configuration")
		resp.Resources = append(resp.Resources, one)
		return resp, nil, true
	})
	k := brokerKind(t, options(f))
	change := brokerChange("config.ssl.keystore.password", reconcile.SecretOf("hunter2"))
	verdicts, err := k.(reconcile.Checker).Check(t.Context(), []reconcile.Change{change})
	if err != nil {
		t.Fatal(err)
	}
	out := apply(t, k, change)
	if len(verdicts) != 1 || len(out) != 1 || strings.Contains(verdicts[0].Refused+out[0].Failed, "hunter2") || !strings.Contains(out[0].Failed, "Invalid value") {
		t.Errorf("%+v %+v", verdicts, out)
	}
}

// TestAccessOfOnePrincipalIsAUnion decodes a KafkaUser and two AccessRules, in
// any order, into one set of rules that names every place.
func TestAccessOfOnePrincipalIsAUnion(t *testing.T) {
	const user = "kind: KafkaUser\napiVersion: kafka.strimzi.io/v1\nmetadata: {name: shop}\nspec:\n  authorization:\n    type: simple\n    acls: [{resource: {type: topic, name: orders}, operations: [Read]}]\n"
	const rule = "kind: AccessRule\napiVersion: ottla.io/v1alpha1\nmetadata: {name: NAME}\nspec: {principals: ['User:shop'], intents: [{role: consumer, topics: [orders], groups: [NAME]}]}\n"
	texts := []string{user, strings.ReplaceAll(rule, "NAME", "a"), strings.ReplaceAll(rule, "NAME", "b")}
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}} {
		var all []reconcile.Resource
		for _, i := range order {
			all = append(all, decodeOne(t, texts[i])...)
		}
		merged, err := reconcile.Merge(all, func(kind string) bool { return kafka.Rules()[kind].Bag })
		if err != nil || len(merged) != 1 || len(merged[0].Fields) != 3 {
			t.Fatalf("%v: %+v", err, merged)
		}
		if at := merged[0].Origin("allow|topic|literal|orders|read|*"); len(at) != 3 {
			t.Errorf("the rule that all three give comes from %v", at)
		}
	}
}

func decodeOne(t *testing.T, text string) []reconcile.Resource {
	t.Helper()
	doc := nodetest.Documents(t, "x.yaml", text)[0]
	for _, d := range kafka.Decoders() {
		for _, reads := range d.Reads() {
			if reads == doc.Type() {
				out, err := d.Decode(doc, nil)
				if err != nil {
					t.Fatal(err)
				}
				return out.Resources
			}
		}
	}
	t.Fatalf("nothing reads %s", doc.Type())
	return nil
}

func TestTheExamplesOfTheGuideDecode(t *testing.T) {
	text, err := os.ReadFile("../../docs/access.md")
	if err != nil {
		t.Fatal(err)
	}
	decoded := 0
	for i, block := range strings.Split(string(text), "```") {
		if doc, ok := strings.CutPrefix(block, "yaml\n"); ok && i%2 == 1 {
			decoded += len(decodeOne(t, doc))
		}
	}
	if decoded != 2 {
		t.Errorf("the guide's examples declare %d things", decoded)
	}
}
