package main

import (
	"slices"
	"testing"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/kafka"
)

func TestProtectedPrincipalsAreKnownInEveryLiveKind(t *testing.T) {
	boss := "CN=boss,O=acme"
	safe, err := newProtected(agent.ClusterConfig{Protected: agent.Protected{Principals: []string{"User:CN=boss,*"}}})
	if err != nil {
		t.Fatal(err)
	}
	only := outside(agent.AllowConfig{Principals: []string{"User:CN=team-*"}})
	for _, id := range []reconcile.ID{
		kafka.ACLSetID("User:" + boss),
		kafka.ScramID(boss, kafka.ScramSHA512),
		kafka.QuotaEntityID(kafka.QuotaPart{Type: "user", Name: &boss}),
	} {
		if safe.words(id) == "" {
			t.Errorf("%s is not protected", id)
		}
		if only(id) == "" {
			t.Errorf("%s is allowed", id)
		}
	}
	team := "CN=team-a"
	if words := only(kafka.QuotaEntityID(kafka.QuotaPart{Type: "user", Name: &team})); words != "" {
		t.Errorf("what is allowed is refused: %s", words)
	}
}

func TestAConfigurationMaySpeakOfTheKindsThereAre(t *testing.T) {
	if known := agent.LiveKinds(); !slices.Equal(known, liveKinds()) {
		t.Errorf("the configuration knows %v, there are %v", known, liveKinds())
	}
}
