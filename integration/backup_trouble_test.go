package integration

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/integration/corpus"
	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/integration/storetest"
	"github.com/ottla-io/ottla/sinks/backup/capture"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/restore"
)

// What happens to a Kafka while a run copies from it.

// underWay does something once a run knows how far it will go, and before it
// has copied anything.
func (v *vault) underWay(do func()) func(*capture.Options) {
	var once sync.Once
	done := false
	v.t.Cleanup(func() {
		if !done {
			v.t.Error("the run never came to its first fetch")
		}
	})
	return func(o *capture.Options) {
		o.Step = func(s string) {
			if s == "fetch" {
				once.Do(func() { do(); done = true })
			}
		}
	}
}

// slowly copies in small packs, so that there is time for trouble.
func slowly(o *capture.Options) { o.PackSize, o.Connections, o.Memory = 64<<10, 1, 8<<20 }

// filled makes a topic with some megabytes in each partition.
func filled(w *corpus.Writer, suffix string, partitions int) string {
	topic := w.Topic(suffix, partitions)
	fill(w, topic, partitions)
	return topic
}

func fill(w *corpus.Writer, topic string, partitions int) {
	for p := range partitions {
		for i := range 20 {
			w.Produce(topic, int32(p), corpus.Batch{Codec: i % 5, Records: corpus.Records(1000, uint64(p*100+i))})
		}
	}
}

func TestBackupSurvivesABrokerThatIsKilledAndComesBack(t *testing.T) {
	k := kafkatest.Start(t, kafkatest.Options{})
	pre := kafkatest.Prefix(t)
	v := newVault(t, k, bucket(t, storetest.File(t), "proof"), pre)
	topic := filled(corpus.NewWriter(t, k, pre), "rows", 4)
	want := v.look(pre, []string{topic}, nil)
	v.backUp(slowly, v.underWay(func() {
		if err := errors.Join(k.Kill9(), k.Restart(t.Context())); err != nil {
			t.Error(err)
		}
	}))
	v.sound()
	var killed sync.Once
	v.giveBack("all", "back-", func(o *restore.Options) {
		o.Step = func(s string) {
			if s == "batch written" {
				killed.Do(func() {
					if err := errors.Join(k.Kill9(), k.Restart(t.Context())); err != nil {
						t.Error(err)
					}
				})
			}
		}
	})
	v.same(want, []string{topic}, nil, "back-")
}

// moveLeaders lets the next broker lead each partition, and waits until it does.
func (v *vault) moveLeaders(topic string) {
	admin := kadm.NewClient(v.client)
	before := v.leaders(topic)
	var r kadm.AlterPartitionAssignmentsReq
	for p, leader := range before {
		r.Assign(topic, p, []int32{leader%3 + 1})
	}
	if _, err := admin.AlterPartitionAssignments(v.t.Context(), r); err != nil {
		v.t.Error(err)
	}
	kafkatest.Eventually(v.t, func() error {
		for p, leader := range v.leaders(topic) {
			if leader == before[p] || leader < 0 {
				return errors.New("a leader has not moved yet")
			}
		}
		return nil
	})
}

func (v *vault) leaders(topic string) map[int32]int32 {
	req := kmsg.NewPtrMetadataRequest()
	one := kmsg.NewMetadataRequestTopic()
	one.Topic = &topic
	req.Topics = append(req.Topics, one)
	resp, err := req.RequestWith(v.t.Context(), v.client)
	if err != nil {
		v.t.Error(err)
		return nil
	}
	out := map[int32]int32{}
	for _, p := range resp.Topics[0].Partitions {
		out[p.Partition] = p.Leader
	}
	return out
}

func TestBackupNamesWhatRetentionTookBeforeIt(t *testing.T) {
	k := kafkatest.Shared(t)
	pre := kafkatest.Prefix(t)
	v := newVault(t, k, bucket(t, storetest.File(t), "proof"), pre)
	w := corpus.NewWriter(t, k, pre)
	topic := filled(w, "rows", 1)
	all := corpus.Read(t, v.client, topic)
	const before = 15_500
	r := v.backUp(slowly, v.underWay(func() { w.DeleteRecords(topic, 0, before) }))
	if r.New.Lost != before {
		t.Errorf("%d offsets are said to be lost, %d were taken", r.New.Lost, before)
	}
	if !slices.ContainsFunc(r.Alerts, func(a capture.Alert) bool { return a.Kind == "gap" && a.Topic == topic }) {
		t.Errorf("%d offsets were lost, and nobody was told: %v", r.New.Lost, r.Alerts)
	}
	v.sound()
	to := kafkatest.Prefix(t)
	v.giveBack(to, to)
	got := corpus.Read(t, v.client, to+"rows")
	lost := int(r.New.Lost)
	if n := got.Count(); n != len(all[0])-lost {
		t.Errorf("%d records came back, %d were there and %d are said to be lost", n, len(all[0]), lost)
	}
	// A second run stands on the first, and the next ones begin behind it.
	w.Produce(topic, 0, corpus.Batch{Records: corpus.Records(10, 1)})
	if r := v.backUp(); r.Records != 10 || r.New.Lost != 0 {
		t.Errorf("the next run copied %d records and lost %d: %+v", r.Records, r.New.Lost, r.Point.Topics[0].Partitions)
	}
	v.sound()
}

