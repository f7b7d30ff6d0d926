package reconcile

import (
	"strings"
	"testing"
)

func TestColoursOnlyColour(t *testing.T) {
	p := heldRetention.plan(t)
	var plain, coloured strings.Builder
	p.Text(&plain, Style{})
	mark := func(s string) string { return "\x1b[1m" + s + "\x1b[0m" }
	p.Text(&coloured, Style{Create: mark, Update: mark, Delete: mark, Held: mark, Refused: mark, Dim: mark, Bold: mark})
	if coloured.String() == plain.String() {
		t.Error("nothing is coloured")
	}
	mustEqual(t, "without colours", strings.NewReplacer("\x1b[1m", "", "\x1b[0m", "").Replace(coloured.String()), plain.String())
}

func TestLinesAreForMessages(t *testing.T) {
	p := world{
		want:  "Topic/orders\n  config.retention.ms = 100\n  config.a = 1\nTopic/gone\n  partitions = 1\nAclSet/User:bob\n  allow|r = ",
		have:  "Topic/orders\n  config.retention.ms = 900\n  config.a = 2\nAclSet/User:bob\n  allow|w = ",
		owned: "Topic/orders\n  config.retention.ms = 100\n  config.a = 1\nTopic/gone\nAclSet/User:bob",
	}.plan(t)
	for name, want := range map[string]string{
		orders:       "config.a: 2 → 1, drift | config.retention.ms: 900 → 100, drift; held: somebody changed it by hand, perhaps on purpose: older records are deleted",
		"Topic/gone": "create Topic/gone, drift; held: deleted by hand: what is created now is empty (set recreate: true on the sync to allow it always)",
		bob:          "allow|r added, declared | allow|w removed, drift",
	} {
		mustEqual(t, name, strings.Join(p.change(name).Lines(), " | "), want)
	}
}

func TestSummaryCountsWhatExitCodesNeed(t *testing.T) {
	p := world{
		want:  "Topic/new\nTopic/orders\n  config.retention.ms = 100\n  config.a = 1\nTopic/adopt\n  partitions = 2\nTopic/small\n  partitions = 1",
		have:  "Topic/orders\n  config.retention.ms = 900\n  config.a = 2\nTopic/adopt\n  partitions = 1\nTopic/small\n  partitions = 3\nTopic/old uid=u1\nTopic/just",
		owned: "Topic/orders\n  config.retention.ms = 100\n  config.a = 1\nTopic/small\n  partitions = 3\nTopic/just created\n" + deletable, unknown: []Unobserved{{ID{Kind: "AclSet"}, "x"}},
	}.plan(t)
	s := p.Summary()
	mustEqual(t, "summary", s, Summary{Create: 1, Change: 2, Delete: 1, Held: 1, Waiting: 1, Refused: 1, Unknown: 1, Adopted: 1, Drifted: 1})
	mustEqual(t, "line", s.String(), "Plan: 1 to create, 2 to change, 1 to delete; 1 held, 1 refused, 1 waiting, 1 unknown.")
	mustEqual(t, "pending", s.Pending(), true)
	mustEqual(t, "partial", s.Partial(), true)
	mustEqual(t, "nothing pending", Summary{Unknown: 1}.Pending() || Summary{Adopted: 3}.Partial(), false)
}

func TestLargeNumbersAreReadForPeople(t *testing.T) {
	for _, c := range [][3]string{
		{"config.retention.ms", "604800000", "7d"}, {"config.retention.ms", "5400000", "90min"}, {"config.retention.ms", "1001", ""},
		{"config.retention.ms", "-1", "no limit"}, {"config.segment.bytes", "1073741824", "1 GiB"}, {"config.segment.bytes", "1000", ""},
		{"partitions", "604800000", ""}, {"config.retention.ms", "9223372036854775807", ""}, {"config.retention.ms", "secret", ""},
	} {
		mustEqual(t, c[0]+" "+c[1], meaning(c[0], c[1]), c[2])
	}
}

func TestVerboseShowsTheBookkeeping(t *testing.T) {
	p := world{want: "Topic/orders\n  config.a = 1", have: "Topic/orders\n  config.a = 1", owned: "Topic/orders\n  config.a = 2\n  config.b = 1"}.plan(t)
	mustContain(t, "verbose", p.dump(), "settled: config.a")
	mustContain(t, "verbose", p.dump(), "no longer remembered: config.b")
}
