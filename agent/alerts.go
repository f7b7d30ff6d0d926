package agent

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ottla-io/ottla/sinks"
)

// staleAfter is how long the end of an incident is worth telling to a notifier
// that cannot be reached.
const staleAfter = 24 * time.Hour

// AlertsOptions are what Alerts are made of.
type AlertsOptions struct {
	File string // where open incidents survive a restart
	// Shelves are where those of a cluster are kept that several agents keep, by
	// its name. Until Take this agent says nothing of it.
	Shelves   map[string]Shelf
	Notifiers []sinks.Notifier
	Reminder  time.Duration // an incident that goes on is told again after this; 0 is an hour
	Drain     time.Duration // how long Run goes on telling after its context ended; 0 is 5 s
	Log       *zap.Logger
	// Told is called after each try to tell, for the metrics. It may be nil.
	Told func(notifier string, err error)
}

// Alerts keeps incidents from their beginning to their end and tells each
// notifier of them in its own time: what is raised here is remembered, and a
// notifier that is slow, limited or down holds up neither a round nor another
// notifier. Its methods are safe for concurrent use and do not wait.
type Alerts struct {
	o     AlertsOptions
	mu    sync.Mutex
	open  map[string]*alert
	seq   int
	wakes map[string]chan struct{} // by notifier
	dirty chan struct{}
	taken map[string][]byte // what lies on the shelves of clusters that we lead
}

// Shelf keeps open incidents for whoever leads next.
type Shelf interface {
	Load() []byte
	Save([]byte) error
}

// alert is an incident, and who knows of it.
type alert struct {
	Incident sinks.Incident    `json:"incident"`
	Seq      int               `json:"seq"`
	Said     time.Time         `json:"said"` // when it was last made known
	By       map[string]*heard `json:"by"`   // by notifier
}

// heard is what one notifier knows.
type heard struct {
	Thread  string         `json:"thread,omitempty"`
	Pending bool           `json:"pending,omitempty"` // there is something new to tell
	Loudest sinks.Severity `json:"loudest,omitempty"` // that was told
	turn    int            // counts what there was to tell, to notice news while telling
}

// NewAlerts returns alerts that remember what was open. Nothing is told before
// Run. A file that cannot be read costs a second telling, and is logged.
func NewAlerts(o AlertsOptions) *Alerts {
	if o.Reminder == 0 {
		o.Reminder = time.Hour
	}
	if o.Drain == 0 {
		o.Drain = 5 * time.Second
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	a := &Alerts{o: o, open: map[string]*alert{}, wakes: map[string]chan struct{}{}, dirty: make(chan struct{}, 1), taken: map[string][]byte{}}
	for _, n := range o.Notifiers {
		a.wakes[n.Name()] = make(chan struct{}, 1)
	}
	if err := a.load(); err != nil {
		o.Log.Error("open incidents could not be read: what goes on is told again", zap.String("file", o.File), zap.Error(err))
	}
	return a
}

// Raise makes an incident known. One that is known already is told again only
// if it says something else; one that comes resolved is told once.
func (a *Alerts) Raise(i sinks.Incident) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.raise(i)
	a.changed()
}

func (a *Alerts) raise(i sinks.Incident) {
	if !a.ours(i.Cluster) {
		return
	}
	known, ok := a.open[i.Key]
	switch {
	case !ok:
		a.begin(i)
	case !known.Incident.Resolved.IsZero() && i.Resolved.IsZero():
		// It is back before its end was told everywhere: the same thread goes on.
		a.update(known, i, true)
	case !same(known.Incident, i):
		i.Since = known.Incident.Since
		a.update(known, i, false)
	}
	a.forget(a.open[i.Key])
}

func (a *Alerts) begin(i sinks.Incident) {
	if i.Since.IsZero() {
		i.Since = time.Now()
	}
	a.seq++
	al := &alert{Incident: i, Seq: a.seq, Said: time.Now(), By: map[string]*heard{}}
	for name := range a.wakes {
		al.By[name] = &heard{Pending: true}
	}
	a.open[i.Key] = al
	a.log(i)
}

// log tells the log what notifiers are told, so that an agent without any
// notifier still says what is held, refused and healed.
func (a *Alerts) log(i sinks.Incident) {
	fields := []zap.Field{zap.String("incident", i.Title), zap.Strings("lines", i.Lines), zap.String("revision", i.Revision)}
	switch {
	case !i.Resolved.IsZero():
		a.o.Log.Info("incident is over", fields...)
	case i.Severity == sinks.Error:
		a.o.Log.Error("incident", fields...)
	case i.Severity == sinks.Warning:
		a.o.Log.Warn("incident", fields...)
	default:
		a.o.Log.Info("incident", fields...)
	}
}

