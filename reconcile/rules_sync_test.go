package reconcile

import (
	"context"
	"testing"
	"time"
)

// shared is a cluster that two syncs keep.
type shared struct{ *model }

func (s shared) diff(sync, want string, other Claimant) Plan {
	otherName := map[string]string{"a": "b", "b": "a"}[sync]
	w := world{want: want, state: s.state(), now: s.now, rules: s.rules, sync: sync, others: map[string]Claimant{otherName: other}}
	in := w.input(s.t)
	in.Have = s.live()
	return Diff(in)
}

func (s shared) round(sync, want string, other Claimant) {
	s.t.Helper()
	if _, err := s.runner().Run(s.t.Context(), s.diff(sync, want, other)); err != nil {
		s.t.Fatal(err)
	}
}

func declares(t testing.TB, names string) Claimant {
	c := Claimant{Known: true, IDs: map[ID]bool{}}
	for _, id := range ids(t, names) {
		c.IDs[id] = true
	}
	return c
}

func TestHandOverBetweenSyncsKeepsHistory(t *testing.T) {
	want := "Topic/orders\n  partitions = 1\n  config.a = 1"
	for name, giverLooksFirst := range map[string]bool{"the giver looks first": true, "the taker looks first": false} {
		t.Run(name, func(t *testing.T) {
			s := shared{newModel(t, "")}
			s.round("a", want, declares(t, ""))
			uid := s.things[id(t, orders)].UID
			if giverLooksFirst {
				s.round("a", "Topic/x", declares(t, orders))
			}
			s.round("b", want, declares(t, "Topic/x"))
			s.round("a", "Topic/x", declares(t, orders))
			mustEqual(t, "owner", s.state().Owner(id(t, orders)), "b")
			own := s.state().Section("b").Owned[id(t, orders)]
			if !own.Created || own.UID != uid || own.Last["config.a"] != TextOf("1") {
				t.Errorf("the history is lost: %+v", own)
			}
			s.things[id(t, orders)].Fields["config.a"] = TextOf("2")
			mustEqual(t, "why", s.diff("b", want, declares(t, "")).change(orders).field("config.a").Why, Drifted)
		})
	}
}

func TestTheOwnerKeepsWhatTwoSyncsDeclare(t *testing.T) {
	s := shared{newModel(t, "")}
	s.round("a", "Topic/orders\n  partitions = 1", declares(t, ""))
	c := s.diff("b", "Topic/orders\n  partitions = 2", declares(t, orders)).change(orders)
	mustContain(t, "refused", c.Fate.Refused, "sync a owns and still declares it")
	c = s.diff("b", "Topic/orders\n  partitions = 2", Claimant{}).change(orders)
	mustContain(t, "waiting", c.Fate.Waiting, "no good revision yet")
}

func TestHandOverTakesAnOpenIntentAlong(t *testing.T) {
	s := shared{newModel(t, "")}
	s.round("a", "Topic/orders\n  config.a = 1", declares(t, ""))
	p := s.diff("a", "Topic/orders\n  config.a = 2", declares(t, ""))
	s.Append(t.Context(), Entry{Time: s.now, Sync: "a", Intent: p.Changes})
	s.things[id(t, orders)].Fields["config.a"] = TextOf("2") // applied, and no outcome written
	f := s.diff("b", "Topic/orders\n  config.a = 3", declares(t, "")).change(orders).field("config.a")
	mustEqual(t, "why", f.Why, Declared)
}

func TestAnOpenIntentOfWhatAnotherSyncDeclaresIsDropped(t *testing.T) {
	s := shared{newModel(t, "Topic/orders uid=u\n  config.a = 1")}
	create := Change{ID: id(t, orders), Action: Create, Cluster: home.Cluster, Fields: []FieldChange{{Name: "config.a", To: TextOf("1")}}}
	s.Append(t.Context(), Entry{Time: s.now, Sync: "a", Intent: []Change{create}})
	s.round("a", "Topic/x", declares(t, orders))
	mustEqual(t, "owner", s.state().Owner(id(t, orders)), "")
	mustEqual(t, "open intents", len(s.state().Section("a").Pending), 0)
}

