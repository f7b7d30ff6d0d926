package reconcile

import (
	"slices"
	"testing"
)

func TestAdoptionTakesNothingAway(t *testing.T) {
	c := world{
		want: "Topic/orders\n  partitions = 3\n  config.a = 1",
		have: "Topic/orders uid=u1\n  partitions = 3\n  config.a = 2\n  config.b = 7\n  default config.c = 5",
	}.plan(t).change(orders)
	mustEqual(t, "action", c.Action, Update)
	if !c.Notes.Adopt || c.UID != "u1" {
		t.Errorf("not adopted by its id: %+v", c)
	}
	mustEqual(t, "fields changed", len(c.Fields), 1)
	mustEqual(t, "why", c.field("config.a").Why, Adopted)
	mustEqual(t, "keys left alone", len(c.Notes.Alone), 1)
	mustEqual(t, "the key left alone", c.Notes.Alone["config.b"], TextOf("7"))
}

func TestAdoptedAccessAndQuotasAreLeftAlone(t *testing.T) {
	m := newModel(t, "AclSet/User:bob\n  allow|old = \nQuotaEntity/user=bob\n  burst = 5")
	m.round("AclSet/User:bob\n  allow|new = \nQuotaEntity/user=bob\n  rate = 1")
	m.settled("AclSet/User:bob\n  allow|new = \nQuotaEntity/user=bob\n  rate = 1")
	mustEqual(t, "the ACL that was there", m.field(bob, "allow|old"), TextOf(""))
	mustEqual(t, "the quota that was there", m.field("QuotaEntity/user=bob", "burst"), TextOf("5"))
}

func TestWhatAppearsLaterOnAnOwnedThingIsDrift(t *testing.T) {
	f := world{
		want: "Topic/orders\n  partitions = 3", owned: "Topic/orders\n  partitions = 3",
		have: "Topic/orders\n  partitions = 3\n  config.a = 7",
	}.plan(t).change(orders).field("config.a")
	mustEqual(t, "why", f.Why, Drifted)
	mustEqual(t, "to", f.To, UnsetValue())
}

func TestLeftAloneLastsUntilGitNamesIt(t *testing.T) {
	have, owned := "Topic/orders\n  config.a = 7", "Topic/orders\n  alone config.a = 7"
	if p := (world{want: "Topic/orders", have: have, owned: owned}).plan(t); len(p.Changes) != 0 {
		t.Errorf("it is touched:\n%s", p.dump())
	}
	f := world{want: "Topic/orders\n  config.a = 9", have: have, owned: owned}.plan(t).change(orders).field("config.a")
	mustEqual(t, "why, once Git names it", f.Why, Declared)
}

// Declared with the value it has, a key left alone becomes ours: it is reset
// when it leaves Git again.
func TestDeclaringWhatWasLeftAloneMakesItOurs(t *testing.T) {
	m := newModel(t, "Topic/orders uid=u\n  partitions = 1\n  config.a = 7")
	m.round("Topic/orders\n  partitions = 1")
	m.round("Topic/orders\n  partitions = 1\n  config.a = 7")
	m.settled("Topic/orders\n  partitions = 1\n  config.a = 7")
	m.round("Topic/orders\n  partitions = 1")
	mustEqual(t, "the key after it left Git", m.field(orders, "config.a"), UnsetValue())
}

func TestNullThatLeavesGitBecomesLeftAlone(t *testing.T) {
	m := newModel(t, "")
	m.round("Topic/orders\n  partitions = 1\n  config.a = 7")
	m.round("Topic/orders\n  partitions = 1\n  config.a = null")
	m.settled("Topic/orders\n  partitions = 1\n  config.a = null")
	m.round("Topic/orders\n  partitions = 1")
	m.settled("Topic/orders\n  partitions = 1")
	mustEqual(t, "the key", m.field(orders, "config.a"), TextOf("7"))
}

func TestDeclaredNullFollowsWhateverIsSetByHand(t *testing.T) {
	want := "Topic/orders\n  partitions = 1\n  config.a = null"
	m := newModel(t, "")
	m.round(want)
	m.things[id(t, orders)].Fields["config.a"] = TextOf("9")
	m.round(want)
	m.settled(want)
	m.settled("Topic/orders\n  partitions = 1")
	mustEqual(t, "the key", m.field(orders, "config.a"), TextOf("9"))
}

func TestALineThatLeavesGitIsResetToTheDefault(t *testing.T) {
	m := newModel(t, "")
	m.round("Topic/orders\n  partitions = 1\n  config.a = 7")
	m.round("Topic/orders\n  partitions = 1")
	m.settled("Topic/orders\n  partitions = 1")
	mustEqual(t, "the key", m.field(orders, "config.a"), UnsetValue())
}

func TestALineLeftOutDeclaresNothing(t *testing.T) {
	f := world{
		want: "Topic/orders", owned: "Topic/orders created\n  config.retention.ms = 900",
		have: "Topic/orders\n  config.retention.ms = 900\n  default config.retention.ms = 100",
	}.plan(t).change(orders).field("config.retention.ms")
	mustContain(t, "held", f.Fate.Held, "a line left out declares nothing")
}

func TestIgnoredFieldsAreNotCompared(t *testing.T) {
	p := world{
		want:  "Topic/orders ignore=config.a,config.b,config.c\n  config.a = 1",
		have:  "Topic/orders\n  config.a = 2\n  config.b = 3",
		owned: "Topic/orders\n  config.a = 1\n  config.c = 4",
	}.plan(t)
	if len(p.Changes) != 0 {
		t.Errorf("they are compared:\n%s", p.dump())
	}
}

