package agent_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/reconcile/nodetest"
	"github.com/ottla-io/ottla/reconcile/strict"
)

const smallConfig = `
stateDir: /var/lib/ottla
repositories:
  - name: platform
    url: https://git.example.com/platform.git
clusters:
  - name: production
    bootstrapServers: ["kafka:9092"]
syncs:
  - name: production
    repository: platform
    ref: {branch: main}
    cluster: production
`

func parse(t *testing.T, text string) (*agent.Config, error) {
	t.Helper()
	return agent.ParseConfig(nodetest.Node(t, text))
}

func TestPatternsThatMatchNothingAreMistakes(t *testing.T) {
	for _, field := range []string{"allowPurge", "allowWebhooks"} {
		wantProblem(t, smallConfig+"backups: {"+field+": [\"orders[\"]}\n", "backups."+field+"[0]: \"orders[\" is not a pattern")
		wantProblem(t, smallConfig+"backups: {"+field+": [ok, \"\"]}\n", "backups."+field+"[1]: is empty")
	}
}

func TestTheExampleConfigurationParses(t *testing.T) {
	c, err := parse(t, agent.ConfigExample())
	if err != nil {
		t.Fatal(err)
	}
	if c.Syncs[0].Mode != "observe" || c.Notify.Slack[0].MinSeverity != "warning" {
		t.Errorf("the example was not read: %+v", c)
	}
}

func TestASmallConfigurationIsFilledWithDefaults(t *testing.T) {
	c, err := parse(t, smallConfig)
	if err != nil {
		t.Fatal(err)
	}
	s, l := c.Syncs[0], c.Clusters[0]
	got := map[string]bool{
		"socket":    c.Socket == "/var/lib/ottla/ottla.sock",
		"listen":    c.HTTP.Listen == "127.0.0.1:8080",
		"reminder":  c.Notify.Reminder == time.Hour,
		"interval":  s.Interval == 30*time.Second && c.Repositories[0].Interval == time.Minute,
		"mode":      s.Mode == "apply" && s.Drift == "heal" && s.Path == "." && s.Secrets == "any",
		"guard":     *s.WipeGuard.Topics == 5 && *s.WipeGuard.Percent == 20,
		"grace":     *s.Grace.Topics == 10*time.Minute && s.Grace.Access == 0,
		"deletion":  !l.AllowDeletion.Topics && *l.AllowDeletion.Users,
		"log":       c.Log.Format == "console" && c.Log.Level == "info",
		"optionals": l.SASL == nil && l.LoginListener == nil && c.Heartbeat == nil,
	}
	for what, ok := range got {
		if !ok {
			t.Errorf("default of %s is wrong: %+v", what, c)
		}
	}
}

func TestZeroIsTakenWhereItMeansSomething(t *testing.T) {
	c, err := parse(t, smallConfig+"    wipeGuard: {topics: 0, percent: 0}\n    grace: {topics: 0s}\n")
	if err != nil {
		t.Fatal(err)
	}
	s := c.Syncs[0]
	if *s.WipeGuard.Topics != 0 || *s.WipeGuard.Percent != 0 || *s.Grace.Topics != 0 {
		t.Errorf("a given zero became the default: %+v", s)
	}
}

func TestWhatIsWrongIsSaidInWords(t *testing.T) {
	for name, tc := range map[string]struct{ add, want string }{
		"unknown field":      {"heartbeet: {}\n", `unknown field "heartbeet" (did you mean "heartbeat"?)`},
		"unknown repository": {"    repository: x\n", `"platfrm" is not one of repositories (did you mean "platform"?)`},
		"listener":           {"http: {listen: 0.0.0.0:8080}\n", "http.listen: 0.0.0.0:8080 is reachable from other machines: say expose: true"},
		"all interfaces":     {"http: {listen: \":8080\"}\n", "expose: true"},
		"webhook secret":     {"webhooks: {hooks: [{name: a, dialect: github, repository: platform}]}\n", "webhooks.hooks[0]: needs secretFile or secretEnv"},
		"webhook dialect":    {"webhooks: {hooks: [{name: a, dialect: githup, repository: platform, secretEnv: S}]}\n", `did you mean "github"?`},
		"azure":              {"webhooks: {hooks: [{name: a, dialect: azuredevops, repository: platform, secretEnv: S}]}\n", "needs username"},
		"hook reference":     {"webhooks: {hooks: [{name: a, dialect: github, repository: b, secretEnv: S}]}\n", `webhooks.hooks[0].repository: "b" is not one of repositories`},
		"hooks twice":        {"webhooks: {hooks: [{name: a, dialect: github, repository: platform, secretEnv: S}, {name: a, dialect: github, repository: platform, secretEnv: S}]}\n", `webhooks.hooks[1].name: "a" is also the name of webhooks.hooks[0]`},
		"both secrets":       {"heartbeat: {urlFile: /f, urlEnv: F}\n", "heartbeat.urlFile: give the file or the environment variable, not both"},
		"no heartbeat URL":   {"heartbeat: {}\n", "heartbeat: give urlFile or urlEnv"},
		"relative file":      {"heartbeat: {urlFile: secrets/url}\n", "heartbeat.urlFile: secrets/url is not an absolute path"},
		"credentials":        {"heartbeat: {urlFile: $CREDENTIALS_DIRECTORY/url}\n", "CREDENTIALS_DIRECTORY is not set"},
		"two refs":           {"", "give one of branch, tag, semver and commit"},
		"slack":              {"notify: {slack: [{name: a}]}\n", "give an incoming webhook"},
		"slack channel":      {"notify: {slack: [{name: a, tokenEnv: T}]}\n", "notify.slack[0].channel: is missing"},
		"slack URL":          {"notify: {slack: [{name: a, tokenEnv: T, channel: c, apiURL: ftp://x}]}\n", "is not a URL"},
		"socket":             {"socket: run/ottla.sock\n", "socket: run/ottla.sock is not an absolute path"},
		"long socket":        {"socket: /" + strings.Repeat("x", 120) + "\n", "the kernel takes 107"},
	} {
		t.Run(name, func(t *testing.T) {
			text := smallConfig + tc.add
			switch name {
			case "unknown repository":
				text = strings.Replace(smallConfig, "repository: platform", "repository: platfrm", 1)
			case "two refs":
				text = strings.Replace(smallConfig, "{branch: main}", "{branch: main, tag: v1}", 1)
			}
			wantProblem(t, text, tc.want)
		})
	}
}

