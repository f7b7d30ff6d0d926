package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
)

var (
	// errNewer is no damage: the way out is another one.
	errNewer = errors.New("was written by a newer version")
	errParts = errors.New("a part of it is missing")
)

// keyError is what is wrong with the record of a key.
type keyError struct {
	key string
	err error
}

func (e *keyError) Error() string { return fmt.Sprintf("record %s: %v", e.key, e.err) }
func (e *keyError) Unwrap() error { return e.err }

// Error is a ledger that cannot be used, and the way out, for people.
type Error struct {
	Err  error
	Hint string
}

// Error is what is wrong, without the way out.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the error behind it.
func (e *Error) Unwrap() error { return e.Err }

func damaged(topic string, err error) error {
	hint := "nothing is written meanwhile; restore the topic from a copy; or delete it and run `ottla ledger rebuild`: everything declared is adopted anew, and nothing will be deleted"
	if errors.Is(err, errNewer) {
		hint = "run a version of ottla at least as new as the one that wrote it"
	}
	return &Error{Err: fmt.Errorf("the ledger in topic %s is damaged: %w", topic, err), Hint: hint}
}

// folded is a topic that was read.
type folded struct {
	header  *header // nil in a topic that was never written
	lease   *Lease
	state   *reconcile.State
	seq     int
	from    int               // the last entry that is in the snapshot
	entries int               // behind it
	bytes   int               // of them
	base    int               // of the snapshot
	notes   map[string][]byte // by name
}

// fold takes what stands in the table. It is never taken for empty, unless the
// table is.
func (t table) fold(cluster string) (folded, error) {
	f := folded{state: reconcile.NewState(), notes: map[string][]byte{}}
	if len(t) == 0 {
		return f, nil
	}
	all, err := t.whole()
	if err != nil {
		return f, err
	}
	if err := f.head(all, cluster); err != nil {
		return f, err
	}
	keys := slices.Sorted(maps.Keys(all))
	for _, key := range keys {
		if name, ok := strings.CutPrefix(key, keyNote); ok {
			f.notes[name] = all[key]
		}
	}
	if err := f.snapshot(keys, all); err != nil {
		return f, err
	}
	for _, key := range keys {
		if strings.HasPrefix(key, keyEntry) {
			if err := f.entry(key, all[key]); err != nil {
				return f, &keyError{key, err}
			}
		}
	}
	return f, nil
}

func (f *folded) head(all map[string][]byte, cluster string) error {
	data, ok := all[keyHeader]
	if !ok {
		return errors.New("it holds records, and no header")
	}
	f.header = &header{}
	if err := json.Unmarshal(data, f.header); err != nil {
		return &keyError{keyHeader, err}
	}
	if err := f.header.check(cluster); err != nil {
		return err
	}
	if data, ok := all[keyLease]; ok {
		f.lease = &Lease{}
		if err := json.Unmarshal(data, f.lease); err != nil {
			return &keyError{keyLease, err}
		}
	}
	return nil
}

// snapshot takes the newest. Older ones, and entries that are in it, are left to
// a reader who was away while brokers dropped the word that they are gone.
func (f *folded) snapshot(keys []string, all map[string][]byte) error {
	var found []string
	for _, key := range keys {
		if strings.HasPrefix(key, keySnapshot) {
			found = append(found, key)
		}
	}
	if len(found) == 0 {
		return nil
	}
	newest := found[len(found)-1]
	var s snapshot
	if err := json.Unmarshal(all[newest], &s); err != nil {
		return &keyError{newest, err}
	}
	if newest != snapshotKey(s.Seq) || !s.State.Whole() {
		return &keyError{newest, errors.New("it is no snapshot")}
	}
	f.seq, f.state, f.base, f.from = s.Seq, s.State, len(all[newest]), s.Seq
	return nil
}

func (f *folded) entry(key string, data []byte) error {
	var e reconcile.Entry
	if err := json.Unmarshal(data, &e); err != nil {
		return err
	}
	if e.Seq <= f.from && key == entryKey(e.Seq) {
		return nil // it is in the snapshot
	}
	if e.Seq != f.seq+1 || key != entryKey(e.Seq) {
		return fmt.Errorf("entry %d follows entry %d", e.Seq, f.seq)
	}
	f.seq = e.Seq
	f.state.Fold(e)
	f.entries++
	f.bytes += len(data)
	return nil
}
