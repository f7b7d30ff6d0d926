package integration

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/ottla-io/ottla/cmd/ottla/scaffold"
	"github.com/ottla-io/ottla/docs/examples"
	"github.com/ottla-io/ottla/integration/gitservers"
	"github.com/ottla-io/ottla/integration/kafkatest"
)

// canary is a world in which every secret that Ottla ever meets is a canary,
// and a record of all that comes out of it.
type canary struct {
	*world
	secrets map[string]string // what it is of → what must show nowhere
	files   map[string]string // where the configuration finds it
	told    *locked           // what was sent to Slack
	out     map[string]string // what came out, by where
}

const sealedSecret = `apiVersion: v1
kind: Secret
metadata: {name: PREeve}
stringData: {password: %s}
`

func newCanary(t *testing.T) *canary {
	c := &canary{world: newWorld(t), told: &locked{}, out: map[string]string{}, files: map[string]string{}, secrets: map[string]string{
		"kafka": kafkatest.AdminPassword, "git": "canary-git-4711", "slack": "canary-slack-4712", "heartbeat": "canary-heart-4713",
		"hook": "canary-hook-4714", "sops": "canary-sops-4715", "plain": "canary-plain-4716",
	}}
	people := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = c.told.Write(append(body, '\n'))
		_, _ = io.WriteString(w, "ok")
	}))
	t.Cleanup(people.Close)
	c.keep("kafka", c.secrets["kafka"])
	c.keep("git", c.secrets["git"])
	c.keep("hook", c.secrets["hook"])
	c.keep("slack", people.URL+"/services/"+c.secrets["slack"])
	c.keep("heartbeat", people.URL+"/"+c.secrets["heartbeat"])
	c.keep("age", examples.DemoKey())
	c.configure()
	return c
}

// keep puts a secret where the configuration finds it.
func (c *canary) keep(name, secret string) {
	c.t.Helper()
	c.files[name] = filepath.Join(c.dir, "secret-"+name)
	c.must(os.WriteFile(c.files[name], []byte(secret+"\n"), 0o600))
}

func (c *canary) configure() {
	root := c.t.TempDir()
	c.must(os.Chmod(root, 0o755)) //nolint:gosec // nginx reads it
	server := gitservers.HTTP(c.t, gitservers.HTTPOptions{Root: root, User: "ottla", Password: c.secrets["git"]})
	c.git("config", "receive.denyCurrentBranch", "ignore")
	c.must(os.Symlink(filepath.Join(c.repo, ".git"), filepath.Join(root, "platform.git")))
	c.cluster["bootstrapServers"] = c.kafka.SASL()
	c.cluster["sasl"] = map[string]any{"mechanism": "SCRAM-SHA-512", "username": kafkatest.AdminUser, "passwordFile": c.files["kafka"]}
	c.cluster["loginListener"] = map[string]any{"bootstrapServers": c.kafka.SASL()}
	c.sync["sops"] = map[string]any{"ageKeyFiles": []string{c.files["age"]}}
	c.more["repositories"] = []any{map[string]any{
		"name": "platform", "url": server.URL("platform.git"), "interval": "1s",
		"auth": map[string]any{"username": "ottla", "passwordFile": c.files["git"]},
	}}
	c.more["log"] = map[string]any{"level": "debug", "format": "json"}
	c.more["heartbeat"] = map[string]any{"urlFile": c.files["heartbeat"], "interval": "1s"}
	c.more["notify"] = map[string]any{"slack": []any{map[string]any{"name": "people", "webhookURLFile": c.files["slack"]}}}
	c.more["webhooks"] = map[string]any{"hooks": []any{map[string]any{
		"name": "forge", "dialect": "generic", "repository": "platform", "secretFile": c.files["hook"],
	}}}
}

// declare pushes a topic, a user with a plain Secret and one with a sealed one.
func (c *canary) declare() {
	c.t.Helper()
	recipient := regexp.MustCompile(`age1[a-z0-9]+`)
	rules, err := fs.ReadFile(examples.Platform(), ".sops.yaml")
	c.must(err)
	plain := strings.ReplaceAll(fmt.Sprintf(sealedSecret, c.secrets["sops"]), "PRE", c.pre)
	sealed, err := scaffold.Seal([]byte(plain), recipient.FindString(string(rules)))
	c.must(err)
	eve, _, _ := strings.Cut(strings.ReplaceAll(bobUser, "PREbob", "PREeve"), "---")
	c.push(map[string]string{
		"orders.yaml": ordersTopic, "bob.yaml": strings.ReplaceAll(bobUser, "bobs-password-1", c.secrets["plain"]),
		"eve.yaml": eve, "secrets.yaml": string(sealed),
	})
}

