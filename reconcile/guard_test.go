package reconcile

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

var limits = WipeLimits{Topics: 5, Percent: 20, TopicKind: "Topic"}

func topics(n int, prefix, rest string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "Topic/%s%d%s\n", prefix, i, rest)
	}
	return b.String()
}

func TestWipeGuardHoldsTooManyDeletions(t *testing.T) {
	for name, c := range map[string]struct {
		stay, goes int
		held       bool
	}{
		"a few of many":      {100, 5, false},
		"more than five":     {100, 6, true},
		"more than a fifth":  {7, 2, true},
		"one of a small lot": {2, 1, false},
		"all of them":        {0, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			stay, goes := topics(c.stay, "stay", ""), topics(c.goes, "go", " created missing=1h")
			p := world{want: stay + "AclSet/x", have: stay + topics(c.goes, "go", ""), owned: stay + goes}.plan(t).Guarded(Wipe(limits))
			mustEqual(t, "held", p.Summary().Held, map[bool]int{true: c.goes}[c.held])
			if c.held {
				mustEqual(t, "holds", len(p.Held()), 1)
			}
		})
	}
}

func TestWipeGuardLetsTheRestGoOn(t *testing.T) {
	p := world{
		want: "Topic/new\n  partitions = 1", have: topics(6, "go", ""), owned: topics(6, "go", " created missing=1h"),
	}.plan(t).Guarded(Wipe(limits))
	if got := p.batched(); len(got) != 1 || got[0] != "create Topic/new partitions" {
		t.Errorf("goes ahead: %q", got)
	}
}

func TestWipeGuardCountsTheLastHour(t *testing.T) {
	stay := topics(100, "stay", "")
	w := world{want: stay, have: stay + topics(2, "go", ""), owned: stay + topics(2, "go", " created missing=1h")}
	for ago, held := range map[time.Duration]int{59 * time.Minute: 2, 61 * time.Minute: 0} {
		in := w.input(t)
		for i := range 4 {
			in.State.Section("main").Deleted = append(in.State.Section("main").Deleted, Deleted{ID: ID{"Topic", fmt.Sprint(i)}, Time: noon.Add(-ago)})
		}
		mustEqual(t, fmt.Sprintf("held, four gone %s ago", ago), Diff(in).Guarded(Wipe(limits)).Summary().Held, held)
	}
}

func TestWipeGuardCountsFromTheLedgerAlsoInAScopedLook(t *testing.T) {
	stay := topics(100, "stay", "")
	p := world{
		want: stay, have: "Topic/go0", owned: stay + topics(6, "go", " created missing=1h"), scope: []ID{{"Topic", "go0"}},
	}.plan(t).Guarded(Wipe(limits))
	mustEqual(t, "held", p.Summary().Held, 1)
}

func TestWipeGuardCountsUnsetFieldsOfBags(t *testing.T) {
	var acls strings.Builder
	for i := range 30 {
		fmt.Fprintf(&acls, "  allow|%d = \n", i)
	}
	w := world{want: "Topic/x\nAclSet/User:bob\n  allow|0 = \n", have: "AclSet/User:bob\n" + acls.String(), owned: "AclSet/User:bob\n" + acls.String()}
	p := w.plan(t).Guarded(Wipe(limits))
	mustEqual(t, "writes", len(p.batched()), 1) // the topic
	mustEqual(t, "holds", len(p.Held()), 1)
	p = p.Confirmed(map[Digest]bool{p.Held()[0].Digest: true})
	mustEqual(t, "writes once confirmed", len(p.batched()), 2)
}

func TestWipeGuardCountsFieldsUnsetWithinTheHour(t *testing.T) {
	have, want := "AclSet/User:bob\n", "Topic/x\nAclSet/User:bob\n"
	for i := range 60 {
		have += fmt.Sprintf("  allow|%d = \n", i)
		if i >= 8 {
			want += fmt.Sprintf("  allow|%d = \n", i)
		}
	}
	in := world{want: want, have: have, owned: have}.input(t)
	mustEqual(t, "held", Diff(in).Guarded(Wipe(limits)).Summary().Held, 0)
	in.State.Section("main").Deleted = []Deleted{{ID: ID{"AclSet", "User:eve"}, Time: noon, Fields: 10}}
	mustEqual(t, "held after ten more", Diff(in).Guarded(Wipe(limits)).Summary().Held, 1)
}

func TestPutBackDriftIsNoWipe(t *testing.T) {
	have := "AclSet/User:bob\n"
	for i := range 30 {
		have += fmt.Sprintf("  allow|%d = \n", i)
	}
	p := world{want: "AclSet/User:bob\n  allow|0 = ", have: have, owned: "AclSet/User:bob\n  allow|0 = "}.plan(t).Guarded(Wipe(limits))
	mustEqual(t, "held", p.Summary().Held, 0)
}

func TestARevisionThatDeclaresNothingDeletesNothing(t *testing.T) {
	p := world{have: "Topic/a\nAclSet/User:bob\n  allow|x = ", owned: "Topic/a created missing=1h\nAclSet/User:bob\n  allow|x = "}.plan(t).Guarded(Wipe(WipeLimits{100, 100, "Topic"}))
	mustEqual(t, "writes", len(p.batched()), 0)
	mustContain(t, "held", p.change("Topic/a").Fate.Held, "declares nothing at all")
}

func TestProtectedPrincipalsAreNeverChanged(t *testing.T) {
	protect := Protect(func(id ID) string {
		if id.Name == "User:bob" {
			return "bob is the agent's own principal"
		}
		return ""
	})
	p := world{want: "AclSet/User:bob\n  allow|a = \nAclSet/User:eve\n  allow|a = "}.plan(t).Guarded(protect)
	if got := p.batched(); len(got) != 1 || got[0] != "update AclSet/User:eve allow|a" {
		t.Errorf("goes ahead: %q", got)
	}
}

func TestPreservedTopicsKeepTheirData(t *testing.T) {
	p := world{
		want: "Topic/orders\n  config.retention.ms = 1\n  config.a = 1", have: "Topic/orders\n  config.retention.ms = 9", owned: "Topic/orders\n  config.retention.ms = 9",
	}.plan(t).Guarded(Preserve(func(ID) string { return "protected" }))
	if got := p.batched(); len(got) != 1 || got[0] != "update Topic/orders config.a" {
		t.Errorf("goes ahead: %q", got)
	}
}

func TestWhatTheBrokerRefusesIsNotConfirmable(t *testing.T) {
	w := world{want: "Topic/orders\n  config.a = 1\n  config.b = 1", owned: "Topic/orders created"}
	p := w.plan(t).Judged([]Verdict{{ID: id(t, orders), Field: "config.a", Refused: "INVALID_CONFIG"}, {ID: id(t, "Topic/other"), Refused: "x"}})
	mustEqual(t, "holds", len(p.Held()), 0)
	mustEqual(t, "writes", len(p.batched()), 0)
	p = world{want: w.want}.plan(t).Judged([]Verdict{{ID: id(t, orders), Risk: "others lose access"}})
	mustEqual(t, "risk", p.change(orders).Risk, "others lose access")
	mustEqual(t, "writes", len(p.batched()), 1)
}
