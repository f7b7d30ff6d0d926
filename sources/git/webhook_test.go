package git_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ottla-io/ottla/sources/git"
)

const (
	hookSecret   = "canary-webhook-secret"
	signingToken = "whsec_Y2FuYXJ5LXNpZ25pbmcta2V5LW9mLTMyLWJ5dGVzIQ=="
)

func hexMAC(key, body string) string {
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte(body))
	return hex.EncodeToString(m.Sum(nil))
}

// forge is one dialect as its forge speaks it.
type forge struct {
	dialect git.Dialect
	secret  string
	body    func(repo, ref string) string
	sign    func(r *http.Request, secret, body string)
}

func header(event, kind, name, prefix string) func(*http.Request, string, string) {
	return func(r *http.Request, secret, body string) {
		r.Header.Set(event, kind)
		r.Header.Set(name, prefix+hexMAC(secret, body))
	}
}

func githubBody(repo, ref string) string {
	return fmt.Sprintf(`{"ref":%q,"after":"1","repository":{"clone_url":%q,"ssh_url":"git@elsewhere.example:x/y.git"}}`, ref, repo)
}

func standardSign(at time.Time) func(*http.Request, string, string) {
	return func(r *http.Request, secret, body string) {
		key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		stamp := strconv.FormatInt(at.Unix(), 10)
		sum, _ := hex.DecodeString(hexMAC(string(key), "id-1."+stamp+"."+body))
		r.Header.Set("X-Gitlab-Event", "Push Hook")
		r.Header.Set("webhook-id", "id-1")
		r.Header.Set("webhook-timestamp", stamp)
		r.Header.Set("webhook-signature", "v1,AAAA v1,"+base64.StdEncoding.EncodeToString(sum))
	}
}

func gitlabBody(repo, ref string) string {
	return fmt.Sprintf(`{"object_kind":"push","ref":%q,"project":{"git_http_url":%q}}`, ref, repo)
}

func forges() map[string]forge {
	return map[string]forge{
		"github":  {git.GitHub, hookSecret, githubBody, header("X-GitHub-Event", "push", "X-Hub-Signature-256", "sha256=")},
		"gitea":   {git.Gitea, hookSecret, githubBody, header("X-Gitea-Event", "push", "X-Gitea-Signature", "")},
		"forgejo": {git.Forgejo, hookSecret, githubBody, header("X-Forgejo-Event", "push", "X-Forgejo-Signature", "")},
		"gogs":    {git.Gogs, hookSecret, githubBody, header("X-Gogs-Event", "push", "X-Gogs-Signature", "")},
		"gitlab token": {git.GitLab, hookSecret, gitlabBody, func(r *http.Request, secret, _ string) {
			r.Header.Set("X-Gitlab-Event", "Push Hook")
			r.Header.Set("X-Gitlab-Token", secret)
		}},
		"gitlab signing token": {git.GitLab, signingToken, gitlabBody, func(r *http.Request, secret, body string) {
			standardSign(time.Now())(r, secret, body)
		}},
		"bitbucket cloud": {git.Bitbucket, hookSecret, func(repo, ref string) string {
			return fmt.Sprintf(`{"push":{"changes":[{"new":null,"old":{"type":"branch","name":"gone"}},{"new":{"type":"branch","name":%q}}]},"repository":{"links":{"html":{"href":%q}}}}`,
				strings.TrimPrefix(ref, "refs/heads/"), repo)
		}, header("X-Event-Key", "repo:push", "X-Hub-Signature", "sha256=")},
		"bitbucket server": {git.Bitbucket, hookSecret, func(repo, ref string) string {
			return fmt.Sprintf(`{"changes":[{"ref":{"id":%q}}],"repository":{"links":{"clone":[{"href":"ssh://git@host:7999/x/y.git"},{"href":%q}]}}}`, ref, repo)
		}, header("X-Event-Key", "repo:refs_changed", "X-Hub-Signature", "sha256=")},
		"azuredevops": {git.AzureDevOps, hookSecret, func(repo, ref string) string {
			return fmt.Sprintf(`{"eventType":"git.push","resource":{"refUpdates":[{"name":%q}],"repository":{"remoteUrl":%q}}}`, ref, repo)
		}, func(r *http.Request, secret, _ string) { r.SetBasicAuth("ottla", secret) }},
		"generic": {git.Generic, hookSecret, func(repo, ref string) string {
			return fmt.Sprintf(`{"repository":%q,"ref":%q}`, repo, ref)
		}, header("X-Anything", "push", "X-Signature", "sha256=")},
	}
}

