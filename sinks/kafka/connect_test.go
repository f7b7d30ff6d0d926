package kafka_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/kafka"
)

func TestOptionsThatCannotWorkAreRefusedInWords(t *testing.T) {
	secret := func() (string, error) { return "x", nil }
	brokers := []string{"127.0.0.1:9092"}
	for words, o := range map[string]kafka.Options{
		"no brokers":                {},
		"GSSAPI":                    {Brokers: brokers, SASL: &kafka.SASL{Mechanism: "GSSAPI"}},
		"not a SASL mechanism":      {Brokers: brokers, SASL: &kafka.SASL{Mechanism: "SCRAM"}},
		"needs a user name":         {Brokers: brokers, SASL: &kafka.SASL{Mechanism: kafka.Plain, Username: "x"}},
		"needs a token URL":         {Brokers: brokers, SASL: &kafka.SASL{Mechanism: kafka.OAuthBearer}},
		"needs an access key":       {Brokers: brokers, SASL: &kafka.SASL{Mechanism: kafka.AWSMSKIAM}},
		"certificate needs its key": {Brokers: brokers, TLS: &kafka.TLS{Certificate: secret}},
	} {
		if _, err := kafka.Connect(t.Context(), o); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%v does not say %q", err, words)
		}
	}
}

func TestSecretsAreReadAtEachConnection(t *testing.T) {
	f := fakeBrokers(t)
	o := options(f)
	var reads atomic.Int32
	o.SASL.Password = func() (string, error) { reads.Add(1); return fakePassword, nil }
	connect(t, o)
	before := reads.Load()
	connect(t, o)
	if before == 0 || reads.Load() <= before {
		t.Errorf("the password was read %d times, then %d", before, reads.Load())
	}
}

func TestASecretThatCannotBeReadIsSaid(t *testing.T) {
	o := options(fakeBrokers(t))
	gone := errors.New("the password file is gone")
	o.SASL.Password = func() (string, error) { return "", gone }
	if _, err := kafka.Connect(t.Context(), o); !errors.Is(err, gone) {
		t.Errorf("%v", err)
	}
}

func TestTheFirstRuleOfAnOpenClusterSaysWhomItLocksOut(t *testing.T) {
	o := options(fakeBrokers(t))
	o.OpenWithoutACL = true
	k := connect(t, o).Kinds()[2]
	add := func(user, field string, to reconcile.Value) reconcile.Change {
		return reconcile.Change{ID: kafka.ACLSetID("User:" + user), Action: reconcile.Update, Fields: []reconcile.FieldChange{{Name: field, To: to}}}
	}
	read, write := "allow|topic|literal|orders|read|*", "allow|topic|literal|orders|write|*"
	risks := func(changes ...reconcile.Change) string {
		verdicts, err := k.(reconcile.Checker).Check(t.Context(), changes)
		if err != nil {
			t.Fatal(err)
		}
		var all strings.Builder
		for _, v := range verdicts {
			_, _ = fmt.Fprintln(&all, v.ID, v.Risk)
		}
		return all.String()
	}
	if got := risks(add("bob", read, reconcile.TextOf(""))); !strings.Contains(got, "first rule on topic orders") {
		t.Errorf("the first rule: %q", got)
	}
	mustApply(t, k, add("bob", read, reconcile.TextOf("")))
	if got := risks(add("eve", write, reconcile.TextOf(""))); got != "" {
		t.Errorf("the second rule: %q", got)
	}
	if got := risks(add("bob", read, reconcile.UnsetValue())); !strings.Contains(got, "last rule on topic orders") {
		t.Errorf("the last rule: %q", got)
	}
	if got := risks(add("bob", read, reconcile.UnsetValue()), add("eve", write, reconcile.TextOf(""))); got != "" {
		t.Errorf("one goes, one comes: %q", got)
	}
}

func TestAnEntityIsSpelledOneWay(t *testing.T) {
	name := func(s string) *string { return &s }
	for want, parts := range map[string][]kafka.QuotaPart{
		"user=bob":                   {{Type: "user", Name: name("bob")}},
		"user=bob,client-id=x":       {{Type: "client-id", Name: name("x")}, {Type: "user", Name: name("bob")}},
		"user=<default>":             {{Type: "user"}},
		"user=%3Cdefault>":           {{Type: "user", Name: name("<default>")}},
		"user=CN%3Da%2CO%3D100%25":   {{Type: "user", Name: name("CN=a,O=100%")}},
		"ip=10.0.0.1":                {{Type: "ip", Name: name("10.0.0.1")}},
		"user=<default>,client-id=a": {{Type: "user"}, {Type: "client-id", Name: name("a")}},
	} {
		if got := kafka.QuotaEntityID(parts...).Name; got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

func TestRightsOnAFake(t *testing.T) {
	r, err := fake(t).Rights(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r.Principal != "User:admin" || !r.Authorizer || len(r.Features) == 0 {
		t.Errorf("%+v", r)
	}
}

func TestWhatBackupsMayDoIsToldFeatureByFeature(t *testing.T) {
	features, err := fake(t).BackupRights(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	does := make(map[string]bool)
	for _, f := range features {
		does[f.Kind+" "+f.Does] = len(f.Lacks) == 0
	}
	for _, want := range []string{"Backup read topics", "Backup read groups", "Backup read access", "Restore create topics", "Restore write topics", "Restore set groups"} {
		if !does[want] {
			t.Errorf("%s: %+v", want, features)
		}
	}
}
