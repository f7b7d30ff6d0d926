package reconcile

import (
	"testing"
	"time"
)

const restore = "Job/restore"

func bornModel(t testing.TB) *model {
	m := newModel(t, "Topic/orders uid=u\n  config.a = 1")
	m.round("Topic/orders\n  config.a = 1")
	return m
}

func TestOneShotInGitWhenLedgerIsBorn(t *testing.T) {
	want := "Job/restore\n  x = 1"
	for name, prepare := range map[string]func(*model){
		"seen at once":                    func(*model) {},
		"killed after the notes":          func(m *model) { m.killAt = 3; m.round(want); m.killAt = 0 },
		"jobs could not be observed":      func(m *model) { m.unseen(want) },
		"the first look was a scoped one": func(m *model) { m.scoped(want) },
		"it was paused":                   func(m *model) { m.round("Job/restore skip=paused\n  x = 1") },
	} {
		t.Run(name, func(t *testing.T) {
			m := newModel(t, "")
			prepare(m)
			m.round(want)
			m.round(want)
			if len(m.things) != 0 {
				t.Fatal("it was carried out")
			}
			hold := m.diff(want).Held()[0]
			m.Append(t.Context(), Entry{Time: m.now, Sync: "main", Confirm: []Digest{hold.Digest}})
			m.round(want)
			mustEqual(t, "carried out once confirmed", m.created[id(t, restore)], 1)
			m.settled(want)
		})
	}
}

func (m *model) unseen(want string) {
	m.run(world{want: want, unknown: []Unobserved{{ID{Kind: "Job"}, "down"}}})
}
func (m *model) scoped(want string) { m.run(world{want: want, scope: []ID{{"Topic", "x"}}}) }

func (m *model) run(w world) {
	m.t.Helper()
	w.state, w.now = m.state(), m.now
	if _, err := m.runner().Run(m.t.Context(), w.plan(m.t)); err != nil {
		m.t.Fatal(err)
	}
}

func TestAOneShotIsCarriedOutOnceUnderItsName(t *testing.T) {
	m := bornModel(t)
	want := "Topic/orders\n  config.a = 1\nJob/restore\n  x = 1"
	m.round(want)
	m.things[id(t, restore)].Done = true
	m.settled(want)
	delete(m.things, id(t, restore))
	m.settled(want)
	mustEqual(t, "times carried out", m.created[id(t, restore)], 1)
	c := m.diff("Job/restore\n  x = 2").change(restore)
	mustContain(t, "another text under the same name", c.Fate.Held, "the same name was carried out")
}

func TestAnotherTextUnderTheNameOfAFinishedJobIsHeldWhereItsRecordStays(t *testing.T) {
	m := bornModel(t)
	want := "Topic/orders\n  config.a = 1\nJob/restore\n  x = 1"
	m.round(want)
	m.things[id(t, restore)].Done = true
	m.settled(want)
	c := m.diff("Topic/orders\n  config.a = 1\nJob/restore\n  x = 2").change(restore)
	mustContain(t, "another text under the same name", c.Fate.Held, "the same name was carried out")
	mustEqual(t, "times carried out", m.created[id(t, restore)], 1)
}

func TestAOneShotWhoseAnswerWasLostIsNotRunTwice(t *testing.T) {
	want := "Topic/orders\n  config.a = 1\nJob/restore\n  x = 1"
	m := bornModel(t)
	m.events, m.killAt = 0, 6 // four around the intent, two around the start
	if m.round(want) || m.things[id(t, restore)] == nil {
		t.Fatal("it was not killed after the start")
	}
	m.killAt = 0
	m.round(want)
	m.settled(want)
	delete(m.things, id(t, restore)) // it has ended, and its record is swept
	m.settled(want)
	mustEqual(t, "times carried out", m.created[id(t, restore)], 1)
}

func TestALostLedgerLearnsWhatWasCarriedOutFromWhereItsDataIs(t *testing.T) {
	m := newModel(t, "Job/restore done\n  x = 1")
	m.round("Job/restore\n  x = 1")
	m.settled("Job/restore\n  x = 1")
	mustEqual(t, "recorded as", m.state().Section("main").OneShots[id(t, restore)].Seen, false)
}

