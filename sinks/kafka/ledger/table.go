package ledger

import (
	"maps"
	"slices"
	"strings"
)

// table is what compaction leaves of the topic: the newest value of each key.
type table map[string][]byte

// put takes one record; without a value its key is gone.
func (t table) put(key string, value []byte) {
	if value == nil {
		delete(t, key)
		return
	}
	t[key] = value
}

// records are an item's records, and the removal of those that stood under its
// key before.
func (t table) records(items ...item) map[string][]byte {
	out := map[string][]byte{}
	for _, i := range items {
		for key := range t {
			if strings.HasPrefix(key, i.key+"/") {
				out[key] = nil
			}
		}
		if i.data != nil {
			maps.Copy(out, i.parts())
		}
	}
	return out
}

// whole is what stands in the table, by key, put together and checked. Damage
// is told with its key.
func (t table) whole() (map[string][]byte, error) {
	type gathered struct{ parts [][]byte }
	all := map[string]*gathered{}
	for _, full := range slices.Sorted(maps.Keys(t)) {
		key, n, of, err := splitKey(full)
		if err != nil {
			return nil, err
		}
		data, err := open(t[full])
		if err != nil {
			return nil, &keyError{full, err}
		}
		g := all[key]
		if g == nil {
			g = &gathered{make([][]byte, of)}
			all[key] = g
		}
		if len(g.parts) != of {
			return nil, &keyError{full, errParts}
		}
		g.parts[n] = data
	}
	out := map[string][]byte{}
	for key, g := range all {
		if slices.ContainsFunc(g.parts, func(p []byte) bool { return p == nil }) {
			return nil, &keyError{key, errParts}
		}
		out[key] = slices.Concat(g.parts...)
	}
	return out, nil
}
