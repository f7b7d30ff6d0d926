package reconcile

import (
	"slices"
	"testing"
	"time"
)

const deletable = "Topic/old uid=u1 created missing=1h\n  partitions = 1"

func TestThreeKeysForDeletion(t *testing.T) {
	all := world{want: "Topic/kept", have: "Topic/old uid=u1\nTopic/kept", owned: deletable}
	allowed := Deletions(map[string]bool{"Topic": true})
	if got := all.plan(t).Guarded(allowed).batched(); !slices.Contains(got, "delete Topic/old") {
		t.Fatalf("with all three keys it stays: %q", got)
	}
	for name, c := range map[string]struct {
		with  func(*world)
		guard Guard
	}{
		"Git still has it": {func(w *world) { w.want += "\nTopic/old" }, allowed},
		"another sync declares it": {func(w *world) {
			w.others = map[string]Claimant{"b": {Known: true, IDs: map[ID]bool{{"Topic", "old"}: true}}}
		}, allowed},
		"another sync may declare it":    {func(w *world) { w.others = map[string]Claimant{"b": {}} }, allowed},
		"the grace runs":                 {func(w *world) { w.owned = "Topic/old uid=u1 created missing=9m" }, allowed},
		"the ledger has another id":      {func(w *world) { w.owned = "Topic/old uid=u0 created missing=1h" }, allowed},
		"the ledger does not have it":    {func(w *world) { w.owned = "" }, allowed},
		"it was adopted":                 {func(w *world) { w.owned = "Topic/old uid=u1 missing=1h" }, allowed},
		"the configuration forbids it":   {func(*world) {}, Deletions(nil)},
		"it is the system's own":         {func(w *world) { w.have = "Topic/old uid=u1 internal=yes" }, allowed},
		"it could not be read":           {func(w *world) { w.have, w.unknown = "", []Unobserved{{ID{"Topic", "old"}, "denied"}} }, allowed},
		"its kind could not be read":     {func(w *world) { w.have, w.unknown = "", []Unobserved{{ID{Kind: "Topic"}, "timeout"}} }, allowed},
		"it is out of scope":             {func(w *world) { w.scope = []ID{{"Topic", "other"}} }, allowed},
		"its document said keep":         {func(w *world) { w.owned = "Topic/old uid=u1 created keep missing=1h" }, allowed},
		"its document was paused":        {func(w *world) { w.owned = "Topic/old uid=u1 created skip=paused missing=1h" }, allowed},
		"the binding changed":            {func(w *world) { w.binding = Binding{home.Cluster, "other", "prod", "main"} }, allowed},
		"it is protected":                {func(*world) {}, Preserve(func(ID) string { return "protected" })},
		"its principal is protected":     {func(*world) {}, Protect(func(ID) string { return "protected" })},
		"deletions have to be confirmed": {func(*world) {}, ConfirmIrreversible},
	} {
		t.Run(name, func(t *testing.T) {
			w := all
			c.with(&w)
			if got := w.plan(t).Guarded(c.guard).batched(); slices.Contains(got, "delete Topic/old") {
				t.Errorf("goes ahead: %q", got)
			}
		})
	}
}

func TestDeletionsWaitAGraceAndStartAnewWhenItIsBack(t *testing.T) {
	m := newModel(t, "")
	with, without := "Topic/orders\n  partitions = 1\nTopic/x\n  partitions = 1", "Topic/x\n  partitions = 1"
	m.round(with)
	m.round(without)
	m.now = m.now.Add(9 * time.Minute)
	m.round(with)
	m.now = m.now.Add(9 * time.Minute)
	m.round(without)
	mustContain(t, "waiting", m.diff(without).change(orders).Fate.Waiting, "deleted after")
	m.now = m.now.Add(10 * time.Minute)
	m.round(without)
	if m.things[id(t, orders)] != nil {
		t.Error("it is still there after the grace")
	}
}

