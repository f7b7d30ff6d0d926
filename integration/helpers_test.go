package integration

import (
	"context"
	"fmt"
	"testing"

	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/kafka"
)

// kind finds a cluster's kind by name.
func kind(t testing.TB, c *kafka.Cluster, name string) reconcile.Kind {
	t.Helper()
	for _, k := range c.Kinds() {
		if k.Name() == name {
			return k
		}
	}
	t.Fatalf("the cluster has no kind %s", name)
	return nil
}

// set is a change that sets fields, given as name, value, name, value…
func set(action reconcile.Action, id reconcile.ID, fields ...string) reconcile.Change {
	c := reconcile.Change{ID: id, Action: action}
	for i := 0; i < len(fields); i += 2 {
		c.Fields = append(c.Fields, reconcile.FieldChange{Name: fields[i], From: reconcile.UnsetValue(), To: reconcile.TextOf(fields[i+1])})
	}
	return c
}

func topicID(name string) reconcile.ID { return reconcile.ID{Kind: kafka.KindTopic, Name: name} }

func apply(ctx context.Context, k reconcile.Kind, changes ...reconcile.Change) []reconcile.Outcome {
	var out []reconcile.Outcome
	k.Apply(ctx, changes, func(o ...reconcile.Outcome) { out = append(out, o...) })
	return out
}

func mustApply(t testing.TB, k reconcile.Kind, changes ...reconcile.Change) []reconcile.Outcome {
	t.Helper()
	out := apply(t.Context(), k, changes...)
	for _, o := range out {
		if o.Failed != "" {
			t.Fatalf("%s %v: %s", o.ID, o.Fields, o.Failed)
		}
	}
	return out
}

// look waits until a thing is observed.
func look(t testing.TB, k reconcile.Kind, id reconcile.ID) reconcile.Live {
	t.Helper()
	var live reconcile.Live
	kafkatest.Eventually(t, func() error {
		lives, unseen, err := k.Observe(t.Context(), reconcile.Scope{Name: []reconcile.ID{id}})
		if err != nil || len(unseen) > 0 || len(lives) != 1 {
			return fmt.Errorf("%d observed, %v unobserved, %w", len(lives), unseen, err)
		}
		live = lives[0]
		return nil
	})
	return live
}

// password is a credential's change; users are made by admin and log in with
// SCRAM-SHA-512.
func password(user, text string) reconcile.Change {
	c := set(reconcile.Create, kafka.ScramID(user, kafka.ScramSHA512), "iterations", "4096")
	c.Fields = append(c.Fields, reconcile.FieldChange{Name: "password", From: reconcile.UnsetValue(), To: reconcile.SecretOf(text)})
	return c
}

const userPassword = "correct horse"

func saslOptions(r *kafkatest.Cluster, user, text string) kafka.Options {
	return kafka.Options{Brokers: r.SASL(), SASL: &kafka.SASL{
		Mechanism: kafka.ScramSHA512, Username: user, Password: func() (string, error) { return text, nil },
	}}
}

// limited is a cluster seen by a user who has these access rules and no other.
func limited(t testing.TB, r *kafkatest.Cluster, rules ...kafka.ACLEntry) (*kafka.Cluster, string) {
	t.Helper()
	admin := connect(t, kafka.Options{Brokers: r.Plain()})
	user := kafkatest.Prefix(t) + "limited"
	mustApply(t, kind(t, admin, kafka.KindScramCredential), password(user, userPassword))
	rights := set(reconcile.Update, kafka.ACLSetID("User:"+user))
	for _, e := range rules {
		rights.Fields = append(rights.Fields, reconcile.FieldChange{Name: kafka.ACLField(e), From: reconcile.UnsetValue(), To: reconcile.TextOf("")})
	}
	mustApply(t, kind(t, admin, kafka.KindACLSet), rights)
	var c *kafka.Cluster
	kafkatest.Eventually(t, func() (err error) {
		c, err = kafka.Connect(t.Context(), saslOptions(r, user, userPassword))
		return err
	})
	t.Cleanup(c.Close)
	return c, user
}

func allow(resource, name string, operations ...string) []kafka.ACLEntry {
	var out []kafka.ACLEntry
	for _, op := range operations {
		out = append(out, kafka.ACLEntry{Permission: "allow", Resource: resource, Pattern: "literal", Name: name, Operation: op, Host: "*"})
	}
	return out
}
