package restore

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/format"
)

// config is what is set on a topic itself of keys that a restore lifts.
func (w *world) config(topic string) string {
	w.t.Helper()
	all, err := w.admin.DescribeTopicConfigs(w.t.Context(), topic)
	must(w.t, err)
	var out []string
	for _, c := range all[0].Configs {
		if c.Source.String() == "DYNAMIC_TOPIC_CONFIG" {
			out = append(out, c.Key+"="+c.MaybeValue())
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// interrupted is a restore of orders, which is there, and of small, which it
// makes, ended at its nth step of that name.
func (w *world) interrupted(name, at string) Options {
	w.t.Helper()
	o := w.options(name)
	o.Existing = "append"
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	o.Step = func(step string) {
		if step == at {
			cancel()
		}
	}
	if _, err := Run(ctx, o); !errors.Is(err, context.Canceled) {
		w.t.Fatalf("it was not interrupted: %v", err)
	}
	o.Step = nil
	return o
}

// halfDone is a cluster with orders, and a point of orders and small.
func halfDone(t *testing.T) *world {
	w := newWorld(t)
	small := topic{
		Topic: format.Topic{Name: "small", ID: sourceID, Replicas: 1, MaxBytes: 1 << 20, Config: map[string]string{"retention.ms": "1000", "cleanup.policy": "compact"}},
		logs:  []log{{{dense(batch.LZ4, 0, 40)}}},
	}
	w.point(nil, orders(), small)
	_, err := w.admin.CreateTopics(t.Context(), 3, 1, map[string]*string{"retention.ms": new("86400000")}, "orders")
	must(t, err)
	return w
}

func TestARestoreThatIsAbandonedLeavesTopicsConfiguredAsTheyWere(t *testing.T) {
	for _, at := range []string{planned, "topics lifted", "topics created", prepared, "batch written", loaded} {
		t.Run(at, func(t *testing.T) {
			w := halfDone(t)
			o := w.interrupted("given-up", at)
			for range 2 {
				words, err := Abandon(t.Context(), Options{Name: o.Name, Dial: w.dial, Repository: w.repo})
				must(t, err)
				t.Log(words)
			}
			if got := w.config("orders"); got != "retention.ms=86400000" {
				t.Errorf("the topic that was there has %s", got)
			}
			listed, err := w.admin.ListTopics(t.Context(), "small")
			must(t, err)
			if got := w.config("small"); listed.Has("small") && listed["small"].Err == nil && got != "cleanup.policy=compact retention.ms=1000" {
				t.Errorf("the topic that was made has %s", got)
			}
			if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "was given up") {
				t.Errorf("it goes on: %v", err)
			}
		})
	}
}

func TestOnlyARestoreThatWasBegunHereIsAbandoned(t *testing.T) {
	w := halfDone(t)
	o := w.interrupted("given-up", prepared)
	if _, err := Abandon(t.Context(), Options{Name: "other", Dial: w.dial, Repository: w.repo}); !errors.Is(err, ErrNotBegun) {
		t.Errorf("one that was not begun: %v", err)
	}
	elsewhere := newWorld(t, kfake.ClusterID("elsewhere"))
	if _, err := Abandon(t.Context(), Options{Name: o.Name, Dial: elsewhere.dial, Repository: w.repo}); !errors.Is(err, ErrOtherCluster) {
		t.Errorf("on another cluster: %v", err)
	}
	w.run(o)
	words, err := Abandon(t.Context(), o)
	must(t, err)
	if !strings.Contains(words[0], "is done") || w.config("orders") != "retention.ms=86400000" {
		t.Errorf("one that is done: %v, %s", words, w.config("orders"))
	}
}

func TestATopicThatAnUnfinishedRestoreLiftedGetsBackWhatItHadBefore(t *testing.T) {
	w := halfDone(t)
	w.interrupted("first", "batch written")
	second := w.options("second")
	second.Existing = "append"
	r := w.run(second)
	if got := w.config("orders"); got != "retention.ms=86400000" {
		t.Errorf("the topic that was there has %s", got)
	}
	if got := w.config("small"); got != "cleanup.policy=compact retention.ms=1000" {
		t.Errorf("the topic that the first restore made has %s", got)
	}
	t.Log(r.Notes)
}

func TestAProofThatFailsLeavesTopicsConfiguredAsTheyWere(t *testing.T) {
	w := halfDone(t)
	o := w.interrupted("proven", loaded)
	o.Prove = true
	w.write("orders", 0, "foreign")
	journal, rec, err := openJournal(t.Context(), w.repo, o.Name)
	must(t, err)
	rec.Topics[0].Starts[0]++ // so that the foreign record is compared, too
	must(t, journal.write(t.Context(), rec))
	if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "do not hold what the backup has") {
		t.Fatalf("the proof: %v", err)
	}
	if got := w.config("orders"); got != "retention.ms=86400000" {
		t.Errorf("the topic that was there has %s", got)
	}
}