func TestFightStopsHealingAndTriesAgain(t *testing.T) {
	m := newModel(t, "")
	want := "Topic/orders\n  config.a = 1\n  config.b = 1"
	m.round(want)
	other := func() { m.things[id(t, orders)].Fields["config.a"] = TextOf("2") }
	for range fightHeals {
		other()
		m.now = m.now.Add(time.Minute)
		m.round(want)
		mustEqual(t, "healed", m.field(orders, "config.a"), TextOf("1"))
	}
	other()
	m.things[id(t, orders)].Fields["config.b"] = TextOf("2")
	m.now = m.now.Add(time.Minute)
	m.round(want)
	mustEqual(t, "the fought field", m.field(orders, "config.a"), TextOf("2"))
	mustEqual(t, "the other field", m.field(orders, "config.b"), TextOf("1"))
	f := m.diff(want).change(orders).field("config.a")
	mustContain(t, "waiting", f.Fate.Waiting, "another writer sets 2, Git says 1: healed 5 times")
	mustEqual(t, "words do not change with the clock", m.diff(want).change(orders).field("config.a").Fate, f.Fate)

	m.now = m.now.Add(fightPause)
	m.round(want)
	mustEqual(t, "after the pause", m.field(orders, "config.a"), TextOf("1"))
	other()
	m.now = m.now.Add(fightPause + time.Minute)
	m.round(want)
	mustEqual(t, "the pause has grown", m.field(orders, "config.a"), TextOf("2"))
}

func TestACommitIsNoFight(t *testing.T) {
	m := newModel(t, "")
	for i := range 8 {
		m.now = m.now.Add(time.Minute)
		m.round("Topic/orders\n  config.a = " + string(rune('1'+i)))
	}
	mustEqual(t, "the last commit", m.field(orders, "config.a"), TextOf("8"))
}

func TestDriftModes(t *testing.T) {
	have, owned := "Topic/orders\n  config.a = 2\n  config.b = 1", "Topic/orders\n  config.a = 1\n  config.b = 1"
	for mode, writes := range map[string]int{"heal": 2, "report": 1, "off": 1} {
		t.Run(mode, func(t *testing.T) {
			p := world{want: "Topic/orders drift=" + mode + "\n  config.a = 1\n  config.b = 2", have: have, owned: owned}.plan(t)
			c, _ := p.change(orders).Effective()
			mustEqual(t, "fields that go ahead", len(c.Fields), writes)
			mustEqual(t, "reported", p.Summary().Reported, map[string]int{"report": 1}[mode])
			gone := world{want: "AclSet/x\nTopic/orders drift=" + mode, owned: owned}.plan(t)
			mustEqual(t, "says that it is gone", len(gone.change(orders).Action) > 0, mode != "off")
		})
	}
}

func TestTheDriftModeOfTheKindHoldsUnlessTheResourceSaysOtherwise(t *testing.T) {
	rules := testRules()
	topic := rules["Topic"]
	topic.Drift = DriftReport
	rules["Topic"] = topic
	w := world{have: "Topic/orders\n  config.a = 2", owned: "Topic/orders\n  config.a = 1", rules: rules, want: "Topic/orders\n  config.a = 1"}
	mustEqual(t, "writes", len(w.plan(t).batched()), 0)
	w.want = "Topic/orders drift=heal\n  config.a = 1"
	mustEqual(t, "writes", len(w.plan(t).batched()), 1)
}

func TestAnEqualPasswordIsNotSentAgainAndAChangedOneIs(t *testing.T) {
	m := newModel(t, "")
	m.round("ScramCredential/bob\n  password = secret:a\n  iterations = 4096")
	m.settled("ScramCredential/bob\n  password = secret:a\n  iterations = 4096")
	mustEqual(t, "writes", len(m.diff("ScramCredential/bob\n  password = secret:b\n  iterations = 4096").batched()), 1)
}

