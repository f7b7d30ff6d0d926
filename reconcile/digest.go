package reconcile

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
)

// digester feeds parts into a hash such that no two lists of parts collide by
// concatenation.
type digester struct{ hash.Hash }

func newDigester() digester { return digester{sha256.New()} }

func (d digester) add(parts ...string) {
	for _, p := range parts {
		_, _ = fmt.Fprintf(d, "%d:%s", len(p), p)
	}
}

func (d digester) value(v Value) { d.add(v.form.String(), v.text) }

func (d digester) sum() Digest { return Digest(hex.EncodeToString(d.Sum(nil)[:6])) }

// Digest identifies what the plan would do: the same work in another revision
// has the same digest. Bookkeeping that touches nothing outside is left out.
func (p Plan) Digest() Digest {
	d := newDigester()
	for _, c := range p.Changes {
		if c.Action == Note {
			continue
		}
		d.change(c, func(FieldChange) bool { return true })
		d.fate(c.Fate)
	}
	for _, u := range p.Unknown {
		d.add("unknown", u.ID.String())
	}
	return d.sum()
}

func (d digester) change(c Change, which func(FieldChange) bool) {
	d.add(c.Cluster, c.ID.String(), string(c.Action), c.UID)
	for _, f := range c.Fields {
		if which(f) {
			d.add(f.Name)
			d.value(f.From)
			d.value(f.To)
		}
	}
}

// fate digests whether, not why: words may change with the clock.
func (d digester) fate(f Fate) {
	d.add(fmt.Sprint(f.Held != "", f.Waiting != "", f.Refused != "", f.Reported != ""))
}

// held tells whether a confirmation would let go of some of the change.
func (c Change) held() bool {
	if c.Fate.blockedFor() || c.Action == Create && slices.ContainsFunc(c.Fields, FieldChange.blocked) {
		return false
	}
	return c.Fate.Held != "" || slices.ContainsFunc(c.Fields, FieldChange.held)
}

func (f FieldChange) blocked() bool { return f.Fate.blockedFor() }

func (f FieldChange) held() bool { return f.Fate.Held != "" && !f.Fate.blockedFor() }

// blockedFor tells a fate that no confirmation can lift.
func (f Fate) blockedFor() bool { return f.Waiting != "" || f.Refused != "" || f.Reported != "" }

// Held lists what a person may confirm: one hold for each held change, one for
// all that are judged together.
func (p Plan) Held() []Hold {
	var holds []Hold
	index := map[string]int{}
	for _, group := range p.heldGroups() {
		hold := Hold{Digest: group.digest()}
		for _, c := range group {
			hold.add(c)
		}
		if at, ok := index[string(hold.Digest)]; ok {
			holds[at].IDs = append(holds[at].IDs, hold.IDs...)
			continue
		}
		index[string(hold.Digest)] = len(holds)
		holds = append(holds, hold)
	}
	return holds
}

type heldGroup []Change

func (p Plan) heldGroups() []heldGroup {
	together := map[string]int{}
	var groups []heldGroup
	for _, c := range p.Changes {
		if !c.held() {
			continue
		}
		at, ok := together[c.Fate.Together]
		if c.Fate.Together == "" || !ok {
			together[c.Fate.Together] = len(groups)
			groups = append(groups, heldGroup{c})
			continue
		}
		groups[at] = append(groups[at], c)
	}
	return groups
}

func (g heldGroup) digest() Digest {
	d := newDigester()
	for _, c := range g {
		d.change(c, func(f FieldChange) bool { return c.Fate.Held != "" || f.held() })
	}
	return d.sum()
}

func (h *Hold) add(c Change) {
	h.IDs = append(h.IDs, c.ID)
	var reasons []string
	if c.Fate.Held != "" {
		reasons = append(reasons, c.Fate.Held)
		h.Words = append(h.Words, fmt.Sprintf("%s %s", c.Action, c.ID))
	}
	for _, f := range c.Fields {
		if f.held() {
			h.Words = append(h.Words, fmt.Sprintf("%s %s", c.ID, f.Line()))
			reasons = append(reasons, f.Fate.Held)
		}
	}
	for _, r := range reasons {
		if !slices.Contains(h.Reasons, r) {
			h.Reasons = append(h.Reasons, r)
		}
	}
}

// Confirmed lets go of what a person confirmed.
func (p Plan) Confirmed(digests map[Digest]bool) Plan {
	free := map[ID]Digest{}
	for _, g := range p.heldGroups() {
		if d := g.digest(); digests[d] {
			for _, c := range g {
				free[c.ID] = d
			}
		}
	}
	return p.each(func(c *Change) {
		d, ok := free[c.ID]
		if !ok || !c.held() {
			return
		}
		c.Confirmed, c.Fate.Held, c.Fate.Together = d, "", ""
		for i := range c.Fields {
			if c.Fields[i].held() {
				c.Fields[i].Fate.Held = ""
			}
		}
	})
}

// each returns a copy of the plan in which every change was given to edit.
func (p Plan) each(edit func(*Change)) Plan {
	p.Changes = slices.Clone(p.Changes)
	for i := range p.Changes {
		p.Changes[i].Fields = slices.Clone(p.Changes[i].Fields)
		edit(&p.Changes[i])
	}
	return p
}
