// Package sinks is what is written to: clusters as sets of kinds, and the
// people who are told. The rooms below it each meet one outside system.
package sinks

import (
	"context"
	"time"
)

// Severity says how loud an incident is.
type Severity string

// The severities.
const (
	Info    Severity = "info"
	Warning Severity = "warning"
	Error   Severity = "error"
)

// Incident is something people should know, with a beginning and an end. It
// holds only what may be printed: secrets are masked before it is made.
type Incident struct {
	Key      string    `json:"key"` // stable over restarts: "drift/production/Topic/orders"
	Severity Severity  `json:"severity"`
	Cluster  string    `json:"cluster,omitempty"`
	Sync     string    `json:"sync,omitempty"`
	Title    string    `json:"title"`           // one line
	Lines    []string  `json:"lines,omitempty"` // field, from → to, why; what to do next
	Revision string    `json:"revision,omitempty"`
	Author   string    `json:"author,omitempty"`
	Subject  string    `json:"subject,omitempty"` // of the commit
	Since    time.Time `json:"since"`
	Resolved time.Time `json:"resolved,omitzero"`
	Reminder bool      `json:"reminder,omitempty"` // said before, still so
}

// Event is one thing to tell about an incident. Thread is what this notifier
// returned when it first told of it; "" the first time.
type Event struct {
	Incident Incident
	Thread   string
}

// Notifier tells people. Implementations are safe for concurrent use, give up
// when the context does, and never put an address or token into an error.
type Notifier interface {
	// Name is how the configuration calls it.
	Name() string
	// Notify returns the thread to continue, "" where the service has none.
	// A RetryAfter error says when to try again.
	Notify(context.Context, Event) (thread string, err error)
}

// RetryAfter is a refusal with a time to try again.
type RetryAfter struct {
	After time.Duration
	Err   error
}

// Error is the refusal's text.
func (e *RetryAfter) Error() string { return e.Err.Error() }

// Unwrap returns the error behind it.
func (e *RetryAfter) Unwrap() error { return e.Err }
