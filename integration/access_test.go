package integration

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/kafka"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestAUserLogsInWithTheDeclaredPassword(t *testing.T) {
	r := kafkatest.Shared(t)
	admin := connect(t, kafka.Options{Brokers: r.Plain(), Login: &kafka.Login{Brokers: r.SASL()}})
	k := kind(t, admin, kafka.KindScramCredential)
	for _, m := range []kafka.Mechanism{kafka.ScramSHA256, kafka.ScramSHA512} {
		t.Run(string(m), func(t *testing.T) {
			user := kafkatest.Prefix(t) + "bob"
			id := kafka.ScramID(user, m)
			change := set(reconcile.Create, id)
			change.Fields = append(change.Fields, reconcile.FieldChange{Name: "password", To: reconcile.SecretOf("pä$$ wörd,=")})
			mustApply(t, k, change)
			if live := look(t, k, id); live.Fields["iterations"].Text() != "8192" {
				t.Errorf("iterations are %s", live.Fields["iterations"])
			}
			prover := k.(interface {
				Prove(context.Context, reconcile.ID, reconcile.Value) (bool, error)
			})
			kafkatest.Eventually(t, func() error {
				if ok, err := prover.Prove(t.Context(), id, reconcile.SecretOf("pä$$ wörd,=")); !ok || err != nil {
					return fmt.Errorf("the password is not proven: %w", err)
				}
				return nil
			})
			if ok, err := prover.Prove(t.Context(), id, reconcile.SecretOf("wrong")); ok || err != nil {
				t.Errorf("a wrong password: %v %v", ok, err)
			}
			err := kafka.TestLogin(t.Context(), kafka.Options{Brokers: r.SASL()}, user, m, "wrong")
			if !errors.Is(err, kafka.ErrPassword) {
				t.Errorf("a wrong password: %v", err)
			}
		})
	}
}

func TestANewPasswordKeepsTheIterations(t *testing.T) {
	r := kafkatest.Shared(t)
	k := kind(t, connect(t, kafka.Options{Brokers: r.Plain()}), kafka.KindScramCredential)
	id := kafka.ScramID(kafkatest.Prefix(t)+"bob", kafka.ScramSHA512)
	change := set(reconcile.Create, id, "iterations", "5000")
	pass := reconcile.FieldChange{Name: "password", To: reconcile.SecretOf("one")}
	change.Fields = append(change.Fields, pass)
	mustApply(t, k, change)
	look(t, k, id)
	pass.To = reconcile.SecretOf("two")
	mustApply(t, k, reconcile.Change{ID: id, Action: reconcile.Update, Fields: []reconcile.FieldChange{pass}})
	if live := look(t, k, id); live.Fields["iterations"].Text() != "5000" {
		t.Errorf("iterations are %s", live.Fields["iterations"])
	}
	out := apply(t.Context(), k, set(reconcile.Update, id, "iterations", "6000"))
	if len(out) != 1 || !strings.Contains(out[0].Failed, "password is needed") {
		t.Errorf("iterations alone: %v", out)
	}
}

func TestEveryAccessRuleComesBackAsItWasWritten(t *testing.T) {
	k := kind(t, connect(t, kafka.Options{Brokers: kafkatest.Shared(t).Plain()}), kafka.KindACLSet)
	id := kafka.ACLSetID("User:" + kafkatest.Prefix(t) + "bob")
	change := set(reconcile.Update, id)
	for _, permission := range []string{"allow", "deny"} {
		for _, resource := range kafka.ACLResources() {
			for _, pattern := range []string{"literal", "prefixed"} {
				for i, operation := range kafka.ACLOperations() {
					e := kafka.ACLEntry{Permission: permission, Resource: resource, Pattern: pattern, Name: "a%|b", Operation: operation, Host: "*"}
					if i%2 == 0 {
						e.Host = "10.0.0.7"
					}
					if resource == "cluster" {
						e.Name = kafka.ClusterName
					}
					if resource == "user" {
						e.Name = "User:x"
					}
					if e.Validate() != nil {
						continue // a prefixed cluster
					}
					if operation == "two-phase-commit" && kafkatest.Older() {
						continue // a Kafka 3 does not know it
					}
					change.Fields = append(change.Fields, reconcile.FieldChange{Name: kafka.ACLField(e), To: reconcile.TextOf("")})
				}
			}
		}
	}
	refused := make(map[string]string)
	for _, o := range apply(t.Context(), k, change) {
		if o.Failed != "" {
			refused[o.Fields[0]] = o.Failed
		}
	}
	for field, words := range refused {
		t.Errorf("%s: %s", field, words)
	}
	kafkatest.Eventually(t, func() error {
		lives, _, err := k.Observe(t.Context(), reconcile.Scope{Name: []reconcile.ID{id}})
		if err != nil || len(lives) != 1 || len(lives[0].Fields) != len(change.Fields)-len(refused) {
			return fmt.Errorf("%d lives, %w", len(lives), err)
		}
		for _, f := range change.Fields {
			if _, ok := lives[0].Fields[f.Name]; !ok && refused[f.Name] == "" {
				return fmt.Errorf("%s is not there", f.Name)
			}
		}
		return nil
	})
	for i := range change.Fields {
		change.Fields[i].To = reconcile.UnsetValue()
	}
	mustApply(t, k, change)
}

