package proof_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/proof"
)

func (w *world) validate(change ...func(*proof.ValidateOptions)) proof.Evidence {
	w.t.Helper()
	o := proof.ValidateOptions{Repository: w.repo, Dial: dial(w.source), Counts: &proof.Counts{}, Offsets: true, Groups: &proof.GroupOffsets{}}
	for _, c := range change {
		c(&o)
	}
	e, err := proof.Validate(w.t.Context(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

// commit sets a group's offset in the source.
func (w *world) commit(group, topic string, at int64) {
	w.t.Helper()
	var offsets kadm.Offsets
	offsets.Add(kadm.Offset{Topic: topic, Partition: 0, At: at, LeaderEpoch: -1})
	if err := kadm.NewClient(w.client(w.source)).CommitAllOffsets(w.t.Context(), group, offsets); err != nil {
		w.t.Fatal(err)
	}
}

func TestAValidationOfAGoodPointPasses(t *testing.T) {
	w := newWorld(t)
	w.topic("orders", 2)
	w.topic("audit", 1)
	w.commit("billing", "orders", 20)
	point := w.backup()
	e := w.validate()
	if !e.Passed || e.Kind != "validation" || e.Point != point.Number || e.Target == "" {
		t.Errorf("evidence %+v", e)
	}
	for name, want := range map[string]string{
		"counts": "300 of 300 records in 2 topics are held; the source has 300 offsets of them now", "offsets": "3 partitions; 0 offsets written since",
		"groups": "1 committed offset of 1 group",
	} {
		if c := check(t, e, name); !strings.Contains(c.Text, want) {
			t.Errorf("%s: %s", name, c.Text)
		}
	}
	alone := w.validate(func(o *proof.ValidateOptions) { o.Dial = nil })
	if !alone.Passed || alone.Target != "" || !strings.Contains(alone.Proves, "no cluster asked") {
		t.Errorf("without a cluster: %+v", alone)
	}
}

func TestWhatHappenedSinceThePointIsToldAndNoDamage(t *testing.T) {
	w := newWorld(t)
	w.topic("orders", 1)
	w.topic("gone", 1)
	w.topic("again", 1)
	w.commit("billing", "orders", 100)
	w.backup()
	w.produce("orders", 1, 5, kgo.NoCompression())
	w.commit("billing", "orders", 10)
	admin := kadm.NewClient(w.client(w.source))
	if _, err := admin.DeleteTopics(t.Context(), "gone", "again"); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.CreateTopic(t.Context(), 1, 1, nil, "again"); err != nil {
		t.Fatal(err)
	}
	e := w.validate()
	if !e.Passed || !strings.Contains(check(t, e, "offsets").Text, "5 offsets written since") || !strings.Contains(check(t, e, "groups").Text, "set back in the source since then: 1") {
		t.Errorf("evidence %+v", e)
	}
}

// A point whose manifest says more than its frames hold is made by hand.
func (w *world) pointThatLacks(lost int64) {
	w.t.Helper()
	ctx := w.t.Context()
	if err := w.repo.Begin(ctx); err != nil {
		w.t.Fatal(err)
	}
	lease, err := w.repo.Acquire(ctx, time.Minute)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = lease.Release(ctx) }()
	_, err = w.repo.Commit(ctx, lease, format.Manifest{
		Kind: format.Manual, Began: time.Now(), Taken: time.Now(), Ended: time.Now(),
		Topics: []format.Topic{{Name: "orders", ID: "AAAAAAAAAAAAAAAAAAAAAQ", Replicas: 1, Partitions: []format.Partition{{End: 100, High: 100, Epoch: -1}}}},
		Parts: []format.Part{{Writer: "test/1", Empty: []format.Frame{{
			Topic: "orders", TopicID: "AAAAAAAAAAAAAAAAAAAAAQ", Next: 100, Gone: format.Gone{Lost: lost, Compacted: 100 - lost},
			Gaps: []format.Gap{{First: 0, Next: lost, Reason: format.Lost}, {First: lost, Next: 100, Reason: format.Compacted}},
		}}}},
		Groups: []format.Group{{Name: "beyond", Offsets: []format.Commit{{Topic: "orders", Offset: 101}}}, {Name: "right", Offsets: []format.Commit{{Topic: "orders", Offset: 100}, {Topic: "elsewhere", Offset: 5}}}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestMissingRecordsFailFromTheShareOnThatIsAsked(t *testing.T) {
	for share, passes := range map[float64]bool{0: false, 0.5: false, 1: false, 1.1: true} {
		w := newWorld(t)
		w.pointThatLacks(10)
		e := w.validate(func(o *proof.ValidateOptions) { o.Dial, o.Counts.Fail, o.Groups = nil, share, nil })
		if c := check(t, e, "counts"); c.Passed != passes || e.Passed != passes {
			t.Errorf("share %g: %+v", share, c)
		}
	}
	w := newWorld(t)
	w.pointThatLacks(0)
	if e := w.validate(func(o *proof.ValidateOptions) { o.Dial, o.Groups = nil, nil }); !e.Passed {
		t.Errorf("what was compacted away is not missing: %+v", e)
	}
}

func TestGroupsBeyondThePointAreFound(t *testing.T) {
	w := newWorld(t)
	w.pointThatLacks(0)
	for pattern, passes := range map[string]bool{"beyond": false, "right": true, "r*": true, "*": false} {
		e := w.validate(func(o *proof.ValidateOptions) { o.Dial, o.Groups = nil, &proof.GroupOffsets{Groups: []string{pattern}} })
		if c := check(t, e, "groups"); c.Passed != passes {
			t.Errorf("%s: %+v", pattern, c)
		}
	}
	o := proof.ValidateOptions{Repository: w.repo, Groups: &proof.GroupOffsets{Groups: []string{"nobody"}}}
	if e, err := proof.Validate(t.Context(), o); err == nil || e.Passed {
		t.Error("a check of no group passed")
	}
}

func TestWhatTheSourceLostIsNoDamageOfTheBackup(t *testing.T) {
	w := newWorld(t)
	w.topic("orders", 1)
	w.backup()
	source := w.source
	w.source = cluster(t) // the same topic, but not the same data
	w.topic("orders", 1)
	if e := w.validate(); !e.Passed {
		t.Errorf("another topic of that name is not compared: %+v", e)
	}
	w.source = source
	if _, err := kadm.NewClient(w.client(w.source)).DeleteRecords(t.Context(), ends("orders", 0, 150)); err != nil {
		t.Fatal(err)
	}
	if e := w.validate(); !e.Passed {
		t.Errorf("what retention took away is what backups are for: %+v", e)
	}
}

func ends(topic string, partition int32, at int64) kadm.Offsets {
	var o kadm.Offsets
	o.Add(kadm.Offset{Topic: topic, Partition: partition, At: at})
	return o
}

func TestAWebhookJudgesByItsStatus(t *testing.T) {
	w := newWorld(t)
	w.pointThatLacks(0)
	posted := make(chan proof.Evidence, 1)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var got proof.Evidence
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %v", r.Method, err)
		}
		posted <- got
		switch r.URL.Path {
		case "/no":
			rw.WriteHeader(http.StatusTeapot)
		case "/moved":
			http.Redirect(rw, r, "/yes", http.StatusFound)
		case "/slow":
			<-r.Context().Done()
		}
	}))
	t.Cleanup(server.Close)
	for path, c := range map[string]struct {
		status int
		passes bool
	}{"/yes": {0, true}, "/no": {0, false}, "/no?": {418, true}, "/moved": {0, false}, "/slow": {0, false}} {
		hook := proof.Webhook{Name: "judge", URL: func() (string, error) { return server.URL + path, nil }, Timeout: 200 * time.Millisecond, Status: c.status}
		e := w.validate(func(o *proof.ValidateOptions) {
			o.Dial, o.Counts, o.Groups, o.Webhooks = nil, nil, nil, []proof.Webhook{hook}
		})
		judged := check(t, e, "webhook judge")
		if judged.Passed != c.passes || e.Passed != c.passes {
			t.Errorf("%s: %+v", path, judged)
		}
		if got := <-posted; got.Kind != "validation" || len(got.Checks) != 2 {
			t.Errorf("%s was sent %+v", path, got)
		}
	}
}

func TestNoMessageShowsAWebhooksAddress(t *testing.T) {
	w := newWorld(t)
	w.pointThatLacks(0)
	for _, address := range []string{"http://127.0.0.1:1/secret-token", "http://secret-token.invalid/", "secret-token", "http://secret-token\x7f", "secret-token://x", "http://%zz-secret-token"} {
		e := w.validate(func(o *proof.ValidateOptions) {
			o.Dial, o.Webhooks = nil, []proof.Webhook{{Name: "judge", URL: func() (string, error) { return address, nil }}}
			o.Groups = nil
		})
		if c := check(t, e, "webhook judge"); c.Passed || strings.Contains(strings.Join(c.Found, ""), "secret") || strings.Contains(strings.Join(c.Found, ""), "127.0.0.1") {
			t.Errorf("%s: %+v", address, c)
		}
	}
}

func TestASourceThatCannotBeReachedProvesNothing(t *testing.T) {
	w := newWorld(t)
	w.pointThatLacks(0)
	away := errors.New("no route to host")
	e, err := proof.Validate(t.Context(), proof.ValidateOptions{Repository: w.repo, Offsets: true,
		Dial: func(context.Context) (*kgo.Client, error) { return nil, away }})
	if !errors.Is(err, away) || e.Passed {
		t.Errorf("%v: %+v", err, e)
	}
	if _, err := proof.Validate(t.Context(), proof.ValidateOptions{Repository: w.repo, Point: 9}); err == nil {
		t.Error("a point that is not there was validated")
	}
}
