package gitservers_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/ottla-io/ottla/integration/gitservers"
	"github.com/ottla-io/ottla/sources/git"
)

// TestSoakPushToARealGiteaWakesAndIsFetched pushes to Gitea, which signs each
// delivery in several dialects at once, and sees one of each wake us.
func TestSoakPushToARealGiteaWakesAndIsFetched(t *testing.T) {
	if os.Getenv("OTTLA_SOAK") != "1" {
		t.Skip("building Gitea takes minutes: run with OTTLA_SOAK=1")
	}
	forge := gitservers.Gitea(t)
	remote := gitservers.NewRepo(t)
	forge.Post("/user/repos", map[string]any{"name": "platform", "private": true})
	remote.Git("remote", "set-url", "origin", forge.WithPassword("platform"))

	outcomes := make(chan string, 100)
	hooks := http.NewServeMux()
	server := httptest.NewServer(hooks)
	t.Cleanup(server.Close)
	dialects := []git.Dialect{git.Gitea, git.Forgejo, git.Gogs, git.GitHub}
	for _, d := range dialects {
		h, err := git.NewWebhook(git.HookOptions{
			Name: string(d), Dialect: d, Secret: func() (string, error) { return "s3cret", nil },
			Repositories: []string{forge.URL("platform")}, Refs: []string{git.Ref{Branch: "main"}.Pattern()},
			Poke: func() {}, Count: func(o git.Outcome) { outcomes <- string(d) + " " + string(o) },
		})
		if err != nil {
			t.Fatal(err)
		}
		hooks.Handle("/"+string(d), h)
		forge.Post("/repos/ada/platform/hooks", map[string]any{
			"type": "gitea", "active": true, "events": []string{"push"},
			"config": map[string]string{"url": server.URL + "/" + string(d), "content_type": "json", "secret": "s3cret"},
		})
	}
	want := remote.CommitFile("topics/orders.yaml", "a: 1\n")
	waiting := map[string]bool{}
	for _, d := range dialects {
		waiting[string(d)+" accepted"] = true
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for len(waiting) > 0 {
		select {
		case o := <-outcomes:
			t.Log(o)
			delete(waiting, o)
		case <-ctx.Done():
			t.Fatalf("still waiting for %v", waiting)
		}
	}

	for name, o := range map[string]git.Options{
		"token as password": {Password: func() (string, error) { return forge.Token, nil }},
		"bearer token":      {Token: func() (string, error) { return forge.Token, nil }},
		"user and password": {User: forge.User, Password: func() (string, error) { return forge.Password, nil }},
	} {
		o.URL, o.Dir = forge.URL("platform"), t.TempDir()
		repo, err := git.Open(o)
		if err != nil {
			t.Fatal(err)
		}
		got, err := repo.Follow(git.Ref{Branch: "main"}).Fetch(ctx)
		if err != nil || got.Revision != want {
			t.Errorf("%s: %s %v, want %s", name, got.Revision, err, want)
		}
		if err := repo.Close(); err != nil {
			t.Error(err)
		}
	}
}