// runs keeps all that a command prints.
func (c *canary) runs(code int, args ...string) {
	c.t.Helper()
	r := c.ottla(args...)
	if r.code != code {
		c.t.Errorf("ottla %s: exit %d, want %d\n%s\n%s", strings.Join(args, " "), r.code, code, r.out, r.stderr)
	}
	c.out["ottla "+strings.Join(args, " ")] += r.out + r.stderr
}

// check looks for every canary, as it is and as it may be written.
func (c *canary) check() {
	c.t.Helper()
	c.out["messages"] = c.told.String()
	c.must(filepath.WalkDir(filepath.Join(c.dir, "state"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path) //nolint:gosec // the test's own
		c.out[path] = string(data)
		return err
	}))
	for where, text := range c.out {
		for of, secret := range c.secrets {
			for _, spelled := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret)), hex.EncodeToString([]byte(secret))} {
				if i := strings.Index(text, spelled); i >= 0 {
					c.t.Errorf("%s shows the secret of %s: …%s", where, of, text[max(0, i-200):i])
				}
			}
		}
	}
}

// TestNoSecretComesOutAnywhere holds the law of secrets: every one that is met
// is a canary, and all that comes out is looked at.
func TestNoSecretComesOutAnywhere(t *testing.T) {
	c := newCanary(t)
	c.declare()
	saved := filepath.Join(c.dir, "state", "saved.plan")
	c.must(os.MkdirAll(filepath.Dir(saved), 0o700))
	c.runs(2, "plan", "-v", "--out", saved)
	c.runs(0, "render", c.repo, "-v", "-o", "yaml")
	c.runs(0, "validate", c.repo, "-v", "-o", "json")
	c.runs(0, "check", "-v", "--notify")
	c.runs(0, "apply", "-v", "--plan", saved)
	for _, format := range []string{"text", "json", "yaml"} {
		c.runs(0, "plan", "-v", "-o", format)
		c.runs(0, "diff", "-v", "-o", format)
		c.runs(0, "get", "-v", "-o", format)
	}
	c.wrongSecrets()
	c.lives()
	c.check()
}

// wrongSecrets makes each login fail: servers and libraries like to repeat what
// they were given.
func (c *canary) wrongSecrets() {
	for name := range map[string]bool{"kafka": true, "git": true} {
		right := c.secrets[name]
		c.secrets["wrong "+name] = "canary-wrong-" + name
		c.keep(name, c.secrets["wrong "+name])
		c.runs(1, "plan", "-v")
		c.runs(1, "check", "-v")
		c.keep(name, right)
	}
	c.secrets["wrong age"] = "AGE-SECRET-KEY-1CANARYCANARYCANARY"
	c.keep("age", c.secrets["wrong age"])
	c.runs(1, "plan", "-v", "-o", "json")
	c.keep("age", examples.DemoKey())
}

// lives runs the daemon through drift, a rejected revision and a refused
// delivery, reads all it serves, and ends it with a dump of all goroutines.
func (c *canary) lives() {
	base := c.listening()
	c.more["http"] = map[string]any{"listen": strings.TrimPrefix(base, "http://"), "pprof": true}
	d := c.daemon()
	c.says(base+"/api/v1/status", "in-sync")
	c.setConfig(c.pre+"orders", "retention.ms", str("1000"))
	kafkatest.Eventually(c.t, func() error {
		if !strings.Contains(c.told.String(), "healed") {
			return fmt.Errorf("nobody was told: %s", c.told)
		}
		return nil
	})
	c.push(map[string]string{"bob.yaml": strings.ReplaceAll(bobUser, "password: bobs-password-1", "pasword: "+c.secrets["plain"])})
	if code := c.deliver(base, []byte(`{}`), "not the secret"); code == http.StatusAccepted {
		c.t.Error("a forged delivery was accepted")
	}
	c.says(base+"/api/v1/status", "rejected")
	for _, path := range []string{"/metrics", "/healthz", "/readyz", "/debug/pprof/goroutine?debug=2", "/debug/pprof/cmdline", "/webhook/forge"} {
		_, c.out["GET "+path] = get(c.t, base+path)
	}
	for _, args := range [][]string{{"plan", "-o", "json"}, {"sync", "-v"}, {"get", "-o", "yaml"}} {
		r := c.ottla(args...)
		c.out["through the socket: "+strings.Join(args, " ")] = r.out + r.stderr
	}
	_ = d.cmd.Process.Signal(syscall.SIGQUIT)
	<-d.done
	c.out["the daemon's log"] = d.log.String()
	if !bytes.Contains([]byte(d.log.String()), []byte("goroutine ")) {
		c.t.Error("there is no dump of goroutines")
	}
}

// says waits until a page of the daemon holds a word, and keeps it.
func (c *canary) says(url, word string) {
	c.t.Helper()
	kafkatest.Eventually(c.t, func() error {
		_, body := get(c.t, url)
		c.out["GET "+url] += body
		if !strings.Contains(body, word) {
			return fmt.Errorf("%s does not say %s: %s", url, word, body)
		}
		return nil
	})
}