func TestSectionsAreCheckedByTheirOwnRules(t *testing.T) {
	for name, tc := range map[string]struct{ old, new, want string }{
		"password in URL":    {"https://git", "https://u:hunter2@git", "holds a password"},
		"ssh without hosts":  {"https://git.example.com/platform.git", "git@git.example.com:platform.git", "ssh needs sshKeyFile and knownHostsFile"},
		"scheme":             {"https://git", "ftp://git", "is not https://host/path"},
		"path":               {"ref: {branch: main}", "ref: {branch: main}\n    path: ../etc", "is not a path in the repository"},
		"semver":             {"{branch: main}", "{semver: banana}", "is not a range of versions"},
		"commit":             {"{branch: main}", "{commit: abc}", "40 lower-case hex digits"},
		"no ref":             {"    ref: {branch: main}\n", "", "syncs[0].ref: give one of"},
		"broker":             {`"kafka:9092"`, `"kafka"`, `"kafka" is not host:port`},
		"empty protected":    {`["kafka:9092"]`, `["kafka:9092"]` + "\n    protected: {principals: [\"\"]}", "protected.principals[0]: is empty"},
		"glob":               {`["kafka:9092"]`, `["kafka:9092"]` + "\n    protected: {topics: [\"[\"]}", "is not a pattern"},
		"tls off":            {`["kafka:9092"]`, `["kafka:9092"]` + "\n    tls: {caFile: /ca}", "tls.enabled: is not true"},
		"half a pair":        {`["kafka:9092"]`, `["kafka:9092"]` + "\n    tls: {enabled: true, certFile: /c}", "tls.keyFile: is missing"},
		"plain":              {`["kafka:9092"]`, `["kafka:9092"]` + "\n    sasl: {mechanism: PLAIN}", "PLAIN needs username"},
		"gssapi":             {`["kafka:9092"]`, `["kafka:9092"]` + "\n    sasl: {mechanism: GSSAPI}", "is not one of PLAIN"},
		"oauth":              {`["kafka:9092"]`, `["kafka:9092"]` + "\n    sasl: {mechanism: OAUTHBEARER, username: u}", "username and password have no meaning"},
		"oauth cleartext":    {`["kafka:9092"]`, `["kafka:9092"]` + "\n    sasl: {mechanism: OAUTHBEARER, oauth: {tokenURL: http://idp/token, clientID: o, clientSecretEnv: S}}", "use https"},
		"aws":                {`["kafka:9092"]`, `["kafka:9092"]` + "\n    sasl: {mechanism: AWS_MSK_IAM}", "AWS_MSK_IAM needs it"},
		"drift kind":         {"ref: {branch: main}", "ref: {branch: main}\n    driftByKind: {topic: off}", "is not a live kind"},
		"drift kind, nearly": {"ref: {branch: main}", "ref: {branch: main}\n    driftByKind: {Topics: report}", `did you mean "Topic"`},
		"name":               {"name: production\n    boot", "name: Production\n    boot", "does not match"},
	} {
		t.Run(name, func(t *testing.T) {
			wantProblem(t, strings.Replace(smallConfig, tc.old, tc.new, 1), tc.want)
		})
	}
}

func wantProblem(t *testing.T, text, want string) {
	t.Helper()
	_, err := parse(t, text)
	var problems strict.Problems
	if !errors.As(err, &problems) || !strings.Contains(err.Error(), want) {
		t.Fatalf("got %v, want %q", err, want)
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error repeats a password: %v", err)
	}
	for _, p := range problems {
		if p.Line == 0 {
			t.Errorf("no line: %v", p)
		}
	}
}