func TestADeclaredDefaultThatIsNotSetIsNoDifference(t *testing.T) {
	have := "Topic/orders\n  default config.a = 5\n  default config.retention.ms = 5"
	p := world{want: "Topic/orders\n  config.a = 5", have: have, owned: "Topic/orders\n  config.a = 5"}.plan(t)
	mustEqual(t, "changes", len(p.Changes), 0)
	p = world{want: "Topic/orders\n  config.retention.ms = 5", have: have, owned: "Topic/orders"}.plan(t)
	mustEqual(t, "a key that keeps data is set all the same", len(p.batched()), 1)
}

func TestAdoptionNeedsAWholeLook(t *testing.T) {
	p := world{want: "Topic/orders\n  config.a = 1", have: "Topic/orders part\n  config.a = 2"}.plan(t)
	if len(p.Batches(nil, 1)) != 0 {
		t.Errorf("adopted from a part:\n%s", p.dump())
	}
}

func TestAFieldThatWasNotLookedAtIsNotPlanned(t *testing.T) {
	p := world{
		want: "Topic/orders\n  config.a = 1\n  config.n = null", have: "Topic/orders part",
		owned: "Topic/orders\n  config.a = 2\n  config.b = 2\n  config.n = 3\n  alone config.c = 1",
	}.plan(t)
	mustEqual(t, "changes", len(p.Changes), 0)
}

func TestReadoptionKeepsWhatAnnotationsSaid(t *testing.T) {
	m := newModel(t, "Topic/orders uid=u1\n  partitions = 1")
	m.round("Topic/orders keep\n  partitions = 1")
	m.things[id(t, orders)].UID = "u2"
	m.round("Topic/orders keep\n  partitions = 1")
	if own := m.state().Section("main").Owned[id(t, orders)]; own.UID != "u2" || !own.Marks.Keep {
		t.Errorf("owned as %+v", own)
	}
}

func TestWhyIsAskedInItsOrder(t *testing.T) {
	for name, c := range map[string]struct {
		last, live, git string
		why             Reason
	}{
		"history unknown":            {"unknown", "1", "2", Adopted},
		"live moved":                 {"2", "1", "2", Drifted},
		"both moved":                 {"3", "1", "2", Conflict},
		"Git moved":                  {"1", "1", "2", Declared},
		"live was reset":             {"2", "default", "2", Drifted},
		"history unknown, same live": {"unknown", "default", "2", Adopted},
	} {
		t.Run(name, func(t *testing.T) {
			f := world{
				want: "Topic/orders\n  config.a = " + c.git, have: "Topic/orders\n  config.a = " + c.live, owned: "Topic/orders\n  config.a = " + c.last,
			}.plan(t).change(orders).field("config.a")
			mustEqual(t, "why", f.Why, c.why)
		})
	}
}

func TestIrreversibleGoesOnlyWhereACommitDeclaresIt(t *testing.T) {
	for name, c := range map[string]struct {
		last string
		held bool
	}{"declared": {"900", false}, "drifted": {"100", true}, "conflict": {"500", true}, "unknown": {"unknown", true}} {
		t.Run(name, func(t *testing.T) {
			p := world{
				want:  "Topic/orders\n  config.retention.ms = 100\n  config.a = 1",
				have:  "Topic/orders\n  config.retention.ms = 900",
				owned: "Topic/orders\n  config.retention.ms = " + c.last,
			}.plan(t)
			f := p.change(orders).field("config.retention.ms")
			mustEqual(t, "irreversible", f.Irreversible, true)
			mustEqual(t, "held", f.Fate.Held != "", c.held)
			mustEqual(t, "the other fields go on", slices.Contains(p.batched()[0:1], "update Topic/orders config.a"), c.held)
		})
	}
}

func TestIrreversibleHealIsHeld(t *testing.T) {
	m := newModel(t, "")
	want := "Topic/orders\n  config.retention.ms = 100"
	m.round(want)
	m.things[id(t, orders)].Fields["config.retention.ms"] = TextOf("900")
	m.round(want)
	mustEqual(t, "what somebody raised in the night", m.field(orders, "config.retention.ms"), TextOf("900"))
	mustEqual(t, "holds", len(m.diff(want).Held()), 1)
	m.round("Topic/orders\n  config.retention.ms = 900") // committing the live value makes it moot
	m.settled("Topic/orders\n  config.retention.ms = 900")
}

func TestConfirmIrreversibleAlsoHoldsWhatACommitDeclares(t *testing.T) {
	p := world{
		want: "Topic/orders\n  config.retention.ms = 100", have: "Topic/orders\n  config.retention.ms = 900", owned: "Topic/orders\n  config.retention.ms = 900",
	}.plan(t).Guarded(ConfirmIrreversible)
	mustContain(t, "held", p.change(orders).field("config.retention.ms").Fate.Held, "confirm: irreversible")
}

func TestARefusedStepDoesNotStopTheOthers(t *testing.T) {
	p := world{
		want: "Topic/orders\n  partitions = 1\n  config.a = 1", have: "Topic/orders\n  partitions = 3", owned: "Topic/orders\n  partitions = 3",
	}.plan(t)
	mustContain(t, "refused", p.change(orders).field("partitions").Fate.Refused, "only grow")
	if got := p.batched(); len(got) != 1 || got[0] != "update Topic/orders config.a" {
		t.Errorf("goes ahead: %q", got)
	}
}
