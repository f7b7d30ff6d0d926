package work

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"gocloud.dev/blob"
)

// plank is a shelf in memory.
type plank struct {
	on   map[string][]byte
	fail error
}

func (p *plank) Names() []string         { return slices.Sorted(maps.Keys(p.on)) }
func (p *plank) Load(name string) []byte { return p.on[name] }

func (p *plank) Save(_ context.Context, name string, data []byte) error {
	if p.fail != nil {
		return p.fail
	}
	if p.on[name] = data; data == nil {
		delete(p.on, name)
	}
	return nil
}

func TestRecordsOnAShelfAreThereForTheNextMachine(t *testing.T) {
	p := &plank{on: map[string][]byte{}}
	here, there := shelved(p), shelved(p)
	if list(t, there) != "" {
		t.Error("it does not begin empty")
	}
	if err := here.WriteAll(t.Context(), "jobs/a", []byte("one"), &blob.WriterOptions{IfNotExist: true}); err != nil {
		t.Fatal(err)
	}
	if got := list(t, there); got != "jobs/a=one;" {
		t.Errorf("the next machine finds %q", got)
	}
	if err := there.WriteAll(t.Context(), "jobs/a", []byte("two"), &blob.WriterOptions{IfNotExist: true}); err == nil {
		t.Error("it was overwritten")
	}
	p.fail = errors.New("another agent leads")
	if err := here.WriteAll(t.Context(), "jobs/b", []byte("x"), nil); err == nil {
		t.Error("what is not kept was written")
	}
	if got := list(t, here); got != "jobs/a=one;" {
		t.Errorf("what was not kept is there: %q", got)
	}
}

func list(t *testing.T, b *blob.Bucket) string {
	t.Helper()
	out := ""
	for it := b.List(nil); ; {
		o, err := it.Next(t.Context())
		if err != nil {
			return out
		}
		data, err := b.ReadAll(t.Context(), o.Key)
		if err != nil {
			t.Fatal(err)
		}
		out += o.Key + "=" + string(data) + ";"
	}
}
