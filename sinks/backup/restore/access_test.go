package restore

import (
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/format"
)

func rule(resource, name, pattern string) format.ACL {
	return format.ACL{ResourceType: resource, ResourceName: name, PatternType: pattern, Principal: "User:alice", Host: "*", Operation: "READ", Permission: "ALLOW"}
}

func TestAccessRulesFollowTheirTopicQuotasComeBackAndUsersThatLackAreNamed(t *testing.T) {
	w := newWorld(t)
	log := []log{{{dense(batch.LZ4, 0, 3)}}}
	w.point(func(m *format.Manifest) {
		m.ACLs = []format.ACL{rule("TOPIC", "orders", "LITERAL"), rule("TOPIC", "other", "LITERAL"), rule("TOPIC", "ord", "PREFIXED"), rule("GROUP", "billing", "LITERAL")}
		m.Quotas = []format.Quota{{Entity: []format.QuotaPart{{Type: "user", Name: new("alice")}}, Values: map[string]float64{"producer_byte_rate": 1024}}}
		m.Users = []format.User{{Name: "alice", Mechanisms: []string{"SCRAM-SHA-512"}}, {Name: "bob", Mechanisms: []string{"SCRAM-SHA-512"}}}
	}, topic{Topic: format.Topic{Name: "orders"}, logs: log}, topic{Topic: format.Topic{Name: "other"}, logs: log})
	_, err := w.admin.AlterUserSCRAMs(t.Context(), nil, []kadm.UpsertSCRAM{{User: "bob", Mechanism: kadm.ScramSha512, Iterations: 4096, Password: "secret"}})
	must(t, err)
	o := w.options("access")
	o.Topics, o.Rename, o.ACLs, o.Quotas = []string{"orders"}, map[string]string{"orders": "new"}, true, true
	r := w.run(o)
	if r.ACLs != 3 || r.Quotas != 1 || !slices.Equal(r.Users, []string{"alice"}) {
		t.Errorf("the plan is %+v", r.Plan)
	}
	found, err := w.admin.DescribeACLs(t.Context(), kadm.NewACLs().AnyResource().Allow().AllowHosts().Operations(kmsg.ACLOperationAny).ResourcePatternType(kadm.ACLPatternAny))
	must(t, err)
	var got []string
	for _, f := range found {
		for _, d := range f.Described {
			got = append(got, d.Type.String()+" "+d.Name+" "+d.Pattern.String())
		}
	}
	slices.Sort(got)
	if s := strings.Join(got, ", "); s != "GROUP billing LITERAL, TOPIC new LITERAL, TOPIC ord PREFIXED" {
		t.Errorf("the rules are %s", s)
	}
	quotas, err := w.admin.DescribeClientQuotas(t.Context(), false, []kadm.DescribeClientQuotaComponent{{Type: "user", MatchName: new("alice"), MatchType: 0}})
	must(t, err)
	if len(quotas) != 1 || quotas[0].Values[0].Value != 1024 {
		t.Errorf("the quotas are %+v", quotas)
	}
}

func TestAFilterIsNoAccessRule(t *testing.T) {
	any := rule("ANY", "x", "LITERAL")
	match := rule("TOPIC", "x", "MATCH")
	nobody := rule("TOPIC", "x", "LITERAL")
	nobody.Principal = ""
	odd := rule("PLANET", "x", "LITERAL")
	for _, a := range []format.ACL{any, match, nobody, odd} {
		if _, err := ruleOf(a); err == nil {
			t.Errorf("%+v is taken", a)
		}
	}
}
