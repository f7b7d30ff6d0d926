package ledger

import (
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/ledgertest"
)

// stood is a table with these items.
func stood(t *testing.T, items ...item) table {
	t.Helper()
	out := table{}
	head, err := itemOf(keyHeader, header{Format: formatName, Version: Version, Cluster: "c"})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range append(items, head) {
		maps.Copy(out, i.parts())
	}
	return out
}

func entryItem(t *testing.T, seq int) item {
	t.Helper()
	e := ledgertest.Accepted(seq)
	e.Seq = seq
	i, err := itemOf(entryKey(seq), e)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func snapshotItem(t *testing.T, seq int) item {
	t.Helper()
	s := reconcile.NewState()
	s.Section("main").Accepted = strconv.Itoa(seq)
	i, err := itemOf(snapshotKey(seq), snapshot{seq, s})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestWhatTheSnapshotHoldsIsNotAskedAgain(t *testing.T) {
	all := stood(t, snapshotItem(t, 2), snapshotItem(t, 5), entryItem(t, 1), entryItem(t, 4), entryItem(t, 5), entryItem(t, 6))
	f, err := all.fold("c")
	if err != nil || f.seq != 6 || f.entries != 1 || f.state.Section("main").Accepted != "6" {
		t.Errorf("%v, %+v", err, f)
	}
	if _, err := stood(t, snapshotItem(t, 5), entryItem(t, 7)).fold("c"); err == nil || !strings.Contains(err.Error(), "entry 7 follows entry 5") {
		t.Errorf("a gap behind the snapshot: %v", err)
	}
}

func TestALongItemIsCutIntoPartsAndPutTogether(t *testing.T) {
	long := item{keyNote + "x", []byte(strings.Repeat("abc", partBytes))}
	all := stood(t, long)
	if len(all) != 4 {
		t.Fatalf("%d records", len(all))
	}
	f, err := all.fold("c")
	if err != nil || string(f.notes["x"]) != string(long.data) {
		t.Errorf("%v, %d bytes", err, len(f.notes["x"]))
	}
	short := all.records(item{keyNote + "x", []byte("y")})
	gone := 0
	for key, value := range short {
		all.put(key, value)
		if value == nil {
			gone++
		}
	}
	if f, err = all.fold("c"); err != nil || string(f.notes["x"]) != "y" || gone != 3 {
		t.Errorf("made shorter: %v, %q, %d parts removed", err, f.notes["x"], gone)
	}
}

func FuzzFoldNeverTakesDamageForAnEmptyLedger(f *testing.F) {
	good, err := json.Marshal(header{Format: formatName, Version: Version, Cluster: "c"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("ledger/0/1", good)
	f.Add("entry/000000000001/0/1", []byte(`{"seq":1}`))
	f.Add("snapshot/000000000001/0/1", []byte(`{"seq":1,"state":{"sections":{"a":null}}}`))
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		for _, all := range []table{{key: value}, {key: item{data: value}.parts()["/0/1"]}} {
			got, err := all.fold("c")
			if err == nil && got.header == nil {
				t.Errorf("%q = %q is taken for nothing", key, value)
			}
		}
	})
}