// hook is a webhook under test and what it did.
type hook struct {
	http.Handler
	mu       sync.Mutex
	pokes    int
	outcomes []git.Outcome
}

func newHook(t testing.TB, f forge) *hook {
	t.Helper()
	h := &hook{}
	handler, err := git.NewWebhook(git.HookOptions{
		Name: "platform", Dialect: f.dialect, User: "ottla", Secret: constant(f.secret),
		Repositories: []string{"git@git.example.com:team/platform.git"}, Refs: []string{git.Ref{Branch: "main"}.Pattern()},
		Poke:  func() { h.mu.Lock(); h.pokes++; h.mu.Unlock() },
		Count: func(o git.Outcome) { h.mu.Lock(); h.outcomes = append(h.outcomes, o); h.mu.Unlock() },
	})
	if err != nil {
		t.Fatal(err)
	}
	h.Handler = handler
	return h
}

func constant(s string) git.SecretFunc { return func() (string, error) { return s, nil } }

func (h *hook) deliver(r *http.Request) (int, git.Outcome, int) {
	before := h.pokes
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, h.outcomes[len(h.outcomes)-1], h.pokes - before
}

func request(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/webhook/platform", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

func TestSignedDeliveryOfEveryDialectWakesOnce(t *testing.T) {
	for name, f := range forges() {
		t.Run(name, func(t *testing.T) {
			h := newHook(t, f)
			body := f.body("https://git.example.com/Team/platform", "refs/heads/main")
			r := request(body)
			f.sign(r, f.secret, body)
			if code, outcome, pokes := h.deliver(r); code != 202 || outcome != git.HookAccepted || pokes != 1 {
				t.Fatalf("%d %s, %d pokes", code, outcome, pokes)
			}
			if f.dialect == git.Generic {
				return // its body is the same for every push
			}
			again := request(body)
			f.sign(again, f.secret, body)
			if code, outcome, pokes := h.deliver(again); code != 202 || outcome != git.HookReplayed || pokes != 0 {
				t.Fatalf("replayed: %d %s, %d pokes", code, outcome, pokes)
			}
		})
	}
}

func TestForgedDeliveryOfEveryDialectWakesNobody(t *testing.T) {
	for name, f := range forges() {
		t.Run(name, func(t *testing.T) {
			h := newHook(t, f)
			body := f.body("https://git.example.com/team/platform", "refs/heads/main")
			unsigned := request(body)
			other := request(body)
			f.sign(other, signingToken[:40]+"AAA=", body)
			changed := request(strings.Replace(body, "main", "mian", 1))
			f.sign(changed, f.secret, body)
			basic := request(body)
			basic.SetBasicAuth("somebody", hookSecret)
			sha1 := request(body)
			sha1.Header.Set("X-GitHub-Event", "push")
			sha1.Header.Set("X-Event-Key", "repo:push")
			sha1.Header.Set("X-Hub-Signature", "sha1="+hexMAC(f.secret, body)[:40])
			cases := map[string]*http.Request{"unsigned": unsigned, "another key": other, "another user": basic, "sha1": sha1}
			if signsBody := f.dialect != git.AzureDevOps && name != "gitlab token"; signsBody {
				cases["another body"] = changed
			}
			for what, r := range cases {
				if code, outcome, pokes := h.deliver(r); code != 401 || outcome != git.HookForged || pokes != 0 {
					t.Errorf("%s: %d %s, %d pokes", what, code, outcome, pokes)
				}
			}
		})
	}
}

func TestDeliveryForAnotherRepositoryRefOrEventIsIgnored(t *testing.T) {
	for name, f := range forges() {
		t.Run(name, func(t *testing.T) {
			h := newHook(t, f)
			for _, body := range []string{
				f.body("https://git.example.com/team/other", "refs/heads/main"),
				f.body("https://evil.example.com/team/platform", "refs/heads/main"),
				f.body("https://git.example.com/team/platform", "refs/heads/feature"),
			} {
				r := request(body)
				f.sign(r, f.secret, body)
				if code, outcome, pokes := h.deliver(r); code != 202 || outcome != git.HookIgnored || pokes != 0 {
					t.Errorf("%s: %d %s, %d pokes", body, code, outcome, pokes)
				}
			}
		})
	}
}

func TestPingAndOtherEventsWakeNobody(t *testing.T) {
	f := forges()["github"]
	h := newHook(t, f)
	for event, want := range map[string]git.Outcome{"ping": git.HookPing, "star": git.HookIgnored} {
		r := request(`{"zen":"x"}`)
		header("X-GitHub-Event", event, "X-Hub-Signature-256", "sha256=")(r, f.secret, `{"zen":"x"}`)
		if code, outcome, pokes := h.deliver(r); outcome != want || pokes != 0 || event == "ping" && code != 200 {
			t.Errorf("%s: %d %s", event, code, outcome)
		}
	}
}

func TestGitHubFormDeliveryIsVerifiedRawAndRead(t *testing.T) {
	f := forges()["github"]
	body := url.Values{"payload": {f.body("https://git.example.com/team/platform.git", "refs/heads/main")}}.Encode()
	r := request(body)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	f.sign(r, f.secret, body)
	if _, outcome, pokes := newHook(t, f).deliver(r); outcome != git.HookAccepted || pokes != 1 {
		t.Fatalf("%s, %d pokes", outcome, pokes)
	}
}

func TestSignedTimeIsHeldToFiveMinutes(t *testing.T) {
	f := forges()["gitlab signing token"]
	body := f.body("https://git.example.com/team/platform", "refs/heads/main")
	for _, off := range []time.Duration{-6 * time.Minute, 6 * time.Minute} {
		r := request(body)
		standardSign(time.Now().Add(off))(r, f.secret, body)
		if code, outcome, _ := newHook(t, f).deliver(r); code != 401 || outcome != git.HookExpired {
			t.Errorf("%s: %d %s", off, code, outcome)
		}
	}
	r := request(body) // the plain token is no way around a signing token
	r.Header.Set("X-Gitlab-Event", "Push Hook")
	r.Header.Set("X-Gitlab-Token", signingToken)
	if _, outcome, _ := newHook(t, f).deliver(r); outcome != git.HookForged {
		t.Errorf("plain token: %s", outcome)
	}
}

func TestReplayAfterTheWindowCostsOnePoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := forges()["github"]
		h := newHook(t, f)
		body := f.body("https://git.example.com/team/platform", "refs/heads/main")
		for range 4 {
			r := request(body)
			f.sign(r, f.secret, body)
			h.deliver(r)
			pass(2 * time.Minute) // of the bubble's clock
		}
		want := []git.Outcome{git.HookAccepted, git.HookReplayed, git.HookReplayed, git.HookAccepted}
		if !slices.Equal(h.outcomes, want) {
			t.Fatalf("outcomes %v, want %v", h.outcomes, want)
		}
	})
}

