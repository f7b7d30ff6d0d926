package capture

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

func TestWhatCannotBeReadOfAGroupIsToldAndNamesIt(t *testing.T) {
	denied := kerr.GroupAuthorizationFailed.Code
	for _, c := range []struct {
		name string
		key  kmsg.Key
		spot func(*world, kmsg.Request) kmsg.Response
		want []string
		kept int // commits
	}{
		{"a partition", kmsg.OffsetFetch, func(w *world, kreq kmsg.Request) kmsg.Response {
			resp := kreq.ResponseKind().(*kmsg.OffsetFetchResponse)
			parts := []kmsg.OffsetFetchResponseGroupTopicPartition{{Partition: 0, Offset: 3}, {Partition: 1, Offset: -1, ErrorCode: kerr.TopicAuthorizationFailed.Code}, {Partition: 2, Offset: -1}}
			resp.Groups = []kmsg.OffsetFetchResponseGroup{{Group: "billing", Topics: []kmsg.OffsetFetchResponseGroupTopic{{TopicID: w.fake.TopicInfo("orders").TopicID, Partitions: parts}}}}
			return resp
		}, []string{"group billing", "1 partitions", "orders/1", "TOPIC_AUTHORIZATION_FAILED"}, 1},
		{"a description", kmsg.DescribeGroups, func(_ *world, kreq kmsg.Request) kmsg.Response {
			resp := kreq.ResponseKind().(*kmsg.DescribeGroupsResponse)
			resp.Groups = []kmsg.DescribeGroupsResponseGroup{{Group: "billing", ErrorCode: denied}}
			return resp
		}, []string{"group billing", "GROUP_AUTHORIZATION_FAILED"}, 1},
		{"a description of one that is gone", kmsg.DescribeGroups, func(_ *world, kreq kmsg.Request) kmsg.Response {
			resp := kreq.ResponseKind().(*kmsg.DescribeGroupsResponse)
			resp.Groups = []kmsg.DescribeGroupsResponseGroup{{Group: "billing", ErrorCode: kerr.GroupIDNotFound.Code}}
			return resp
		}, nil, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.create("orders", 3)
			w.produce("orders", 0, values(0, 5)...)
			offsets := make(kadm.Offsets)
			offsets.AddOffset("orders", 0, 3, -1)
			if err := w.adm.CommitAllOffsets(t.Context(), "billing", offsets); err != nil {
				t.Fatal(err)
			}
			stop := w.control(c.key, func(req kmsg.Request) (kmsg.Response, bool) { return c.spot(w, req), true })
			report := w.run(w.options("orders"))
			stop()
			said := ""
			for _, a := range report.Alerts {
				said += string(a.Kind) + " " + a.Words
			}
			for _, word := range c.want {
				if !strings.Contains(said, word) {
					t.Errorf("%q does not say %q", said, word)
				}
			}
			groups := report.Point.Groups
			if len(c.want) == 0 && said != "" || len(groups) != 1 || len(groups[0].Offsets) != c.kept {
				t.Errorf("alerts %q, groups %+v", said, groups)
			}
		})
	}
}

func TestADescriptionThatFailsIsToldOfBothKindsOfGroups(t *testing.T) {
	w := newWorld(t)
	w.control(kmsg.ConsumerGroupDescribe, func(kreq kmsg.Request) (kmsg.Response, bool) {
		resp := kreq.ResponseKind().(*kmsg.ConsumerGroupDescribeResponse)
		resp.Groups = []kmsg.ConsumerGroupDescribeResponseGroup{{Group: "billing", ErrorCode: kerr.GroupAuthorizationFailed.Code}}
		return resp, true
	})
	r := &run{session: &session{}, cluster: w.client}
	if err := r.describeConsumer(t.Context(), []string{"billing"}, map[string]*format.Group{"billing": {Name: "billing"}}); err != nil {
		t.Fatal(err)
	}
	if len(r.alerts) != 1 || !strings.Contains(r.alerts[0].Words, "group billing") {
		t.Errorf("%+v", r.alerts)
	}
}
