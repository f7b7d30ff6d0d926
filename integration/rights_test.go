package integration

import (
	"strings"
	"testing"

	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/kafka"
)

func TestRightsOfASuperUserLackNothing(t *testing.T) {
	c := connect(t, kafka.Options{Brokers: kafkatest.Shared(t).Plain()})
	r, err := c.Rights(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Features {
		if len(f.Lacks) > 0 {
			t.Errorf("%s %s lacks %q", f.Kind, f.Does, f.Lacks)
		}
	}
	if !r.Authorizer || r.TopicDeletion != "true" {
		t.Errorf("%+v", r)
	}
	t.Logf("%+v", r)
}

func TestRightsOfALimitedUserSayWhatIsMissing(t *testing.T) {
	c, user := limited(t, kafkatest.Shared(t), allow("cluster", kafka.ClusterName, "describe")...)
	r, err := c.Rights(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r.Principal != "User:"+user {
		t.Errorf("we are %q", r.Principal)
	}
	lacks := make(map[string]string)
	for _, f := range r.Features {
		lacks[f.Kind+" "+f.Does] = strings.Join(f.Lacks, "; ")
	}
	for feature, words := range map[string]string{
		"ScramCredential observe": "",
		"ScramCredential change":  "no Alter on the cluster: users cannot be changed",
		"QuotaEntity observe":     "no DescribeConfigs on the cluster: quotas are Unknown",
		"Topic create":            "no Create on the cluster: topics cannot be created, unless ACLs allow it by name",
	} {
		if lacks[feature] != words {
			t.Errorf("%s: %q, not %q", feature, lacks[feature], words)
		}
	}
}

func TestWhatBrokersAreConfiguredAgainstIsSaidInWords(t *testing.T) {
	r := kafkatest.Start(t, kafkatest.Options{Properties: map[string]string{"authorizer.class.name": "", "delete.topic.enable": "false"}})
	c := connect(t, kafka.Options{Brokers: r.Plain()})
	_, _, err := kind(t, c, kafka.KindACLSet).Observe(t.Context(), reconcile.Scope{Full: true})
	if err == nil || err.Error() != "no authorizer is configured on the brokers" {
		t.Error(err)
	}
	rights, err := c.Rights(t.Context())
	if err != nil || rights.Authorizer || rights.TopicDeletion != "false" {
		t.Errorf("%+v %v", rights, err)
	}
	k, id := kind(t, c, kafka.KindTopic), topicID("orders")
	mustApply(t, k, set(reconcile.Create, id, "partitions", "1"))
	out := apply(t.Context(), k, reconcile.Change{ID: id, Action: reconcile.Delete, UID: look(t, k, id).UID})
	if len(out) != 1 || !strings.Contains(out[0].Failed, "delete.topic.enable is false") {
		t.Errorf("%v", out)
	}
}