func TestOversizedDeliveryIsRefusedUnread(t *testing.T) {
	h := newHook(t, forges()["github"])
	announced := request(strings.Repeat("x", git.MaxDelivery+1))
	if code, outcome, _ := h.deliver(announced); code != 413 || outcome != git.HookOversized {
		t.Errorf("announced: %d %s", code, outcome)
	}
	hidden := httptest.NewRequest(http.MethodPost, "/", io.MultiReader(strings.NewReader(strings.Repeat("x", git.MaxDelivery+1))))
	hidden.ContentLength = -1
	if code, outcome, _ := h.deliver(hidden); code != 413 || outcome != git.HookOversized {
		t.Errorf("chunked: %d %s", code, outcome)
	}
	if code, outcome, _ := h.deliver(httptest.NewRequest(http.MethodGet, "/", nil)); code != 405 || outcome != git.HookMethod {
		t.Errorf("GET: %d %s", code, outcome)
	}
}

// TestSlowBodyIsCutOff takes the ten seconds it is about.
func TestSlowBodyIsCutOff(t *testing.T) {
	t.Parallel()
	h := newHook(t, forges()["github"])
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	began := time.Now()
	_, err = fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
	must(t, err)
	answer, err := io.ReadAll(conn)
	if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 408")) {
		t.Fatalf("%q %v", answer, err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Fatalf("cut off after %s", took)
	}
}

