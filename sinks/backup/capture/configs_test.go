package capture

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

func TestTheSmallestDeleteRetentionSinceTheParentCounts(t *testing.T) {
	// told is what a broker says is in force, by its own default or the topic's.
	told := func(ms string) []kmsg.DescribeConfigsResponseResourceConfig {
		return []kmsg.DescribeConfigsResponseResourceConfig{{Name: deleteRetentionKey, Value: &ms, Source: kmsg.ConfigSourceStaticBrokerConfig}}
	}
	set := func(ms string) map[string]string { return map[string]string{deleteRetentionKey: ms} }
	for _, c := range []struct {
		name string
		was  *format.Topic
		now  []kmsg.DescribeConfigsResponseResourceConfig
		want time.Duration
		kept int64
	}{
		{"first", nil, told("3600000"), time.Hour, 3600000},
		{"the broker says nothing", nil, nil, defaultDeleteRetention, defaultDeleteRetention.Milliseconds()},
		{"raised", &format.Topic{DeleteRetention: new(int64(60000))}, told("3600000"), time.Minute, 3600000},
		{"raised from nothing", &format.Topic{DeleteRetention: new(int64(0))}, told("3600000"), 0, 3600000},
		{"lowered", &format.Topic{DeleteRetention: new(int64(3600000))}, told("60000"), time.Minute, 60000},
		{"raised, by a point that tells what was set", &format.Topic{Config: set("60000")}, told("3600000"), time.Minute, 3600000},
		{"a point that does not tell it", &format.Topic{}, told("3600000"), time.Hour, 3600000},
	} {
		t.Run(c.name, func(t *testing.T) {
			top := &topic{was: c.was}
			top.configured(c.now)
			if top.deleteRetention != c.want || top.DeleteRetention == nil || *top.DeleteRetention != c.kept {
				t.Errorf("%s counts, and %v is kept; want %s and %d", top.deleteRetention, top.DeleteRetention, c.want, c.kept)
			}
		})
	}
}

func TestWithoutTheConfigurationTheParentsDeleteRetentionCounts(t *testing.T) {
	top := &topic{was: &format.Topic{DeleteRetention: new(int64(60000))}}
	top.unconfigured()
	if top.deleteRetention != time.Minute || *top.DeleteRetention != 60000 {
		t.Errorf("%s counts", top.deleteRetention)
	}
}
