package main

import (
	"fmt"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/pagerduty"
	"github.com/ottla-io/ottla/sinks/slack"
)

// notifiersOf makes everybody who is told. Nothing is sent yet.
func notifiersOf(c *agent.Config) ([]sinks.Notifier, error) {
	var all []sinks.Notifier
	for _, s := range c.Notify.Slack {
		n, err := slack.New(slack.Options{
			Name: s.Name, WebhookURL: slackSecret(s.WebhookURL()), Token: slackSecret(s.Token()), Channel: s.Channel, APIURL: s.APIURL,
		})
		if err != nil {
			return nil, fmt.Errorf("notifier %s: %w", s.Name, err)
		}
		all = append(all, n)
	}
	return all, nil
}

// toldBySlack and toldByPagerDuty make those whom the document of a validation
// has told of its results.
func toldBySlack(webhook func() (string, error)) (sinks.Notifier, error) {
	return slack.New(slack.Options{Name: "slack", WebhookURL: webhook})
}

func toldByPagerDuty(host, severity string, key func() (string, error)) (sinks.Notifier, error) {
	return pagerduty.New(pagerduty.Options{Name: "pagerduty", RoutingKey: key, Severity: severity, URL: "https://" + host})
}

func slackSecret(s agent.Secret) func() (string, error) {
	if s.IsZero() {
		return nil
	}
	return s.Read
}
