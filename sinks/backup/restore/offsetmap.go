package restore

import "sort"

// Map is the exact map of offsets of one source partition into one target
// partition. It holds one pair for each stretch that is dense on both sides,
// in ascending order.
type Map struct {
	Source          string `json:"source"`
	Target          string `json:"target"`
	Partition       int32  `json:"partition"`
	TargetPartition int32  `json:"targetPartition"`
	Pairs           []Pair `json:"pairs,omitempty"`
	// End is the offset behind all that was restored into the target partition.
	End int64 `json:"end"`
}

// Pair says that source offsets [From, From+Count) are [To, To+Count).
type Pair struct {
	From  int64 `json:"from"`
	To    int64 `json:"to"`
	Count int64 `json:"count"`
}

// Of maps a committed offset: to that of the next record there is at or behind
// it, or to End, and false, where there is none.
func (m Map) Of(offset int64) (int64, bool) {
	i := sort.Search(len(m.Pairs), func(i int) bool { return m.Pairs[i].From+m.Pairs[i].Count > offset })
	if i == len(m.Pairs) {
		return m.End, false
	}
	p := m.Pairs[i]
	return p.To + max(0, offset-p.From), true
}

// add goes on with a pair behind all others, as part of the last one where both
// sides go on without a hole.
func (m *Map) add(p Pair) {
	if n := len(m.Pairs); n > 0 {
		if last := &m.Pairs[n-1]; last.From+last.Count == p.From && last.To+last.Count == p.To {
			last.Count += p.Count
			return
		}
	}
	m.Pairs = append(m.Pairs, p)
}