func TestAccessHasNoGrace(t *testing.T) {
	m := newModel(t, "")
	m.round("AclSet/User:bob\n  allow|read = \nTopic/x")
	m.round("Topic/x")
	mustEqual(t, "the ACL", m.field(bob, "allow|read"), Value{})
}

func TestWhatGitTakesBackOfABagIsOnlyOurs(t *testing.T) {
	m := newModel(t, "AclSet/User:bob\n  allow|theirs = ")
	m.round("AclSet/User:bob\n  allow|ours = \nTopic/x")
	m.round("Topic/x")
	m.settled("Topic/x")
	mustEqual(t, "ours", m.field(bob, "allow|ours"), UnsetValue())
	mustEqual(t, "theirs", m.field(bob, "allow|theirs"), TextOf(""))
}

func TestPruneDisabledOutlivesItsDocument(t *testing.T) {
	m := newModel(t, "")
	m.round("Topic/orders keep\n  partitions = 1\nTopic/x")
	m.round("Topic/x")
	m.now = m.now.Add(time.Hour)
	m.round("Topic/x")
	m.settled("Topic/x")
	if m.things[id(t, orders)] == nil || m.state().Owner(id(t, orders)) != "" {
		t.Error("it is deleted, or still owned")
	}
}

func TestPausedOutlivesItsDocument(t *testing.T) {
	m := newModel(t, "")
	paused := "Topic/x\nTopic/orders skip=paused\n  partitions = 5"
	m.round("Topic/x\nTopic/orders\n  partitions = 1")
	m.round(paused)
	m.settled(paused)
	mustEqual(t, "partitions while paused", m.field(orders, "partitions"), TextOf("1"))
	m.round("Topic/x")
	m.now = m.now.Add(time.Hour)
	mustContain(t, "held", m.diff("Topic/x").change(orders).Fate.Held, "while it was paused")
}

func TestUnmanagedReleasesOwnershipAndTouchesNothing(t *testing.T) {
	m := newModel(t, "")
	m.round("Topic/x\nTopic/orders\n  partitions = 1")
	unmanaged := "Topic/x\nTopic/orders skip=" + underscored(SkipUnmanaged) + "\n  partitions = 5"
	m.round(unmanaged)
	m.settled(unmanaged)
	mustEqual(t, "owner", m.state().Owner(id(t, orders)), "")
	m.round("Topic/x")
	m.settled("Topic/x")
	mustEqual(t, "partitions", m.field(orders, "partitions"), TextOf("1"))
}

func underscored(s string) string {
	out := []rune(s)
	for i, r := range out {
		if r == ' ' {
			out[i] = '_'
		}
	}
	return string(out)
}

func TestSkippedForAnotherClusterCountsAsDeclared(t *testing.T) {
	p := world{want: "Topic/old skip=" + skipClusterMark, have: "Topic/old uid=u1", owned: deletable}.plan(t)
	mustEqual(t, "writes", len(p.batched()), 0)
	mustContain(t, "note", p.change("Topic/old").Notes.Words[0], "for another cluster")
}

const skipClusterMark = "for_another_cluster_(strimzi.io/cluster:_b)"

func TestAnOwnedTopicDeletedByHandIsNotSilentlyReplaced(t *testing.T) {
	w := world{want: "Topic/orders\n  partitions = 1", owned: "Topic/orders uid=u1 created\n  partitions = 1"}
	c := w.plan(t).change(orders)
	mustEqual(t, "action", c.Action, Create)
	mustEqual(t, "why", c.Why, Drifted)
	mustContain(t, "held", c.Fate.Held, "deleted by hand")
	w.rules = testRules()
	topic := w.rules["Topic"]
	topic.Recreate = true
	w.rules["Topic"] = topic
	mustEqual(t, "writes with recreate: true", len(w.plan(t).batched()), 1)
}

