package reconcile

import (
	"errors"
	"fmt"
	"testing"
)

const unownedThings = `
Topic/theirs uid=t1
  partitions = 1
  config.a = 1
AclSet/User:eve
  deny|topic|* = 
`

const haveBefore = unownedThings + `
Topic/orders uid=o1
  partitions = 3
  config.max = 7
Topic/old uid=o2
  partitions = 1
AclSet/User:bob
  allow|theirs = 
`

// The first revision; the model carries it out before the crash.
const revision1 = `
Topic/orders
  partitions = 3
  config.a = 1
  config.b = 2
Topic/made
  partitions = 1
AclSet/User:bob
  allow|read = 
AclSet/User:carol
  allow|read = 
QuotaEntity/user=bob
  rate = 10
`

// The second: creates, updates, resets, deletes and unsets.
const revision2 = `
Topic/orders
  partitions = 6
  config.a = 9
Topic/new
  partitions = 2
  config.c = 3
ScramCredential/dan
  password = secret:x
  iterations = 4096
AclSet/User:bob
  allow|write = 
AclSet/User:dan needs=ScramCredential/dan
  allow|read = 
QuotaEntity/user=bob
  rate = 20
  burst = 5
`

// The third takes back much of what the second did.
const revision3 = `
Topic/orders
  partitions = 6
AclSet/User:bob
  allow|read = 
`

// prepared is a cluster after the first revision, with no grace to wait for.
func prepared(t testing.TB) *model {
	m := newModel(t, haveBefore)
	topic := m.rules["Topic"]
	topic.Grace = 0
	m.rules["Topic"] = topic
	m.round(revision1)
	m.round(revision1)
	m.settled(revision1)
	return m
}

// crashes runs the second revision, killed at one event later each time, and
// then after.
func crashes(t *testing.T, after func(*testing.T, *model)) {
	for at := 1; ; at++ {
		finished := false
		t.Run(fmt.Sprintf("event %d", at), func(t *testing.T) {
			m := prepared(t)
			m.events, m.killAt = 0, at
			finished = m.round(revision2)
			m.killAt = 0
			after(t, m)
		})
		if finished {
			if at < 40 {
				t.Fatalf("only %d places to die at", at)
			}
			return
		}
	}
}

func unharmed(t *testing.T, m *model) {
	t.Helper()
	mustEqual(t, "theirs", m.field("Topic/theirs", "config.a"), TextOf("1"))
	mustEqual(t, "eve", m.field("AclSet/User:eve", "deny|topic|*"), TextOf(""))
	mustEqual(t, "what was left alone of bob", m.field(bob, "allow|theirs"), TextOf(""))
	mustEqual(t, "what was left alone of orders", m.field(orders, "config.max"), TextOf("7"))
	if m.things[ID{"Topic", "old"}] == nil {
		t.Error("a topic that nobody owned is gone")
	}
	for id, n := range m.created {
		if n > 1 {
			t.Errorf("%s was created %d times", id, n)
		}
	}
}

func TestACrashAnywhereSettlesInOneFurtherRound(t *testing.T) {
	crashes(t, func(t *testing.T, m *model) {
		m.round(revision2)
		m.settled(revision2)
		unharmed(t, m)
		for name, want := range map[[2]string]string{
			{orders, "partitions"}: "6", {orders, "config.a"}: "9", {"Topic/new", "config.c"}: "3",
			{"QuotaEntity/user=bob", "rate"}: "20", {"QuotaEntity/user=bob", "burst"}: "5", {bob, "allow|write"}: "",
		} {
			mustEqual(t, fmt.Sprint(name), m.field(name[0], name[1]), TextOf(want))
		}
		mustEqual(t, "the reset key", m.field(orders, "config.b"), UnsetValue())
		mustEqual(t, "the revoked ACL", m.field(bob, "allow|read"), UnsetValue())
		if m.things[ID{"Topic", "made"}] != nil || m.things[ID{"AclSet", "User:carol"}] != nil {
			t.Error("what left Git is still there")
		}
		if open := m.state().Section("main").Pending; len(open) > 0 {
			t.Errorf("intents left open: %v", open)
		}
	})
}

// The next revision may no longer declare what the crash left behind: nothing
// stays granted that nobody owns.
func TestACrashBeforeAnotherRevisionLeavesNothingUnowned(t *testing.T) {
	crashes(t, func(t *testing.T, m *model) {
		m.round(revision3)
		m.round(revision3)
		m.settled(revision3)
		unharmed(t, m)
		owned := m.state().Section("main").Owned
		for id, l := range m.things {
			if id.Name == "theirs" || id.Name == "old" || id.Name == "User:eve" {
				continue
			}
			if owned[id] == nil {
				t.Errorf("%s lives and nobody owns it", id)
			}
			if m.rules[id.Kind].Bag && id.Name != "User:bob" {
				t.Errorf("%s still holds %v", id, l.Fields)
			}
		}
		mustEqual(t, "what the crashed revision granted", m.field(bob, "allow|write"), UnsetValue())
		mustEqual(t, "what the newest grants", m.field(bob, "allow|read"), TextOf(""))
		mustEqual(t, "what the crashed revision set", m.field(orders, "config.a"), UnsetValue())
	})
}

// A crash is no drift: whatever it left behind, the next revision is judged as
// a commit.
func TestACrashIsNeverTakenForDrift(t *testing.T) {
	crashes(t, func(t *testing.T, m *model) {
		for _, want := range []string{revision2, revision3} {
			for _, c := range m.diff(want).Changes {
				if c.ID == id(t, "Topic/new") || c.ID.Kind == "ScramCredential" {
					continue // found without an answer: adopted
				}
				for _, f := range c.Fields {
					if f.Why != Declared {
						t.Errorf("%s %s is %s", c.ID, f.Name, f.Why)
					}
				}
			}
		}
	})
}

func TestWhatIsNotJournaledIsNotDone(t *testing.T) {
	m := newModel(t, unownedThings)
	m.broken = errors.New("disk full")
	_, err := m.runner().Run(t.Context(), m.diff(revision2))
	if !errors.Is(err, m.broken) {
		t.Errorf("run ended with %v", err)
	}
	mustEqual(t, "things in the cluster", len(m.things), 2)
}
