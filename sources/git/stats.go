package git

import (
	"io"
	"sync"
)

// Operation is what a conversation with a remote was for.
type Operation string

// The operations, all that Stats ever names.
const (
	Clone  Operation = "clone"  // nothing was there
	Poll   Operation = "poll"   // asked for what is new, and fetched it
	Deepen Operation = "deepen" // fetched older history to know an ancestry
)

// Traffic counts conversations of one operation and outcome.
type Traffic struct {
	Operation Operation
	Outcome   string // "ok" or "error"
	Requests  int64  // conversations with the remote
	Bytes     int64  // received
}

type trafficKey struct {
	operation Operation
	outcome   string
}

// meter counts; safe for concurrent use.
type meter struct {
	mu    sync.Mutex
	total map[trafficKey]Traffic
}

func (m *meter) add(op Operation, failed bool, bytes int64) {
	key := trafficKey{op, "ok"}
	if failed {
		key.outcome = "error"
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.total[key]
	t.Requests++
	t.Bytes += bytes
	if m.total == nil {
		m.total = map[trafficKey]Traffic{}
	}
	m.total[key] = t
}

// all lists every series, those that never counted too.
func (m *meter) all() []Traffic {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Traffic
	for _, op := range []Operation{Clone, Poll, Deepen} {
		for _, outcome := range []string{"ok", "error"} {
			t := m.total[trafficKey{op, outcome}]
			t.Operation, t.Outcome = op, outcome
			out = append(out, t)
		}
	}
	return out
}

// countingReader counts what passes and stops a transfer that is too large.
type countingReader struct {
	io.Reader
	count func(int)
}

func (r countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.count(n)
	return n, err
}
