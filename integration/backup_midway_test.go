package integration

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/integration/corpus"
	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/integration/storetest"
	"github.com/ottla-io/ottla/sinks/backup/capture"
	"github.com/ottla-io/ottla/sinks/backup/restore"
)

// What happens on three brokers while data flows.

// midway does something when some packs stand and more is to come.
func (v *vault) midway(do func()) func(*capture.Options) {
	const packs = 3
	stand, after := 0, 0
	v.t.Cleanup(func() {
		if stand < packs || after == 0 {
			v.t.Errorf("it was not in the middle: %d packs stood, and nothing was fetched after", stand)
		}
	})
	return func(o *capture.Options) {
		slowly(o)
		o.BytesPerSec = 1 << 20
		o.Step = func(s string) {
			switch {
			case s == "pack stands" && stand < packs:
				if stand++; stand == packs {
					do()
				}
			case s == "fetch" && stand == packs:
				after++
			}
		}
	}
}

// during does something once a restore has written some batches.
func during(do func()) func(*restore.Options) {
	var once sync.Once
	written := 0
	return func(o *restore.Options) {
		o.Step = func(s string) {
			if s == "batch written" {
				if written++; written > 10 {
					once.Do(do)
				}
			}
		}
	}
}

func TestBackupOnThreeBrokersSurvivesLeadersThatMove(t *testing.T) {
	k := kafkatest.Start(t, kafkatest.Options{Nodes: 3})
	for name, trial := range map[string]func(*vault, *corpus.Writer){
		"before the first fetch": leadersMoveFirst,
		"in the middle":          leadersMoveMidway,
		"replication":            replicasComeBack,
	} {
		t.Run(name, func(t *testing.T) {
			pre := kafkatest.Prefix(t)
			trial(newVault(t, k, bucket(t, storetest.File(t), "midway"), pre), corpus.NewWriter(t, k, pre))
		})
	}
}

// restored gives the newest point back and compares it with what was there.
func (v *vault) restored(want contents, topics []string, change ...func(*restore.Options)) {
	v.t.Helper()
	v.sound()
	to := kafkatest.Prefix(v.t) + "back-"
	v.giveBack(to, to, change...)
	v.same(want, topics, nil, to)
}

func TestSoakBackupSurvivesALeaderThatDiesInTheMiddle(t *testing.T) {
	soak(t)
	k := kafkatest.Start(t, kafkatest.Options{Nodes: 3})
	pre := kafkatest.Prefix(t)
	v, w := newVault(t, k, bucket(t, storetest.File(t), "midway"), pre), corpus.NewWriter(t, k, pre)
	w.Replicas = 3
	topics := []string{filled(w, "rows", 4)}
	want := v.look(v.pre, topics, nil)
	v.backUp(v.midway(func() { v.leaderDies(topics[0]) }))
	v.restored(want, topics, during(func() { v.leaderDies(topics[0]) }))
}

// leaderDies kills the broker that leads a topic's first partition, waits until
// another one leads it, and starts it again.
func (v *vault) leaderDies(topic string) {
	died := v.leaders(topic)[0]
	if err := v.kafka.Nodes[died-1].Kill9(); err != nil {
		v.t.Error(err)
	}
	deadline := time.Now().Add(time.Minute)
	for now := died; now == died || now < 0; now = v.leaders(topic)[0] {
		if time.Now().After(deadline) {
			v.t.Errorf("broker %d is dead, and leads %s still", died, topic)
			break
		}
	}
	if err := v.kafka.Restart(v.t.Context()); err != nil {
		v.t.Error(err)
	}
}

func leadersMoveFirst(v *vault, w *corpus.Writer) {
	topics := []string{filled(w, "rows", 3)}
	want := v.look(v.pre, topics, nil)
	v.backUp(slowly, v.underWay(func() { v.moveLeaders(topics[0]) }))
	v.restored(want, topics)
}

func leadersMoveMidway(v *vault, w *corpus.Writer) {
	topics := []string{filled(w, "rows", 3)}
	want := v.look(v.pre, topics, nil)
	v.backUp(v.midway(func() { v.moveLeaders(topics[0]) }))
	v.restored(want, topics)
}

func replicasComeBack(v *vault, w *corpus.Writer) {
	w.Replicas = 3
	topic := w.Topic("rows", 2, "min.insync.replicas", "2", "retention.ms", "604800000", "compression.type", "zstd", "max.message.bytes", "2000000")
	w.Produce(topic, 0, corpus.Batch{Records: corpus.Records(100, 1)})
	want := v.look(v.pre, []string{topic}, nil)
	v.backUp()
	v.restored(want, []string{topic})
	to := kafkatest.Prefix(v.t) + "same-"
	v.giveBack(to, to)
	v.configured([]string{topic}, to)
	if n := v.replicas(to + strings.TrimPrefix(topic, v.pre)); n != 3 {
		v.t.Errorf("the restored topic has %d replicas, want 3", n)
	}
	v.onOneBroker(want, topic)
}

// onOneBroker restores where there is but one: refused with what to do, and with
// fewer replicas it is done, without a minimum that nobody could meet.
func (v *vault) onOneBroker(want contents, topic string) {
	v.t.Helper()
	small := kafkatest.Shared(v.t)
	to := kafkatest.Prefix(v.t) + "one-"
	o := v.options(to, to, func(o *restore.Options) { o.Dial = dial(small) })
	if _, err := restore.Run(v.t.Context(), o); err == nil || !strings.Contains(err.Error(), "3 replicas are asked for, the cluster has 1 brokers") {
		v.t.Errorf("three replicas on one broker: %v", err)
	}
	o.Replicas = 1
	r, err := restore.Run(v.t.Context(), o)
	if err != nil || !strings.Contains(fmt.Sprint(r.Notes), "min.insync.replicas is 2 in the backup") {
		v.t.Fatalf("restore with one replica: %v, notes %q", err, r.Notes)
	}
	other := &vault{t: v.t, kafka: small, client: small.Client(v.t, kgo.MetadataMinAge(10*time.Millisecond)), pre: v.pre}
	other.same(want, []string{topic}, nil, to)
	set := other.config(to + strings.TrimPrefix(topic, v.pre))
	if set["min.insync.replicas"] != "" || set["retention.ms"] != "604800000" || set["compression.type"] != "zstd" {
		v.t.Errorf("on one broker it is configured as %v", set)
	}
}

// replicas of a topic's first partition.
func (v *vault) replicas(topic string) int {
	v.t.Helper()
	all, err := kadm.NewClient(v.client).ListTopics(v.t.Context(), topic)
	if err != nil {
		v.t.Fatal(err)
	}
	return len(all[topic].Partitions[0].Replicas)
}