func TestBackupFollowsATopicThatIsRecreatedAndOneThatGrows(t *testing.T) {
	k := kafkatest.Shared(t)
	pre := kafkatest.Prefix(t)
	v := newVault(t, k, bucket(t, storetest.File(t), "proof"), pre)
	w := corpus.NewWriter(t, k, pre)
	again, grows := filled(w, "again", 2), filled(w, "grows", 1)
	topics := []string{again, grows}
	first := v.look(pre, topics, nil)
	v.backUp()

	w.Recreate(again, 1)
	w.Produce(again, 0, corpus.Batch{Records: corpus.Records(30, 9)})
	v.grow(grows, 3)
	w.Produce(grows, 2, corpus.Batch{Records: corpus.Records(40, 9)})
	second := v.look(pre, topics, nil)
	v.backUp(slowly)
	v.sound()

	for point, want := range map[int64]contents{1: first, 2: second} {
		to := kafkatest.Prefix(t)
		v.giveBack(to, to, func(o *restore.Options) { o.Point = point })
		v.same(want, topics, nil, to)
	}
}

func TestBackupOfTopicsThatChangeUnderTheRunSaysSo(t *testing.T) {
	k := kafkatest.Shared(t)
	pre := kafkatest.Prefix(t)
	v := newVault(t, k, bucket(t, storetest.File(t), "proof"), pre)
	w := corpus.NewWriter(t, k, pre)
	again, grows := filled(w, "again", 1), filled(w, "grows", 1)
	want := v.look(pre, []string{grows}, nil)
	_, err := capture.Run(t.Context(), v.capture(slowly, v.underWay(func() {
		w.Recreate(again, 1)
		v.grow(grows, 2)
	})))
	if err != nil {
		t.Logf("the run failed, as it may: %v", err)
	}
	w.Produce(again, 0, corpus.Batch{Records: corpus.Records(5, 1)})
	now := v.look(pre, []string{again, grows}, nil)
	v.backUp()
	v.sound()
	to := kafkatest.Prefix(t)
	v.giveBack(to, to)
	v.same(now, []string{again, grows}, nil, to)
	v.same(want, []string{grows}, nil, pre)
}

func (v *vault) grow(topic string, partitions int) {
	v.t.Helper()
	got, err := kadm.NewClient(v.client).UpdatePartitions(v.t.Context(), partitions, topic)
	if err == nil {
		err = got.Error()
	}
	if err != nil {
		v.t.Error(err)
	}
	kafkatest.Eventually(v.t, func() error {
		if n := len(v.leaders(topic)); n != partitions {
			return errors.New("the new partitions do not show yet")
		}
		return nil
	})
}

func TestBackupByTwoProcessesAtOnceMakesNoPointTwice(t *testing.T) {
	k := kafkatest.Shared(t)
	pre := kafkatest.Prefix(t)
	b := bucket(t, storetest.File(t), "proof")
	v := newVault(t, k, b, pre)
	topic := filled(corpus.NewWriter(t, k, pre), "rows", 2)
	want := v.look(pre, []string{topic}, nil)
	var wg sync.WaitGroup
	won := make([]error, 4)
	for i := range won {
		other := newVault(t, k, b, pre)
		other.open.Writer = "test/" + string(rune('a'+i))
		other.reopen()
		wg.Go(func() { _, won[i] = capture.Run(t.Context(), other.capture(slowly)) })
	}
	wg.Wait()
	good := 0
	for _, err := range won {
		var held *repository.HeldError
		if err == nil {
			good++
		} else if !errors.As(err, &held) && !errors.Is(err, repository.ErrTaken) && !errors.Is(err, repository.ErrLease) {
			t.Errorf("a run that was second: %v", err)
		}
	}
	if good == 0 {
		t.Fatal("none of four runs made a point")
	}
	v.reopen()
	v.sound()
	to := kafkatest.Prefix(t)
	v.giveBack(to, to)
	v.same(want, []string{topic}, nil, to)
}

func TestBackupToAStoreThatGoesDownFailsAndTheNextOneSucceeds(t *testing.T) {
	storeGoesDown(t, "s3", (*vault).midway)
}

// TestSoakBackupToAStoreThatGoesDown is the same on the stores whose clients
// take their time until they give up, and before anything was written.
func TestSoakBackupToAStoreThatGoesDown(t *testing.T) {
	soak(t)
	for _, name := range []string{"gcs", "azure"} {
		t.Run(name, func(t *testing.T) { storeGoesDown(t, name, (*vault).midway) })
	}
	t.Run("s3", func(t *testing.T) { storeGoesDown(t, "s3", (*vault).underWay) })
}

// storeGoesDown stops the store at a moment of the second run.
func storeGoesDown(t *testing.T, name string, when func(*vault, func()) func(*capture.Options)) {
	t.Helper()
	k := kafkatest.Shared(t)
	pre := kafkatest.Prefix(t)
	s := storetest.Kinds()[name](t)
	v := newVault(t, k, bucket(t, s, "proof"), pre)
	w := corpus.NewWriter(t, k, pre)
	topics := []string{w.Topic("rows", 2)}
	w.Produce(topics[0], 1, corpus.Batch{Records: corpus.Records(10, 7)})
	promised := v.look(pre, topics, nil)
	v.backUp()
	fill(w, topics[0], 2)
	want := v.look(pre, topics, nil)
	short := func(o *capture.Options) { o.LeaseTTL = 5 * time.Second }
	_, err := capture.Run(t.Context(), v.capture(slowly, when(v, s.Stop), short))
	if err == nil {
		t.Fatal("a run without its store made a point")
	}
	if strings.Contains(err.Error(), storetest.SecretAccessKey) || strings.Contains(err.Error(), storetest.AzureKey()) {
		t.Errorf("the error tells a secret: %v", err)
	}
	s.Start(t)
	v.reopen()
	v.restored(promised, topics)
	if r := v.backUp(); r.Point.Number != 2 || r.Records != 40_000 {
		t.Errorf("the next run is point %d with %d new records", r.Point.Number, r.Records)
	}
	v.restored(want, topics)
}
