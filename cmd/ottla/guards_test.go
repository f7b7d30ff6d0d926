package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/backup"
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

func TestABoundedSyncDeclaresJobsOnItsOwnTopicsOnly(t *testing.T) {
	own, people := agent.AllowConfig{Topics: []string{"team-a-*"}}, agent.AllowConfig{Principals: []string{"User:team-a"}}
	restores := func(more ...string) []string {
		return append([]string{backup.FieldDoes, backup.DoesRestore}, more...)
	}
	for name, one := range map[string]struct {
		allow agent.AllowConfig
		job   []string
		want  string
	}{
		"its own topic":       {own, restores("topics", "team-a-x", "groups", "*"), ""},
		"into its own":        {own, restores("topics", "orders", "rename.orders", "team-a-x"), ""},
		"by a pattern":        {own, restores("topics", "orders", "rename.ord*", "team-a-*"), ""},
		"another one":         {own, restores("topics", "orders"), "does not allow this sync topic orders"},
		"into another one":    {own, restores("topics", "team-a-x", "rename.team-a-x", "orders"), "does not allow this sync topic orders"},
		"mapped elsewhere":    {own, restores("topics", "team-a-x", "rename.team-a-*", "prod-*"), "does not allow this sync topic prod-x"},
		"all of them":         {own, restores(), "name the job's topics one by one"},
		"some":                {own, restores("topics", "team-a-*"), "team-a-* is a pattern"},
		"access":              {own, restores("topics", "team-a-x", "access", "acls"), "it restores access"},
		"access of others":    {people, restores("access", "acls"), "it restores access"},
		"no topics are bound": {people, restores(), ""},
		"nothing is bound":    {agent.AllowConfig{}, restores("access", "acls"), ""},
		"a reset":             {own, []string{backup.FieldDoes, backup.DoesReset, "topics", "orders"}, "does not allow this sync topic orders"},
		"its own reset":       {own, []string{backup.FieldDoes, backup.DoesReset, "topics", "team-a-x"}, ""},
		"a rollback":          {own, []string{backup.FieldDoes, backup.DoesRollback}, "whatever topics its snapshot has"},
		"a backup":            {own, []string{backup.FieldDoes, backup.DoesBackup, "topics", "*"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := reconcile.Change{ID: reconcile.ID{Kind: backup.KindJob, Name: one.job[1] + "/default/x"}, Action: reconcile.Create}
			for i := 0; i < len(one.job); i += 2 {
				c.Fields = append(c.Fields, reconcile.FieldChange{Name: one.job[i], To: reconcile.TextOf(one.job[i+1])})
			}
			p := reconcile.Plan{Changes: []reconcile.Change{c}}.Guarded(refusing(outsideJob(one.allow)))
			if got := p.Changes[0].Fate.Refused; (got == "") != (one.want == "") || !strings.Contains(got, one.want) {
				t.Errorf("%q, want %q", got, one.want)
			}
		})
	}
}