func TestConfirmedRecreationIsOursByItsNewID(t *testing.T) {
	m := newModel(t, "")
	want := "Topic/orders\n  partitions = 1"
	m.round(want)
	delete(m.things, id(t, orders))
	hold := m.diff(want).Held()[0]
	m.Append(t.Context(), Entry{Time: m.now, Sync: "main", Confirm: []Digest{hold.Digest}})
	m.round(want)
	m.settled(want)
	if own := m.state().Section("main").Owned[id(t, orders)]; !own.Created || own.UID != "new-2" || len(own.Heals[""]) != 1 {
		t.Errorf("owned as %+v", own)
	}
}

func TestSameNameAnotherTopicIDIsNotOwned(t *testing.T) {
	w := world{have: "Topic/orders uid=u2\n  config.a = 1\n  config.b = 2", owned: "Topic/orders uid=u1 created missing=1h\n  config.a = 1\n  config.b = 2"}
	c := w.plan(t).change(orders)
	mustEqual(t, "action", c.Action, Note)
	mustContain(t, "release", c.Notes.Release, "not ours")
	w.want = "Topic/orders\n  config.a = 5"
	c = w.plan(t).change(orders)
	if !c.Notes.Adopt || c.UID != "u2" || c.field("config.a").Why != Adopted {
		t.Errorf("not adopted anew: %+v", c)
	}
	mustEqual(t, "the other's key", c.Notes.Alone["config.b"], TextOf("2"))
}

func TestWithAnotherClusterNoLastAppliedValueCounts(t *testing.T) {
	p := world{
		want: "Topic/orders\n  config.a = 1", have: "Topic/orders\n  config.a = 2", owned: "Topic/orders created\n  config.a = 1",
		binding: Binding{"cluster-2", "repo", "prod", "main"},
	}.plan(t)
	mustEqual(t, "why", p.change(orders).field("config.a").Why, Adopted)
}

func TestAnotherBindingHoldsWhatCannotBeUndoneAndLetsTheRestConverge(t *testing.T) {
	w := world{
		want:  "Topic/orders\n  config.a = 1\n  config.retention.ms = 1\nJob/restore\n  x = 1",
		have:  "Topic/orders\n  config.retention.ms = 9\nTopic/old uid=u1",
		owned: "Topic/orders\n  config.retention.ms = 9\n" + deletable, binding: Binding{"cluster-1", "repo", "staging", "main"},
	}
	p := w.plan(t)
	if got := p.batched(); len(got) != 1 || got[0] != "update Topic/orders config.a" {
		t.Errorf("goes ahead: %q", got)
	}
	var held []ID
	for _, h := range p.Held() {
		held = append(held, h.IDs...)
	}
	mustEqual(t, "holds", len(held), 4)
	confirmed := p.Confirmed(map[Digest]bool{p.Held()[0].Digest: true})
	mustEqual(t, "the first hold", held[0].Kind, BindingKind)
	mustEqual(t, "binds", confirmed.binds(), true)
}

func TestConfirmingABindingBindsAnew(t *testing.T) {
	m := newModel(t, "")
	m.round("Topic/orders")
	other := world{want: "Topic/orders", state: m.state(), binding: Binding{"cluster-1", "repo", "staging", "main"}}
	in := other.input(t)
	in.Have = m.live()
	p := Diff(in)
	p = p.Confirmed(map[Digest]bool{p.Held()[0].Digest: true})
	if _, err := m.runner().Run(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "bound to", m.state().Section("main").Binding.Path, "staging")
}

func TestADeletionWithoutAnAnswerIsTakenForOursWhenItIsGone(t *testing.T) {
	m := newModel(t, "")
	m.round("Topic/orders\nTopic/x")
	m.round("Topic/x")
	m.now = m.now.Add(time.Hour)
	m.events, m.killAt = 0, 6 // four around the intent, two around the delete
	if m.round("Topic/x") || m.things[id(t, orders)] != nil {
		t.Fatal("it was not killed after the delete")
	}
	m.killAt = 0
	m.round("Topic/x\nTopic/orders") // and Git has it again
	m.settled("Topic/x\nTopic/orders")
	if gone := m.state().Section("main").Deleted; len(gone) != 1 {
		t.Errorf("the wipe guard counts %v", gone)
	}
}
