package pagerduty

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ottla-io/ottla/sinks"
)

// What PagerDuty takes at most
// (https://developer.pagerduty.com/docs/events-api-v2-overview); the text stays
// far below it.
const (
	maxTitle = 1000
	maxKey   = 255
	maxBody  = 8000
)

// event is what the Events API v2 takes.
type event struct {
	RoutingKey string   `json:"routing_key"`
	Action     string   `json:"event_action"` // trigger | resolve
	DedupKey   string   `json:"dedup_key"`
	Client     string   `json:"client,omitempty"`
	Payload    *payload `json:"payload,omitempty"` // of a trigger
}

type payload struct {
	Summary   string  `json:"summary"`
	Source    string  `json:"source"`
	Severity  string  `json:"severity"`
	Timestamp string  `json:"timestamp,omitempty"`
	Class     string  `json:"class,omitempty"`
	Group     string  `json:"group,omitempty"`
	Details   details `json:"custom_details"`
}

type details struct {
	Text     string `json:"text,omitempty"`
	Sync     string `json:"sync,omitempty"`
	Revision string `json:"revision,omitempty"`
	Author   string `json:"author,omitempty"`
	Subject  string `json:"subject,omitempty"`
}

func (n *Notifier) event(key string, i sinks.Incident) event {
	e := event{RoutingKey: key, Action: "resolve", DedupKey: dedup(i.Key)}
	if !i.Resolved.IsZero() {
		return e
	}
	class, _, _ := strings.Cut(i.Key, "/")
	e.Action, e.Client = "trigger", "Ottla"
	e.Payload = &payload{
		Summary: shorten(i.Title, maxTitle), Source: "ottla", Severity: n.severity(i.Severity), Timestamp: i.Since.UTC().Format(time.RFC3339), Class: class, Group: i.Cluster,
		Details: details{shorten(strings.Join(i.Lines, "\n"), maxBody), i.Sync, i.Revision, shorten(i.Author, maxTitle), shorten(i.Subject, maxTitle)},
	}
	if i.Cluster != "" {
		e.Payload.Source = "Kafka cluster " + i.Cluster
	}
	return e
}

// severity is the configured one, or as loud as the incident.
func (n *Notifier) severity(s sinks.Severity) string {
	if n.o.Severity != "" {
		return n.o.Severity
	}
	return string(s) // the names are the same
}

// dedup is the key by which PagerDuty joins what belongs together. A long one is
// replaced by its digest: cut off, two could be the same.
func dedup(key string) string {
	key = "ottla/" + key
	if len(key) <= maxKey {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return "ottla/" + hex.EncodeToString(sum[:])
}

// shorten cuts at a rune.
func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit] + "…"
}
