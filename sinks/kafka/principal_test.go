package kafka_test

import (
	"testing"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/kafka"
)

// A guard that protects a principal must know it in every live kind, however
// the kind spells it.
func TestEveryKindNamesItsPrincipalAsAccessRulesDo(t *testing.T) {
	part := func(kind, name string) kafka.QuotaPart { return kafka.QuotaPart{Type: kind, Name: &name} }
	for name, one := range map[string]struct {
		id   reconcile.ID
		want string
	}{
		"access":                     {kafka.ACLSetID("User:CN=shop,O=acme"), "User:CN=shop,O=acme"},
		"credential":                 {kafka.ScramID("bob", kafka.ScramSHA512), "User:bob"},
		"credential with a bar":      {kafka.ScramID("a|b", kafka.ScramSHA256), "User:a|b"},
		"quota":                      {kafka.QuotaEntityID(part("user", "bob")), "User:bob"},
		"quota of a certificate":     {kafka.QuotaEntityID(part("user", "CN=shop,O=acme")), "User:CN=shop,O=acme"},
		"quota of user and client":   {kafka.QuotaEntityID(part("client-id", "x"), part("user", "CN=shop")), "User:CN=shop"},
		"quota of all other users":   {kafka.QuotaEntityID(kafka.QuotaPart{Type: "user"}), "User:<default>"},
		"quota of a client":          {kafka.QuotaEntityID(part("client-id", "x")), ""},
		"a topic is about nobody":    {reconcile.ID{Kind: kafka.KindTopic, Name: "orders"}, ""},
		"a name that nobody can own": {reconcile.ID{Kind: kafka.KindQuotaEntity, Name: "user"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := kafka.PrincipalOf(one.id); got != one.want {
				t.Errorf("%s is about %q, want %q", one.id, got, one.want)
			}
		})
	}
}
