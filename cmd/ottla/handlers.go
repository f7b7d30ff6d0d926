package main

import (
	"net/http"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/sources/git"
)

// handlers is what answers on which address.
func (s *shift) handlers() ([]serving, error) {
	c := s.config
	hooks := map[string]http.Handler{}
	for _, hook := range c.Webhooks.Hooks {
		handler, err := s.webhook(hook)
		if err != nil {
			return nil, err
		}
		hooks[hook.Name] = handler
	}
	if c.Webhooks.Listen == "" {
		return []serving{{c.HTTP.Listen, c.HTTP.TLS, s.crew.handler(hooks)}}, nil
	}
	return []serving{
		{c.HTTP.Listen, c.HTTP.TLS, s.crew.handler(nil)},
		{c.Webhooks.Listen, c.Webhooks.TLS, agent.NewHandler(agent.HandlerOptions{Hooks: hooks})},
	}, nil
}

// webhook wakes a poll of one repository, and the rounds.
func (s *shift) webhook(hook agent.HookConfig) (http.Handler, error) {
	r, _ := s.config.Repository(hook.Repository)
	options := git.HookOptions{
		Name: hook.Name, Dialect: git.Dialect(hook.Dialect), Secret: gitSecret(hook.Secret()), User: hook.Username,
		Repositories: []string{r.URL}, Refs: s.patterns(hook.Repository),
		Poke:  func() { s.poke(hook.Repository) },
		Count: func(o git.Outcome) { s.crew.metrics.Hook(hook.Name, string(o)) },
	}
	if !hook.Password().IsZero() {
		options.Secret = gitSecret(hook.Password())
	}
	return git.NewWebhook(options)
}

// patterns are the refs of a repository that syncs follow.
func (s *shift) patterns(repository string) []string {
	var all []string
	for at := range s.sources {
		if pattern := at.ref.Pattern(); at.repository == repository && pattern != "" {
			all = append(all, pattern)
		}
	}
	return all
}

// poke has the repository asked at once; what is new wakes the rounds.
func (h *house) poke(repository string) {
	for at, feed := range h.sources {
		if at.repository == repository {
			feed.Poke()
		}
	}
}