const claimsOrders = "Topic/orders\n  config.a = 2\nJob/restore claims=Topic/orders\n  x = 1"

func TestClaimHoldsUntilJobIsSeenFinished(t *testing.T) {
	m := bornModel(t)
	m.round("Topic/orders\n  config.a = 1\nJob/restore claims=Topic/orders\n  x = 1")
	for name, unknown := range map[string][]Unobserved{"running": nil, "jobs cannot be observed": {{ID{Kind: "Job"}, "down"}}} {
		in := world{want: claimsOrders, state: m.state(), unknown: unknown}.input(t)
		in.Have = m.live()
		mustContain(t, name, Diff(in).change(orders).Fate.Waiting, "Job/restore works on Topic/orders")
	}
	m.things[id(t, restore)].Done = true
	m.round(claimsOrders)
	m.settled(claimsOrders)
	mustEqual(t, "after the job", m.field(orders, "config.a"), TextOf("2"))
}

func TestAClaimBeginsWithTheIntentOfItsJob(t *testing.T) {
	m := bornModel(t)
	m.events, m.killAt = 0, 3 // right after the intent is durable
	m.round("Topic/orders\n  config.a = 1\nJob/restore claims=Topic/orders\n  x = 1")
	m.killAt = 0
	mustContain(t, "waiting", m.diff(claimsOrders).change(orders).Fate.Waiting, "works on")
	c := m.diff("Topic/orders\n  config.a = 1\nJob/restore claims=Topic/orders\n  x = 1").change(restore)
	mustEqual(t, "the job itself is not in its own way", c.Fate, Fate{})
	m.round("Topic/orders\n  config.a = 2") // the job never began, and nobody declares it
	m.round("Topic/orders\n  config.a = 2")
	m.settled("Topic/orders\n  config.a = 2")
	mustEqual(t, "claims", len(m.state().Section("main").Claims), 0)
}

func TestTwoJobsDoNotWorkOnTheSameThing(t *testing.T) {
	m := bornModel(t)
	m.round("Topic/orders\n  config.a = 1\nJob/restore claims=Topic/orders\n  x = 1")
	c := m.diff("Topic/orders\n  config.a = 1\nJob/restore claims=Topic/orders\n  x = 1\nJob/second claims=Topic/orders\n  x = 1").change("Job/second")
	mustContain(t, "waiting", c.Fate.Waiting, "Job/restore works on Topic/orders")
}

func TestADeletionWaitsForAJobThatTheSameRunStarted(t *testing.T) {
	m := newModel(t, "")
	m.round("Topic/orders\n  config.a = 1\nTopic/x")
	m.round("Topic/x")
	m.now = m.now.Add(time.Hour)
	m.round("Topic/x\nJob/restore claims=Topic/orders\n  x = 1")
	if m.things[id(t, orders)] == nil || m.things[id(t, restore)] == nil {
		t.Error("deleted under the hands of the job, or the job did not start")
	}
}

func TestRemovingTheDocumentMidRunCancelsAndThenFreesTheClaims(t *testing.T) {
	m := bornModel(t)
	m.round("Topic/orders\n  config.a = 1\nJob/restore claims=Topic/orders\n  x = 1")
	m.round("Topic/orders\n  config.a = 1")
	if m.things[id(t, restore)] != nil {
		t.Error("it was not cancelled")
	}
	m.round("Topic/orders\n  config.a = 2")
	m.round("Topic/orders\n  config.a = 2")
	m.settled("Topic/orders\n  config.a = 2")
	mustEqual(t, "after the job", m.field(orders, "config.a"), TextOf("2"))
}

func TestWhoeverIsKeptWaitingIsToldTheNameOfTheJob(t *testing.T) {
	p := world{
		want: "Topic/orders\n  config.a = 2", owned: "Topic/orders\n  config.a = 1",
		have: "Topic/orders\n  config.a = 1\nJob/restore by=night-restore claims=Topic/orders",
	}.plan(t)
	mustContain(t, "waiting", p.change(orders).Fate.Waiting, "night-restore works on")
	mustEqual(t, "confirmable", len(p.Held()), 0)
}
