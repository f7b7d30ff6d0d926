package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/reconcile"
)

func TestAPushBecomesTheStateOfARealKafka(t *testing.T) {
	w := newWorld(t)
	w.push(map[string]string{"orders.yaml": ordersTopic, "bob.yaml": bobUser})
	if v := w.apply(0); v.State != "in-sync" {
		t.Fatalf("state %s: %+v", v.State, v.Problems)
	}
	if n := w.partitions(w.pre + "orders"); n != 3 {
		t.Errorf("%d partitions, want 3", n)
	}
	if got := w.topicConfig(w.pre + "orders")["retention.ms"]; got != "604800000" {
		t.Errorf("retention.ms is %q", got)
	}
	w.onlyWhatIsDeclared(w.pre+"bob", "bobs-password-1")
	if got := w.quotas(w.pre + "bob"); got["consumer_byte_rate"] != 1048576 || got["request_percentage"] != 50 {
		t.Errorf("quotas are %v", got)
	}
	t.Run("and a second run changes nothing", func(t *testing.T) {
		v := w.apply(0)
		if len(changes(v.Plan)) > 0 || len(v.Outcomes) > 0 {
			t.Errorf("it did %+v", v.Outcomes)
		}
		w.settled()
	})
}

// onlyWhatIsDeclared lets a real client read the topic, in its group, and
// nothing else.
func (w *world) onlyWhatIsDeclared(user, password string) {
	w.t.Helper()
	producer := w.kafka.Client(w.t)
	w.must(producer.ProduceSync(w.t.Context(), &kgo.Record{Topic: w.pre + "orders", Value: []byte("one")}).FirstErr())
	login := kgo.SASL(scram.Auth{User: user, Pass: password}.AsSha512Mechanism())
	newClient := func(opts ...kgo.Opt) *kgo.Client {
		cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(w.kafka.SASL()...), login}, opts...)...)
		w.must(err)
		w.t.Cleanup(cl.Close)
		return cl
	}
	reader := newClient(kgo.ConsumeTopics(w.pre+"orders"), kgo.ConsumerGroup(w.pre+"bob-1"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	fetches := reader.PollFetches(w.t.Context())
	w.must(fetches.Err())
	if fetches.NumRecords() != 1 {
		w.t.Errorf("the declared reader read %d records", fetches.NumRecords())
	}
	writer := newClient()
	if err := writer.ProduceSync(w.t.Context(), &kgo.Record{Topic: w.pre + "orders", Value: []byte("no")}).FirstErr(); err == nil {
		w.t.Error("a reader could write")
	}
	if _, err := kadm.NewClient(writer).CreateTopic(w.t.Context(), 1, 1, nil, w.pre+"mine"); err == nil {
		w.t.Error("a reader could create a topic")
	}
	strangers := newClient(kgo.ConsumeTopics(w.pre+"orders"), kgo.ConsumerGroup("another-"+w.pre))
	if err := strangers.PollFetches(w.t.Context()).Err(); err == nil {
		w.t.Error("a reader could use another group")
	}
}

// quotas of a user, by key.
func (w *world) quotas(user string) map[string]float64 {
	w.t.Helper()
	described, err := w.admin.DescribeClientQuotas(w.t.Context(), true, []kadm.DescribeClientQuotaComponent{
		{Type: "user", MatchName: &user, MatchType: kmsg.QuotasMatchTypeExact},
	})
	w.must(err)
	out := map[string]float64{}
	for _, q := range described {
		for _, v := range q.Values {
			out[v.Key] = v.Value
		}
	}
	return out
}

func (w *world) acls(principal string) []string {
	w.t.Helper()
	described, err := w.admin.DescribeACLs(w.t.Context(), kadm.NewACLs().Allow(principal).AllowHosts().Deny(principal).DenyHosts().
		Topics().Groups().Clusters().TransactionalIDs().Operations().ResourcePatternType(kadm.ACLPatternAny))
	w.must(err)
	var out []string
	for _, d := range described {
		for _, a := range d.Described {
			if a.Principal == principal {
				out = append(out, fmt.Sprintf("%s %s %s", a.Operation, a.Type, a.Name))
			}
		}
	}
	return out
}

func TestEachKindOfManualChangeIsHealed(t *testing.T) {
	w := newWorld(t)
	w.cluster["loginListener"] = map[string]any{"bootstrapServers": w.kafka.SASL()}
	w.push(map[string]string{"orders.yaml": ordersTopic, "bob.yaml": bobUser})
	w.apply(0)
	topic, user := w.pre+"orders", w.pre+"bob"
	for _, one := range []struct {
		name, id, field string
		byHand          func(t *testing.T)
	}{
		{"a configuration key changed", "Topic/" + topic, "config.retention.ms", func(*testing.T) { w.setConfig(topic, "retention.ms", str("100000")) }},
		{"a configuration key removed", "Topic/" + topic, "config.cleanup.policy", func(*testing.T) { w.setConfig(topic, "cleanup.policy", nil) }},
		{"a configuration key added", "Topic/" + topic, "config.max.message.bytes", func(*testing.T) { w.setConfig(topic, "max.message.bytes", str("2000000")) }},
		{"an ACL removed", "AclSet/User:" + user, "allow|topic|literal|" + topic + "|read|*", func(t *testing.T) {
			_, err := w.admin.DeleteACLs(t.Context(), kadm.NewACLs().Allow("User:"+user).AllowHosts("*").Topics(topic).Operations(kadm.OpRead).ResourcePatternType(kadm.ACLPatternLiteral))
			w.must(err)
		}},
		{"an ACL added", "AclSet/User:" + user, "allow|topic|literal|" + topic + "|write|*", func(t *testing.T) {
			_, err := w.admin.CreateACLs(t.Context(), kadm.NewACLs().Allow("User:"+user).AllowHosts("*").Topics(topic).Operations(kadm.OpWrite).ResourcePatternType(kadm.ACLPatternLiteral))
			w.must(err)
		}},
		{"a quota changed", "QuotaEntity/user=" + user, "consumer_byte_rate", func(*testing.T) { w.setQuota(user, "consumer_byte_rate", 5) }},
		{"a quota added", "QuotaEntity/user=" + user, "producer_byte_rate", func(*testing.T) { w.setQuota(user, "producer_byte_rate", 5) }},
		{"a password changed", "ScramCredential/" + user + "|SCRAM-SHA-512", "password", func(t *testing.T) {
			_, err := w.admin.AlterUserSCRAMs(t.Context(), nil, []kadm.UpsertSCRAM{{User: user, Mechanism: kadm.ScramSha512, Iterations: 8192, Password: "another-1"}})
			w.must(err)
		}},
		{"a user deleted", "ScramCredential/" + user + "|SCRAM-SHA-512", "password", func(t *testing.T) {
			_, err := w.admin.AlterUserSCRAMs(t.Context(), []kadm.DeleteSCRAM{{User: user, Mechanism: kadm.ScramSha512}}, nil)
			w.must(err)
		}},
	} {
		t.Run(one.name, func(t *testing.T) {
			one.byHand(t)
			var plan reconcile.Plan
			kafkatest.Eventually(t, func() error {
				if plan = w.plan().Plan; len(changes(plan)) == 0 {
					return fmt.Errorf("drift is not seen")
				}
				return nil
			})
			if f := field(t, plan, one.id, one.field); f.Why != reconcile.Drifted {
				t.Errorf("%s %s is called %s", one.id, one.field, f.Why)
			}
			w.apply(0)
			w.settled()
		})
	}
	w.onlyWhatIsDeclared(user, "bobs-password-1")
}

func (w *world) setQuota(user, key string, value float64) {
	w.t.Helper()
	rs, err := w.admin.AlterClientQuotas(w.t.Context(), []kadm.AlterClientQuotaEntry{{
		Entity: kadm.ClientQuotaEntity{{Type: "user", Name: &user}},
		Ops:    []kadm.AlterClientQuotaOp{{Key: key, Value: value}},
	}})
	w.must(err)
	w.must(rs[0].Err)
}

func TestAWrongDocumentChangesNothingAndTheLastGoodRevisionIsHealed(t *testing.T) {
	w := newWorld(t)
	w.push(map[string]string{"orders.yaml": ordersTopic})
	w.apply(0)
	w.push(map[string]string{
		"orders.yaml": strings.Replace(ordersTopic, "partitions: 3", "partitions: 6", 1),
		"wrong.yaml":  strings.Replace(ordersTopic, "partitions:", "partitons:", 1),
	})
	w.setConfig(w.pre+"orders", "retention.ms", str("100"))
	v := w.apply(1)
	if v.State != "rejected" || len(v.Problems) == 0 {
		t.Fatalf("state %s, problems %v", v.State, v.Problems)
	}
	for _, want := range []string{"wrong.yaml:", "partitons", "partitions"} {
		if !strings.Contains(v.Problems[0].Text, want) {
			t.Errorf("%q is not in %s", want, v.Problems[0].Text)
		}
	}
	if n := w.partitions(w.pre + "orders"); n != 3 {
		t.Errorf("%d partitions: the rejected revision was carried out", n)
	}
	kafkatest.Eventually(t, func() error {
		if got := w.topicConfig(w.pre + "orders")["retention.ms"]; got != "604800000" {
			w.apply(1)
			return fmt.Errorf("retention.ms is %s", got)
		}
		return nil
	})
}

func TestABadConfigurationValueIsAnErrorInThePlanWithItsFile(t *testing.T) {
	w := newWorld(t)
	w.push(map[string]string{"orders.yaml": strings.Replace(ordersTopic, "retention.ms: 604800000", "no.such.key: 1", 1)})
	v, r := w.view("plan")
	c := changes(v.Plan)["Topic/"+w.pre+"orders"]
	refused := c.Fate.Refused
	for _, f := range c.Fields {
		refused += f.Fate.Refused
	}
	if r.code != 3 || !strings.Contains(refused, "no.such.key") {
		t.Errorf("exit %d, refused %q\n%s", r.code, refused, r.out)
	}
	if human := w.ottla("plan"); !strings.Contains(human.out, "orders.yaml:") {
		t.Errorf("the plan does not name the file:\n%s", human.out)
	}
	w.apply(3)
	if n := w.partitions(w.pre + "orders"); n != 0 {
		t.Error("it was created all the same")
	}
}

func TestADaemonKeepsWhatIsPushedAndHealsWhatIsChanged(t *testing.T) {
	w := newWorld(t)
	w.push(map[string]string{"orders.yaml": ordersTopic})
	d := w.daemon()
	kafkatest.Eventually(t, func() error {
		if n := w.partitions(w.pre + "orders"); n != 3 {
			return fmt.Errorf("%d partitions", n)
		}
		return nil
	})
	w.setConfig(w.pre+"orders", "retention.ms", str("100"))
	kafkatest.Eventually(t, func() error {
		if got := w.topicConfig(w.pre + "orders")["retention.ms"]; got != "604800000" {
			return fmt.Errorf("retention.ms is %s", got)
		}
		return nil
	})
	w.push(map[string]string{"orders.yaml": strings.Replace(ordersTopic, "partitions: 3", "partitions: 6", 1)})
	kafkatest.Eventually(t, func() error {
		if n := w.partitions(w.pre + "orders"); n != 6 {
			return fmt.Errorf("%d partitions", n)
		}
		return nil
	})
	if r := w.ottla("apply"); r.code != 0 {
		t.Errorf("apply through the daemon: exit %d\n%s%s", r.code, r.out, r.stderr)
	}
	d.stop(5 * time.Second)
}