// update tells those who can change what they wrote. To the others a new
// message is due only where it became louder, came back, or is over.
func (a *Alerts) update(al *alert, i sinks.Incident, back bool) {
	if back || !i.Resolved.IsZero() || rank(i.Severity) > rank(al.Incident.Severity) {
		a.log(i)
	}
	al.Incident = i
	for _, h := range al.By {
		louder := rank(i.Severity) > rank(h.Loudest)
		if h.Thread != "" || louder || back || !i.Resolved.IsZero() {
			h.Pending = true
			h.turn++
		}
	}
}

func same(a, b sinks.Incident) bool {
	return a.Title == b.Title && a.Severity == b.Severity && a.Revision == b.Revision &&
		a.Resolved.Equal(b.Resolved) && slices.Equal(a.Lines, b.Lines)
}

func rank(s sinks.Severity) int {
	return slices.Index([]sinks.Severity{sinks.Info, sinks.Warning, sinks.Error}, s)
}

// Resolve ends an incident. The lines, if given, take the place of its own.
func (a *Alerts) Resolve(key string, lines ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.resolve(key, lines)
	a.changed()
}

func (a *Alerts) resolve(key string, lines []string) {
	al, ok := a.open[key]
	if !ok || !al.Incident.Resolved.IsZero() {
		return
	}
	i := al.Incident
	i.Resolved, i.Reminder = time.Now(), false
	if len(lines) > 0 {
		i.Lines = lines
	}
	a.update(al, i, false)
	a.forget(al)
}

// Sync makes the list all there is under a prefix: what is in it is raised,
// what is open under the prefix and no longer in it is resolved.
func (a *Alerts) Sync(prefix string, firing []sinks.Incident) {
	a.mu.Lock()
	defer a.mu.Unlock()
	still := map[string]bool{}
	for _, i := range firing {
		still[i.Key] = true
		a.raise(i)
	}
	for key := range a.open {
		if strings.HasPrefix(key, prefix) && !still[key] {
			a.resolve(key, nil)
		}
	}
	a.changed()
}

// Firing lists what goes on, by key.
func (a *Alerts) Firing() []sinks.Incident {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []sinks.Incident
	for _, al := range a.open {
		if al.Incident.Resolved.IsZero() {
			out = append(out, al.Incident)
		}
	}
	slices.SortFunc(out, func(x, y sinks.Incident) int { return strings.Compare(x.Key, y.Key) })
	return out
}

// changed wakes whoever waits; a wake that finds one waiting is the same wake.
func (a *Alerts) changed() {
	for _, w := range a.wakes {
		poke(w)
	}
	poke(a.dirty)
}

func poke(w chan struct{}) {
	select {
	case w <- struct{}{}:
	default:
	}
}

// forget drops an incident that is over once everybody knows.
func (a *Alerts) forget(al *alert) {
	if al.Incident.Resolved.IsZero() {
		return
	}
	for _, h := range al.By {
		if h.Pending {
			return
		}
	}
	delete(a.open, al.Incident.Key)
}

// remind makes what has gone on for long pending again and returns when the
// next one is due.
func (a *Alerts) remind(now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	next := a.o.Reminder
	for key, al := range a.open {
		if end := al.Incident.Resolved; !end.IsZero() {
			if now.Sub(end) > staleAfter {
				delete(a.open, key)
			}
			continue
		}
		if due := al.Said.Add(a.o.Reminder).Sub(now); due > 0 {
			next = min(next, due)
			continue
		}
		al.Said, al.Incident.Reminder = now, true
		for _, h := range al.By {
			h.Pending = true
			h.turn++
		}
		a.changed()
	}
	return next
}

// Run tells until the context ends, and then, for as long as Drain, what is
// not told yet; the rest is kept for the next start.
func (a *Alerts) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, n := range a.o.Notifiers {
		t := newTeller(a, n)
		all.Go(func() { t.run(ctx) })
	}
	all.Go(func() { a.runReminders(ctx) })
	a.runSaves(ctx)
	all.Wait()
	a.save()
}

func (a *Alerts) runReminders(ctx context.Context) {
	for {
		timer := time.NewTimer(a.remind(time.Now()))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

func (a *Alerts) runSaves(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.dirty:
			a.save()
		}
	}
}
