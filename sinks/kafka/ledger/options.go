package ledger

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// DefaultTopic is the ledger's where the configuration names no other. Topic,
// consumer group and transactional id have this name.
const DefaultTopic = "__ottla_ledger"

// Options are what a ledger is made of.
type Options struct {
	Topic string
	// Dial opens a client to the cluster; the caller closes it.
	Dial  func(context.Context, ...kgo.Opt) (*kgo.Client, error)
	Agent string // who we are, to people
	Host  string
	Key   string // a print of the key that seals secrets
	// Known is the id of the ledger's topic as this machine saw it last, "" where
	// it never did; Know keeps it.
	Known func() (string, error)
	Know  func(id string) error

	// Import: the ledger is to be moved here, so that one that was moved away is
	// no error.
	Import bool

	Session time.Duration // after which the group takes a silent member for dead; 0 is 6 s
	Hold    time.Duration // that a record of ours lets us write; 0 is 5 s
	Request time.Duration // that one request may take, and so arrive late; 0 is 10 s
	Pause   time.Duration // before the election is tried again; 0 is 3 s
}

const (
	defaultSession = 6 * time.Second // the least that brokers take by default
	defaultHold    = 5 * time.Second
	defaultRequest = 10 * time.Second
	defaultPause   = 3 * time.Second
	// touchEvery is how often an idle leader writes its lease: brokers forget a
	// transactional id after a week.
	touchEvery = 10 * time.Minute
	// readMost is how long reading to the end may take.
	readMost = time.Minute
)

func (o Options) filled() Options {
	o.Topic = cmp.Or(o.Topic, DefaultTopic)
	o.Session, o.Hold = cmp.Or(o.Session, defaultSession), cmp.Or(o.Hold, defaultHold)
	o.Request, o.Pause = cmp.Or(o.Request, defaultRequest), cmp.Or(o.Pause, defaultPause)
	if o.Known == nil {
		o.Known = func() (string, error) { return "", nil }
	}
	if o.Know == nil {
		o.Know = func(string) error { return nil }
	}
	return o
}

var (
	// ErrNotLeading says that this agent may not write: another one leads, or
	// nobody does yet.
	ErrNotLeading = errors.New("this agent does not lead")
	// ErrClosed is returned by a ledger that was closed.
	ErrClosed = errors.New("the ledger is closed")
)
