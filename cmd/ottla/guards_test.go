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

func TestABoundedSyncDeclaresNothingThatIsEverybodys(t *testing.T) {
	client, user := "app", "team-a"
	broker := kafka.BrokerConfigID(kafka.DefaultEntity)
	ofClient := kafka.QuotaEntityID(kafka.QuotaPart{Type: "client-id", Name: &client})
	ofAddress := kafka.QuotaEntityID(kafka.QuotaPart{Type: "ip"})
	ofUser := kafka.QuotaEntityID(kafka.QuotaPart{Type: "user", Name: &user})
	for _, c := range []struct {
		allow   agent.AllowConfig
		id      reconcile.ID
		refused bool
	}{
		{agent.AllowConfig{}, broker, false}, {agent.AllowConfig{}, ofClient, false},
		{agent.AllowConfig{Topics: []string{"team-*"}}, broker, true},
		{agent.AllowConfig{Principals: []string{"User:team-*"}}, broker, true},
		{agent.AllowConfig{Principals: []string{"User:team-*"}}, ofClient, true},
		{agent.AllowConfig{Principals: []string{"User:team-*"}}, ofAddress, true},
		{agent.AllowConfig{Principals: []string{"User:team-*"}}, ofUser, false},
	} {
		if words := outside(c.allow)(c.id); (words != "") != c.refused {
			t.Errorf("%+v %s: %q", c.allow, c.id, words)
		}
	}
}

func TestNoCommitDecidesWhoLogsInToBrokersUnlessItMay(t *testing.T) {
	plan := reconcile.Plan{Changes: []reconcile.Change{{ID: kafka.BrokerConfigID(kafka.DefaultEntity), Action: reconcile.Update, Fields: []reconcile.FieldChange{
		{Name: "config.listener.name.sasl.plain.sasl.jaas.config"}, {Name: "config.sasl.enabled.mechanisms"}, {Name: "config.ssl.truststore.location"},
		{Name: "config.listeners"}, {Name: "config.log.retention.ms"}, {Name: "config.num.io.threads"},
	}}}}
	for _, allowed := range []bool{false, true} {
		refused := 0
		for _, f := range plan.Guarded(brokerLogins(allowed)).Changes[0].Fields {
			if f.Fate.Refused != "" {
				refused++
			}
		}
		if want := map[bool]int{false: 4, true: 0}[allowed]; refused != want {
			t.Errorf("allowed %v: %d fields are refused, not %d", allowed, refused, want)
		}
	}
}