func TestIterationsTakeThePasswordAlong(t *testing.T) {
	m := newModel(t, "")
	m.round("ScramCredential/bob\n  password = secret:a\n  iterations = 4096")
	both := "ScramCredential/bob\n  password = secret:b\n  iterations = 8192"
	for _, want := range []string{"ScramCredential/bob\n  password = secret:a\n  iterations = 8192", both} {
		c := m.diff(want).change("ScramCredential/bob")
		mustEqual(t, "fields sent", len(c.Fields), 2)
	}
	c := m.diff("ScramCredential/bob\n  password = null\n  iterations = 8192").change("ScramCredential/bob")
	mustContain(t, "refused without a password", c.field("iterations").Fate.Refused, "not known to us")
}

func TestAWatchedFieldIsRememberedAsFirstSeen(t *testing.T) {
	m := newModel(t, "ScramCredential/bob\n  password = writeonly\n  iterations = 4096")
	want := "ScramCredential/bob\n  password = secret:a"
	m.round(want)
	m.round(want)
	m.settled(want)
	m.things[id(t, "ScramCredential/bob")].Fields["iterations"] = TextOf("8192")
	f := m.diff(want).change("ScramCredential/bob").field("iterations")
	mustEqual(t, "to", f.To, TextOf("4096"))
	mustEqual(t, "why", f.Why, Drifted)
}

func TestAUserWithoutAPasswordIsValidWhereTheCredentialLives(t *testing.T) {
	want := "ScramCredential/bob\n  password = null"
	mustEqual(t, "writes", len(world{want: want, have: "ScramCredential/bob\n  password = writeonly"}.plan(t).batched()), 0)
	c := world{want: want}.plan(t).change("ScramCredential/bob")
	mustContain(t, "refused", c.Fate.Refused, "no password is declared")
}

func TestAFailedNeedSkipsItsDependents(t *testing.T) {
	want := "ScramCredential/bob\n  password = null\nAclSet/User:bob needs=ScramCredential/bob\n  allow|a = \nTopic/orders"
	for name, unknown := range map[string][]Unobserved{
		"refused": nil, "unknown": {{ID{"ScramCredential", "bob"}, "denied"}}, "kind unknown": {{ID{Kind: "ScramCredential"}, "denied"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newModel(t, "")
			p := world{want: want, unknown: unknown, state: m.state()}.plan(t)
			outcomes, err := m.runner().Run(t.Context(), p)
			if err != nil || len(outcomes) != 2 {
				t.Fatalf("outcomes %v, %v", outcomes, err)
			}
			mustContain(t, "skipped", outcomes[1].Failed, "needs ScramCredential/bob")
			mustEqual(t, "things made", len(m.things), 1)
		})
	}
}

func TestRunStopsBetweenBatchesWhenTheContextEnds(t *testing.T) {
	m := newModel(t, "")
	ctx, stop := context.WithCancel(t.Context())
	r := m.runner()
	r.Size = 1
	r.Step = func(name string) {
		if name == "after outcome" {
			stop()
		}
	}
	_, err := r.Run(ctx, m.diff("Topic/a\n  partitions = 1\nTopic/b\n  partitions = 1"))
	if err == nil || len(m.things) != 1 || len(m.state().Section("main").Pending) != 0 {
		t.Errorf("ended with %v and %d things", err, len(m.things))
	}
}

func TestWhatMayHaveMovedIntoARejectedRevisionIsNotDeleted(t *testing.T) {
	s := shared{newModel(t, "")}
	s.round("a", "Topic/orders\n  partitions = 1\nTopic/x", declares(t, ""))
	doubtful := declares(t, "")
	doubtful.Doubt = "newest revision is rejected"
	c := s.diff("a", "Topic/x", doubtful).change(orders)
	mustContain(t, "waiting", c.Fate.Waiting, "it may have moved to sync b")
}
