package journal_test

import (
	"testing"

	"github.com/ottla-io/ottla/agent/journal"
	"github.com/ottla-io/ottla/reconcile/ledgertest"
)

func TestAFileIsNotBegunWhereTheLedgerIsInATopic(t *testing.T) {
	dir := t.TempDir()
	if err := journal.SetTopic(dir, "production", "id-1"); err != nil {
		t.Fatal(err)
	}
	if id, err := journal.Topic(dir, "production"); err != nil || id != "id-1" {
		t.Errorf("%q, %v", id, err)
	}
	_, err := journal.Open(dir, "production")
	wantError(t, err, "is in a topic of the cluster")
	if err := journal.SetTopic(dir, "production", ""); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
}

func TestALedgerThatIsWrittenIsTheOneThatIsOpened(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	j := open(t, from)
	add(t, j, created(1)...)
	want := asJSON(t, replay(t, j))
	if err := journal.Write(to, "production", replay(t, j), j.Seq()); err != nil {
		t.Fatal(err)
	}
	moved := open(t, to)
	if got := asJSON(t, replay(t, moved)); got != want || moved.Seq() != 2 {
		t.Errorf("%d: %s, want %s", moved.Seq(), got, want)
	}
	ledgertest.Add(t, moved, accepted(3))
	_ = moved.Close()
	if state, seq, err := journal.Read(to, "production"); err != nil || seq != 3 || state.Section("main").Accepted != "3" {
		t.Errorf("%d, %v", seq, err)
	}
	if err := journal.Retire(to, "production"); err != nil {
		t.Fatal(err)
	}
	if there, err := journal.InFile(to, "production"); err != nil || there {
		t.Errorf("%t, %v", there, err)
	}
}
