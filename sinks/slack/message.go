package slack

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"github.com/ottla-io/ottla/sinks"
)

const (
	// maxTitle and maxBody stay far below what Slack cuts off by itself.
	maxTitle = 300
	maxBody  = 3000
	maxHash  = 12
)

// message is the incident as a headline and what stands below it.
func message(i sinks.Incident) (string, []slack.Attachment) {
	var body strings.Builder
	if len(i.Lines) > 0 {
		body.WriteString("```" + clip(i.Lines) + "```")
	}
	return headline(i), []slack.Attachment{{
		Color: color(i), Text: body.String(), Footer: footer(i), MarkdownIn: []string{"text"},
		Fallback: escape(shorten(i.Title, maxTitle)),
	}}
}

func headline(i sinks.Incident) string {
	title := escape(shorten(i.Title, maxTitle))
	switch {
	case !i.Resolved.IsZero():
		title = ":white_check_mark: Resolved: " + title
		if i.Resolved.Sub(i.Since) >= time.Second {
			title += fmt.Sprintf(" (after %s)", i.Resolved.Sub(i.Since).Round(time.Second))
		}
	case i.Reminder:
		title = fmt.Sprintf("%s Still: %s (since %s)", emoji(i.Severity), title, i.Since.UTC().Format("2006-01-02 15:04 MST"))
	default:
		title = emoji(i.Severity) + " " + title
	}
	return title
}

func emoji(s sinks.Severity) string {
	switch s {
	case sinks.Error:
		return ":red_circle:"
	case sinks.Warning:
		return ":warning:"
	default:
		return ":information_source:"
	}
}

func color(i sinks.Incident) string {
	switch {
	case !i.Resolved.IsZero():
		return "good"
	case i.Severity == sinks.Error:
		return "danger"
	case i.Severity == sinks.Warning:
		return "warning"
	default:
		return "#439FE0"
	}
}

// footer says where and by which commit.
func footer(i sinks.Incident) string {
	var parts []string
	if i.Cluster != "" {
		parts = append(parts, "cluster "+i.Cluster)
	}
	if i.Sync != "" {
		parts = append(parts, "sync "+i.Sync)
	}
	if i.Revision != "" {
		parts = append(parts, shorten(i.Revision, maxHash))
	}
	if i.Author != "" {
		parts = append(parts, shorten(i.Author, maxTitle))
	}
	if i.Subject != "" {
		parts = append(parts, shorten(i.Subject, maxTitle))
	}
	return escape(strings.Join(parts, " · "))
}

// clip joins lines up to the limit and says how many are left out. Three
// backticks would end the block they stand in.
func clip(lines []string) string {
	var b strings.Builder
	for n, line := range lines {
		line = escape(strings.ReplaceAll(shorten(line, maxBody/2), "```", "'''"))
		if b.Len()+len(line) > maxBody {
			fmt.Fprintf(&b, "… and %d more lines", len(lines)-n)
			break
		}
		b.WriteString(line + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// escape keeps names and subjects from being read as links or mentions
// (https://docs.slack.dev/messaging/formatting-message-text#escaping).
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
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