func TestOneAddressIsLimitedAndOthersAreNot(t *testing.T) {
	h := newHook(t, forges()["github"])
	var last git.Outcome
	for range 100 {
		_, last, _ = h.deliver(request("{}"))
	}
	if last != git.HookLimited {
		t.Fatalf("the hundredth is %s", last)
	}
	other := request("{}")
	other.RemoteAddr = "198.51.100.7:1"
	if _, outcome, _ := h.deliver(other); outcome != git.HookForged {
		t.Fatalf("another address: %s", outcome)
	}
}

func TestWebhookThatCannotBeSafeIsNotBuilt(t *testing.T) {
	good := git.HookOptions{Name: "x", Dialect: git.GitHub, Secret: constant(hookSecret),
		Repositories: []string{"https://git.example.com/a/b"}, Poke: func() {}}
	for what, spoil := range map[string]func(*git.HookOptions){
		"is empty":        func(o *git.HookOptions) { o.Secret = constant("") },
		"no secret":       func(o *git.HookOptions) { o.Secret = nil },
		"dialect":         func(o *git.HookOptions) { o.Dialect = "svn" },
		"no repositories": func(o *git.HookOptions) { o.Repositories = nil },
		"full name":       func(o *git.HookOptions) { o.Refs = []string{"main"} },
		"needs a user":    func(o *git.HookOptions) { o.Dialect = git.AzureDevOps },
		"whsec_":          func(o *git.HookOptions) { o.Dialect, o.Secret = git.GitLab, constant("whsec_?") },
	} {
		o := good
		spoil(&o)
		if _, err := git.NewWebhook(o); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("want an error that says %q, got %v", what, err)
		}
	}
	if _, err := git.NewWebhook(good); err != nil {
		t.Fatal(err)
	}
}

func TestSecretThatIsGoneLaterIsOurFault(t *testing.T) {
	f := forges()["github"]
	current := f.secret
	h := newHook(t, f)
	handler, err := git.NewWebhook(git.HookOptions{Name: "x", Dialect: git.GitHub,
		Secret: func() (string, error) { return current, nil }, Repositories: []string{"https://git.example.com/a/b"},
		Poke: func() {}, Count: func(o git.Outcome) { h.outcomes = append(h.outcomes, o) }})
	if err != nil {
		t.Fatal(err)
	}
	h.Handler = handler
	current = ""
	r := request("{}")
	f.sign(r, "", "{}")
	if code, outcome, pokes := h.deliver(r); code != 500 || outcome != git.HookNoSecret || pokes != 0 {
		t.Fatalf("%d %s", code, outcome)
	}
}

func FuzzWebhook(f *testing.F) {
	for _, one := range forges() {
		f.Add(string(one.dialect), "push", one.body("https://git.example.com/team/platform", "refs/heads/main"), true)
	}
	f.Add("github", "push", `{"ref":[],"repository":7}`, true)
	f.Add("bitbucket", "repo:push", `{"push":{"changes":[{}]}}`, true)
	f.Fuzz(func(t *testing.T, dialect, event, body string, signed bool) {
		pokes := 0
		h, err := git.NewWebhook(git.HookOptions{Name: "x", Dialect: git.Dialect(dialect), User: "ottla", Secret: constant(hookSecret),
			Repositories: []string{"https://git.example.com/team/platform"}, Poke: func() { pokes++ }})
		if err != nil {
			t.Skip()
		}
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		for _, name := range []string{"X-GitHub-Event", "X-Gitea-Event", "X-Gogs-Event", "X-Gitlab-Event", "X-Event-Key"} {
			r.Header.Set(name, event)
		}
		if signed {
			sum := hexMAC(hookSecret, body)
			r.Header.Set("X-Hub-Signature-256", "sha256="+sum)
			r.Header.Set("X-Hub-Signature", "sha256="+sum)
			r.Header.Set("X-Signature", "sha256="+sum)
			r.Header.Set("X-Gitea-Signature", sum)
			r.Header.Set("X-Gogs-Signature", sum)
			r.Header.Set("X-Gitlab-Token", hookSecret)
			r.SetBasicAuth("ottla", hookSecret)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if !signed && (w.Code != 401 || pokes > 0) {
			t.Fatalf("unsigned: %d, %d pokes", w.Code, pokes)
		}
		if pokes > 0 && !strings.Contains(strings.ToLower(body), "platform") && !strings.ContainsAny(body, `\%`) {
			t.Fatalf("woken by %q", body)
		}
		if strings.Contains(w.Body.String(), hookSecret) {
			t.Fatal("the secret is in the answer")
		}
	})
}
