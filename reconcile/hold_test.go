package reconcile

import (
	"encoding/json"
	"testing"
	"time"
)

var heldRetention = world{
	want: "Topic/orders\n  config.retention.ms = 100\n  config.a = 1", have: "Topic/orders uid=u\n  config.retention.ms = 900\n  config.a = 1",
	owned: "Topic/orders uid=u\n  config.retention.ms = 100\n  config.a = 1",
}

func onlyDigest(t *testing.T, p Plan) Digest {
	t.Helper()
	holds := p.Held()
	if len(holds) != 1 {
		t.Fatalf("%d holds:\n%s", len(holds), p.dump())
	}
	return holds[0].Digest
}

func TestOtherDriftDoesNotSpoilADigest(t *testing.T) {
	base := onlyDigest(t, heldRetention.plan(t))
	for name, change := range map[string]func(*Input){
		"another revision":       func(in *Input) { in.Revision = "r2" },
		"another time":           func(in *Input) { in.Now = in.Now.Add(time.Hour) },
		"drift of another field": func(in *Input) { in.Have[0].Fields["config.a"] = TextOf("5") },
		"another topic": func(in *Input) {
			in.Want = append(in.Want, Resource{ID: ID{"Topic", "aaa"}, Fields: map[string]Value{"config.a": TextOf("1")}})
		},
		"another line in Git": func(in *Input) { in.Want[0].Origins = nil },
	} {
		in := heldRetention.input(t)
		change(&in)
		mustEqual(t, name, onlyDigest(t, Diff(in)), base)
	}
	p := heldRetention.plan(t)
	p.Changes[0].Fields[0].Fate.Held = "other words"
	mustEqual(t, "other words", onlyDigest(t, p), base)
}

func TestADigestIsOfOneStepOfOneThing(t *testing.T) {
	seen := map[Digest]string{onlyDigest(t, heldRetention.plan(t)): "base"}
	for name, change := range map[string]func(*Input){
		"another from": func(in *Input) { in.Have[0].Fields["config.retention.ms"] = TextOf("901") },
		"another to":   func(in *Input) { in.Want[0].Fields["config.retention.ms"] = TextOf("101") },
		"another id": func(in *Input) {
			in.Have[0].UID = "v"
			in.State.Section("main").Owned[ID{"Topic", "orders"}].UID = "v"
		},
	} {
		in := heldRetention.input(t)
		change(&in)
		d := onlyDigest(t, Diff(in))
		if other, ok := seen[d]; ok {
			t.Errorf("%s has the digest of %s", name, other)
		}
		seen[d] = name
	}
}

func TestConfirmationIsUsedUpByFirstOutcome(t *testing.T) {
	for name, o := range map[string]Outcome{"done": {}, "failed": {Failed: "x"}, "unsure": {Unsure: true}, "a part": {Fields: []string{"config.retention.ms"}}} {
		in := heldRetention.input(t)
		p := Diff(in)
		d := onlyDigest(t, p)
		in.State.Fold(Entry{Time: noon, Sync: "main", Confirm: []Digest{d}})
		p = p.Confirmed(in.State.Confirmed("main", noon))
		mustEqual(t, "writes", len(p.batched()), 1)
		in.State.Fold(Entry{Time: noon, Sync: "main", Intent: p.Changes})
		mustEqual(t, "kept by the intent", len(in.State.Confirmed("main", noon)), 1)
		o.ID = id(t, orders)
		in.State.Fold(Entry{Time: noon, Sync: "main", Outcomes: []Outcome{o}})
		mustEqual(t, "confirmations left when "+name, len(in.State.Confirmed("main", noon)), 0)
	}
}

func TestConfirmationLapsesAfterADay(t *testing.T) {
	s := NewState()
	s.Fold(Entry{Time: noon, Sync: "main", Confirm: []Digest{"d"}})
	mustEqual(t, "before", len(s.Confirmed("main", noon.Add(24*time.Hour-1))), 1)
	mustEqual(t, "after", len(s.Confirmed("main", noon.Add(24*time.Hour))), 0)
	mustEqual(t, "of another sync", len(s.Confirmed("other", noon)), 0)
}

func TestAConfirmationDoesNotOutliveTheBindingItWasGivenFor(t *testing.T) {
	s := NewState()
	s.Fold(Entry{Time: noon, Sync: "main", Confirm: []Digest{"d"}})
	s.Fold(Entry{Time: noon, Sync: "main", Bind: &home})
	mustEqual(t, "confirmations", len(s.Confirmed("main", noon)), 0)
}

func TestAConfirmationLetsGoOfNothingElse(t *testing.T) {
	p := heldRetention.plan(t).Confirmed(map[Digest]bool{"000000000000": true})
	mustEqual(t, "writes", len(p.batched()), 0)
}

func TestThePlanDigestIsOfWhatWouldBeDone(t *testing.T) {
	in := heldRetention.input(t)
	base := Diff(in).Digest()
	in.Revision = "r2"
	mustEqual(t, "in another revision", Diff(in).Digest(), base)
	in.Want[0].Fields["config.a"] = TextOf("2")
	if Diff(in).Digest() == base {
		t.Error("other work has the same digest")
	}
}

func TestASavedPlanMeansTheSame(t *testing.T) {
	w := heldRetention
	w.want += "\nScramCredential/bob\n  password = secret:canary"
	w.unknown = []Unobserved{{ID{Kind: "AclSet"}, "no authorizer"}}
	p := w.plan(t)
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back Plan
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "digest", back.Digest(), p.Digest())
	mustEqual(t, "hold", back.Held()[0].Digest, p.Held()[0].Digest)
	mustEqual(t, "text", back.dump(), p.dump())
	again, _ := json.Marshal(back)
	mustEqual(t, "JSON", string(again), string(data))
}