func TestEveryQuotaEntityComesBackAsItWasWritten(t *testing.T) {
	r := kafkatest.Shared(t)
	k := kind(t, connect(t, kafka.Options{Brokers: r.Plain()}), kafka.KindQuotaEntity)
	name := kafkatest.Prefix(t) + "a=b,c%"
	address := "10.1.2.3"
	part := func(kind string, name *string) kafka.QuotaPart { return kafka.QuotaPart{Type: kind, Name: name} }
	for _, parts := range [][]kafka.QuotaPart{
		{part("user", &name)}, {part("client-id", &name)}, {part("user", &name), part("client-id", &name)},
		{part("user", &name), part("client-id", nil)}, {part("user", nil), part("client-id", &name)},
		{part("user", nil), part("client-id", nil)}, {part("client-id", nil)}, {part("ip", &address)}, {part("ip", nil)},
	} {
		id := kafka.QuotaEntityID(parts...)
		t.Run(id.Name, func(t *testing.T) {
			fields := []string{"producer_byte_rate", "1048576", "consumer_byte_rate", "1000000000000", "request_percentage", "12.5", "controller_mutation_rate", "100000"}
			if parts[0].Type == "ip" {
				fields = []string{"connection_creation_rate", "1000"}
			}
			mustApply(t, k, set(reconcile.Update, id, fields...))
			live := look(t, k, id)
			for i := 0; i < len(fields); i += 2 {
				if live.Fields[fields[i]].Text() != fields[i+1] {
					t.Errorf("%s is %s, not %s", fields[i], live.Fields[fields[i]], fields[i+1])
				}
			}
			raw, err := kmsg.NewPtrDescribeClientQuotasRequest().RequestWith(t.Context(), r.Client(t))
			if err != nil || len(raw.Entries) == 0 {
				t.Errorf("DescribeClientQuotas shows %d entries, %v", len(raw.Entries), err)
			}
			unset := set(reconcile.Update, id, fields...)
			for i := range unset.Fields {
				unset.Fields[i].To = reconcile.UnsetValue()
			}
			mustApply(t, k, unset)
		})
	}
}

func TestWhatWeMayNotSeeIsUnobservedAndSaysWhichRightIsMissing(t *testing.T) {
	r := kafkatest.Shared(t)
	admin := connect(t, kafka.Options{Brokers: r.Plain()})
	secret, seen := topicID(kafkatest.Prefix(t)+"secret"), topicID(kafkatest.Prefix(t)+"seen")
	mustApply(t, kind(t, admin, kafka.KindTopic),
		set(reconcile.Create, secret, "partitions", "1"), set(reconcile.Create, seen, "partitions", "1"))
	look(t, kind(t, admin, kafka.KindTopic), seen)
	c, _ := limited(t, r, allow("topic", seen.Name, "describe")...)
	missing := topicID("no-such-topic")
	_, unseen, err := kind(t, c, kafka.KindTopic).Observe(t.Context(), reconcile.Scope{Full: true, Name: []reconcile.ID{secret, seen, missing}})
	if err != nil {
		t.Fatal(err)
	}
	reasons := make(map[reconcile.ID]string)
	for _, u := range unseen {
		reasons[u.ID] = u.Reason
	}
	for id, right := range map[reconcile.ID]string{secret: "Describe on topic", seen: "DescribeConfigs on topic", missing: "Describe on topic"} {
		if !strings.Contains(reasons[id], right) {
			t.Errorf("%s: %q does not name %s", id, reasons[id], right)
		}
	}
	for name, right := range map[string]string{
		kafka.KindScramCredential: "Describe on the cluster", kafka.KindACLSet: "Describe on the cluster", kafka.KindQuotaEntity: "DescribeConfigs on the cluster",
	} {
		began := time.Now()
		_, _, err := kind(t, c, name).Observe(t.Context(), reconcile.Scope{Full: true})
		if err == nil || !strings.Contains(err.Error(), right) {
			t.Errorf("%s: %v does not name %s", name, err, right)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s took %s: the broker was asked what it does not answer", name, took)
		}
	}
	out := apply(t.Context(), kind(t, c, kafka.KindTopic), set(reconcile.Create, topicID(kafkatest.Prefix(t)+"mine"), "partitions", "1"))
	if len(out) != 1 || !strings.Contains(out[0].Failed, "the right Create on topic") {
		t.Errorf("a topic we may not create: %v", out)
	}
}
