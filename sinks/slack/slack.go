// Package slack tells people in Slack, by an incoming webhook or by a bot
// token. With a token an incident is one message that is kept up to date, with
// its reminders and its end in the thread; a webhook can only post anew.
//
// When to tell, and again after an error, is the agent's business.
package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/ottla-io/ottla/sinks"
)

// timeout is how long Slack may take for one answer.
const timeout = 10 * time.Second

// Options say where to write. WebhookURL or Token is set; they are read at
// each use, so that a rotated one works without a restart.
type Options struct {
	Name       string
	WebhookURL func() (string, error)
	Token      func() (string, error)
	Channel    string // with Token: a channel's id or name
	APIURL     string // "" is Slack's own
	HTTP       *http.Client
}

// Notifier is one channel.
type Notifier struct{ o Options }

var _ sinks.Notifier = (*Notifier)(nil)

// New returns a notifier. Nothing is sent yet.
func New(o Options) (*Notifier, error) {
	if (o.WebhookURL == nil) == (o.Token == nil) {
		return nil, errors.New("slack: give an incoming webhook or a bot token")
	}
	if o.Token != nil && o.Channel == "" {
		return nil, errors.New("slack: a bot token needs a channel")
	}
	if o.APIURL == "" {
		o.APIURL = slack.APIURL
	}
	if !strings.HasSuffix(o.APIURL, "/") {
		o.APIURL += "/"
	}
	if o.HTTP == nil {
		// A redirect would carry the message, or the token, elsewhere.
		o.HTTP = &http.Client{Timeout: timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	return &Notifier{o}, nil
}

// Name is how the configuration calls it.
func (n *Notifier) Name() string { return n.o.Name }

// Notify tells of an incident. The thread it returns is "channel/timestamp";
// a webhook has none.
func (n *Notifier) Notify(ctx context.Context, e sinks.Event) (string, error) {
	if n.o.WebhookURL != nil {
		url, err := n.o.WebhookURL()
		if err != nil {
			return "", fmt.Errorf("slack webhook: %w", err)
		}
		text, body := message(e.Incident)
		err = slack.PostWebhookCustomHTTPContext(ctx, url, n.o.HTTP, &slack.WebhookMessage{Text: text, Attachments: body})
		return "", inWords(err, url)
	}
	token, err := n.o.Token()
	if err != nil {
		return "", fmt.Errorf("slack token: %w", err)
	}
	api := slack.New(token, slack.OptionAPIURL(n.o.APIURL), slack.OptionHTTPClient(n.o.HTTP))
	thread, err := n.tell(ctx, api, e)
	return thread, inWords(err, token)
}

// tell posts the first message, or goes on in its thread. Where the message
// was deleted by somebody, it begins anew.
func (n *Notifier) tell(ctx context.Context, api *slack.Client, e sinks.Event) (string, error) {
	channel, ts, ok := strings.Cut(e.Thread, "/")
	if !ok {
		return n.post(ctx, api, e.Incident)
	}
	err := follow(ctx, api, channel, ts, e.Incident)
	if gone(err) {
		return n.post(ctx, api, e.Incident)
	}
	return e.Thread, err
}

func (n *Notifier) post(ctx context.Context, api *slack.Client, i sinks.Incident) (string, error) {
	channel, ts, err := api.PostMessageContext(ctx, n.o.Channel, options(i)...)
	if err != nil {
		return "", err
	}
	return channel + "/" + ts, nil
}

// follow brings the first message up to date, and says in its thread what
// deserves a notification of its own.
func follow(ctx context.Context, api *slack.Client, channel, ts string, i sinks.Incident) error {
	first := i
	first.Reminder = false
	if _, _, _, err := api.UpdateMessageContext(ctx, channel, ts, options(first)...); err != nil {
		return err
	}
	if !i.Reminder && i.Resolved.IsZero() {
		return nil
	}
	_, _, err := api.PostMessageContext(ctx, channel, append(options(i), slack.MsgOptionTS(ts))...)
	return err
}

func options(i sinks.Incident) []slack.MsgOption {
	text, body := message(i)
	return []slack.MsgOption{slack.MsgOptionText(text, false), slack.MsgOptionAttachments(body...),
		slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl()}
}

// gone tells that the message of a thread is no longer there.
func gone(err error) bool {
	var answer slack.SlackErrorResponse
	if !errors.As(err, &answer) {
		return false
	}
	switch answer.Err {
	case "message_not_found", "thread_not_found", "cant_update_message", "edit_window_closed":
		return true
	}
	return false
}