func TestAllProblemsAreToldAtOnceInTheOrderOfTheFile(t *testing.T) {
	_, err := parse(t, strings.NewReplacer("cluster: production", "cluster: staging", "https://git", "gopher://git").Replace(smallConfig)+"log: {level: loud}\n")
	var problems strict.Problems
	if !errors.As(err, &problems) || len(problems) != 3 {
		t.Fatalf("want three problems, got %v", err)
	}
	for i, line := range []int{5, 13, 14} {
		if problems[i].Line != line {
			t.Errorf("problem %d is at line %d, want %d: %v", i, problems[i].Line, line, problems[i])
		}
	}
}

func TestAPlainDirectoryNeedsNoRef(t *testing.T) {
	text := strings.NewReplacer("https://git.example.com/platform.git", "/srv/platform", "    ref: {branch: main}\n", "").Replace(smallConfig)
	if _, err := parse(t, text); err != nil {
		t.Error(err)
	}
}

func TestAnEmptySecretFileIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, smallConfig+"heartbeat: {urlFile: "+file+"}\n", file+" is empty")
	t.Setenv("OTTLA_TEST_EMPTY", "")
	wantProblem(t, smallConfig+"heartbeat: {urlEnv: OTTLA_TEST_EMPTY}\n", "OTTLA_TEST_EMPTY is empty")
}

func TestSecretsAreReadAtEachUseWithoutTheirLineEnd(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	secret := agent.Secret{File: "$CREDENTIALS_DIRECTORY/token"}
	for _, want := range []string{"first", " second "} {
		if err := os.WriteFile(filepath.Join(dir, "token"), []byte(want+"\r\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := secret.Read(); err != nil || got != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
	t.Setenv("OTTLA_TEST_SECRET", "third\n")
	if got, err := (agent.Secret{Env: "OTTLA_TEST_SECRET"}).Read(); err != nil || got != "third" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, bad := range []agent.Secret{{}, {File: filepath.Join(dir, "none")}, {Env: "OTTLA_TEST_NONE"}} {
		if _, err := bad.Read(); err == nil {
			t.Errorf("%+v was read", bad)
		}
	}
}

func TestCredentialsAreExpandedInFileNames(t *testing.T) {
	t.Setenv("CREDENTIALS_DIRECTORY", "/run/credentials/ottla.service")
	c, err := parse(t, smallConfig+"    sops: {ageKeyFiles: [\"$CREDENTIALS_DIRECTORY/age\"]}\n")
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Syncs[0].SOPS.AgeKeyFiles[0]; got != "/run/credentials/ottla.service/age" {
		t.Error(got)
	}
}

func TestTheReferenceNamesEveryFieldInWords(t *testing.T) {
	page := agent.ConfigReference()
	for _, want := range []string{"## `syncs`", "`syncs[].wipeGuard.topics`", "`clusters[].sasl.mechanism`", "`5`", "**required**"} {
		if !strings.Contains(page, want) {
			t.Errorf("the reference lacks %s", want)
		}
	}
	for _, line := range strings.Split(page, "\n") {
		if strings.HasPrefix(line, "| `") && strings.HasSuffix(line, "|  |") {
			t.Errorf("a field has no words: %s", line)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add(smallConfig)
	f.Add(agent.ConfigExample())
	f.Add("syncs: [{ref: {semver: '>'}, path: /}]\nclusters: [{sasl: {}}]")
	f.Fuzz(func(_ *testing.T, text string) {
		node, err := nodetest.Parse(text)
		if err != nil {
			return
		}
		if c, err := agent.ParseConfig(node); err == nil && len(c.Syncs) == 0 {
			panic("a configuration without a sync was taken")
		}
	})
}

func TestALedgerInKafkaNeedsWhatItsAgentsShare(t *testing.T) {
	kafka := strings.Replace(smallConfig, `bootstrapServers: ["kafka:9092"]`, `bootstrapServers: ["kafka:9092"]
    ledger: kafka`, 1)
	if _, err := parse(t, kafka); err == nil || !strings.Contains(err.Error(), "needs sealKeyFile") {
		t.Errorf("without a key: %v", err)
	}
	key := filepath.Join(t.TempDir(), "seal.key")
	for size, want := range map[int]string{31: "less than 32 bytes", 32: ""} {
		if err := os.WriteFile(key, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := parse(t, "sealKeyFile: "+key+"\n"+kafka)
		if err != nil {
			t.Fatal(err)
		}
		if c.Clusters[0].LedgerTopic != "__ottla_ledger" {
			t.Errorf("topic %q", c.Clusters[0].LedgerTopic)
		}
		if _, err := c.SealKey(); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	signed := "sealKeyFile: " + key + "\nbackups: {trustedKeys: [a]}\n" + kafka
	if _, err := parse(t, signed); err == nil || !strings.Contains(err.Error(), "backups.signingKeyFile") {
		t.Errorf("keys that others do not trust: %v", err)
	}
	topic := "sealKeyFile: " + key + "\n" + strings.Replace(kafka, "ledger: kafka", "ledger: kafka\n    ledgerTopic: orders", 1)
	if _, err := parse(t, topic); err == nil || !strings.Contains(err.Error(), "ledgerTopic") {
		t.Errorf("a topic that is not protected by its name: %v", err)
	}
}
