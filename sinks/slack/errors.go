package slack

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/slack-go/slack"

	"github.com/ottla-io/ottla/sinks"
)

// inWords makes an error that says what to do and never holds the secret: a
// webhook's URL is one, and Go's HTTP client puts URLs into its errors.
func inWords(err error, secret string) error {
	if err == nil {
		return nil
	}
	var limited *slack.RateLimitedError
	if errors.As(err, &limited) {
		return &sinks.RetryAfter{After: limited.RetryAfter, Err: fmt.Errorf("slack asks to wait %s", limited.RetryAfter)}
	}
	var answer slack.SlackErrorResponse
	if errors.As(err, &answer) {
		return fmt.Errorf("slack answers %s%s", answer.Err, colon(answerHint(answer.Err)))
	}
	var status slack.StatusCodeError
	if errors.As(err, &status) {
		return fmt.Errorf("slack answers %d %s%s", status.Code, http.StatusText(status.Code), colon(statusHint(status.Code)))
	}
	return &failure{reach(err, secret)}
}

// failure keeps what is behind an error for errors.Is.
type failure struct{ err error }

func (f *failure) Error() string { return "reach slack: " + f.err.Error() }

// Unwrap returns the error behind it.
func (f *failure) Unwrap() error { return f.err }

// reach leaves out the address of what could not be reached.
func reach(err error, secret string) error {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	if secret != "" && strings.Contains(err.Error(), secret) {
		return errors.New("the request failed")
	}
	return err
}

func colon(hint string) string {
	if hint == "" {
		return ""
	}
	return ": " + hint
}

// answerHint says what an error of the Web API means for an operator
// (https://docs.slack.dev/reference/methods/chat.postMessage).
func answerHint(code string) string {
	switch code {
	case "invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive":
		return "the bot token is not valid: install the app again and replace the token"
	case "channel_not_found":
		return "no such channel, or a private one that the bot was not invited to"
	case "not_in_channel":
		return "invite the bot to the channel"
	case "is_archived":
		return "the channel is archived"
	case "missing_scope", "no_permission":
		return "the bot needs the scope chat:write"
	case "restricted_action", "ekm_access_denied":
		return "the workspace does not let this bot post there"
	case "msg_too_long", "msg_blocks_too_long":
		return "the message is too long"
	}
	return ""
}

// statusHint says what an answer of an incoming webhook means
// (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).
func statusHint(code int) string {
	switch code {
	case http.StatusForbidden:
		return "the webhook may not post there: it was revoked, or the channel does not allow it"
	case http.StatusNotFound:
		return "the webhook or its channel is gone: make a new one"
	case http.StatusGone:
		return "the webhook's channel is archived"
	case http.StatusBadRequest:
		return "the message was not understood"
	}
	return ""
}
