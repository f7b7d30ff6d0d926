package integration

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/integration/kafkatest"
)

// sharedLedger has a world's ledger in Kafka, under a name of its own.
func (w *world) sharedLedger(name string) *world {
	w.t.Helper()
	key := filepath.Join(w.t.TempDir(), "seal.key")
	w.must(os.WriteFile(key, []byte(strings.Repeat("k", 32)), 0o600))
	w.cluster["ledger"], w.cluster["ledgerTopic"] = "kafka", w.ledgerTopic()
	w.more["sealKeyFile"], w.more["name"] = key, name
	return w
}

func (w *world) ledgerTopic() string { return "__ottla_" + strings.Trim(w.pre, "-.") }

// another is another agent of the same repository and cluster: a machine of its
// own, with a state directory of its own.
func (w *world) another(name string) *world {
	other := *w
	other.dir = w.t.TempDir()
	other.more, other.env = merged(w.more, map[string]any{"name": name}), map[string]string{}
	other.cluster = merged(w.cluster, nil)
	return &other
}

// agents asks who keeps the cluster.
func (w *world) agents() map[string]string {
	r := w.ottla("get", "agents", "-o", "json")
	var all []agent.AgentView
	if r.code != 0 || json.Unmarshal([]byte(r.out), &all) != nil {
		return map[string]string{"error": r.out + r.stderr}
	}
	out := map[string]string{}
	for _, a := range all {
		out[a.Agent] = a.Role
	}
	return out
}

// takeover is far more than a takeover takes: session, lease and request timeout,
// on a machine that others use.
const takeover = 90 * time.Second

// eventually waits for what a test is about, and says how long that took.
func (w *world) eventually(what string, so func() error) time.Duration {
	w.t.Helper()
	began := time.Now()
	var err error
	for time.Since(began) < takeover {
		if err = so(); err == nil {
			return time.Since(began)
		}
		select {
		case <-w.t.Context().Done():
			w.t.Fatal(w.t.Context().Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
	w.t.Fatalf("%s: %v", what, err)
	return 0
}

// says waits until a daemon has logged something.
func (d *daemon) says(words string) time.Duration {
	d.w.t.Helper()
	return d.w.eventually("the daemon says "+words, func() error {
		if !strings.Contains(d.log.String(), words) {
			return errors.New("not said")
		}
		return nil
	})
}

// has waits until a topic has so many partitions.
func (w *world) has(name string, partitions int) time.Duration {
	w.t.Helper()
	return w.eventually(fmt.Sprintf("topic %s has %d partitions", name, partitions), func() error {
		if got := w.partitions(w.pre + name); got != partitions {
			return fmt.Errorf("it has %d", got)
		}
		return nil
	})
}

func (d *daemon) signal(s syscall.Signal) {
	d.w.t.Helper()
	d.w.must(d.cmd.Process.Signal(s))
}

const leads = "leading"

func TestTheLeaderIsKilledAndAStandbyTakesOver(t *testing.T) {
	a := newWorld(t).sharedLedger("a")
	a.push(map[string]string{"orders.yaml": topicNamed("orders")})
	first := a.daemon()
	first.says(leads)
	a.has("orders", 1)
	b := a.another("b")
	second := b.daemon()
	t.Logf("b is there after %s", a.eventually("both are there", func() error {
		if got := a.agents(); got["a"] != "leader" || got["b"] != "standby" {
			return fmt.Errorf("agents: %v", got)
		}
		return nil
	}))
	a.push(map[string]string{"more.yaml": topicNamed("more")})
	a.has("more", 1)
	if got := b.agents(); got["a"] != "leader" || got["b"] != "standby" || strings.Contains(first.log.String(), "another agent may lead") {
		t.Errorf("a standby that started disturbed the leader: %v\n%s", got, first.log)
	}
	if r := b.ottla("sync"); r.code != 4 || !strings.Contains(r.stderr, "agent a") {
		t.Errorf("sync on a standby: exit %d\n%s%s", r.code, r.out, r.stderr)
	}
	if v, r := b.view("plan"); r.code != 0 || len(changes(v.Plan)) != 0 {
		t.Errorf("a standby cannot plan: exit %d\n%s%s", r.code, r.out, r.stderr)
	}
	first.signal(syscall.SIGKILL)
	<-first.done
	b.push(map[string]string{"after.yaml": topicNamed("after")})
	t.Logf("b leads %s after kill -9", second.says(leads))
	t.Logf("and carries out what is new %s later", b.has("after", 1))
	if got := b.agents(); got["b"] != "leader" || len(got) != 1 {
		t.Errorf("agents: %v", got)
	}
	b.settled()
	second.stop(30 * time.Second)
	if r := b.ottla("apply"); r.code != 0 {
		t.Errorf("apply where nobody leads: exit %d\n%s%s", r.code, r.out, r.stderr)
	}
}

// stopped waits until a process is stopped by a signal.
func (d *daemon) stopped() {
	d.w.t.Helper()
	d.w.eventually("the process is stopped", func() error {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", d.cmd.Process.Pid))
		if err != nil {
			return err
		}
		if state := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))[0]; state != "T" {
			return fmt.Errorf("it is %s", state)
		}
		return nil
	})
}

// TestAPausedLeaderThatWakesUpWritesNothing stops a leader between its check and
// the requests, once before a creation and once before a deletion, and lets
// another agent do something else meanwhile.
func TestAPausedLeaderThatWakesUpWritesNothing(t *testing.T) {
	a := newWorld(t).sharedLedger("a")
	file := filepath.Join(t.TempDir(), "stop")
	a.env["OTTLA_STOP_AT_STEP"], a.env["OTTLA_STOP_FILE"] = "after intent", file
	a.push(map[string]string{"kept.yaml": topicNamed("kept")})
	first := a.daemon()
	first.says(leads)
	a.has("kept", 1)
	b := a.another("b")
	second := b.daemon()
	a.eventually("b stands by", func() error {
		if got := a.agents(); got["b"] != "standby" {
			return fmt.Errorf("agents: %v", got)
		}
		return nil
	})
	a.must(os.WriteFile(file, nil, 0o600))
	a.push(map[string]string{"kept.yaml": "", "other.yaml": topicNamed("other")}) // the intent to create is written, and then it stops
	first.stopped()
	b.push(map[string]string{"kept.yaml": topicNamed("kept"), "other.yaml": ""})
	t.Logf("b leads %s after the pause", second.says(leads))
	b.eventually("b has settled", func() error {
		if r := b.ottla("sync"); r.code != 0 || b.partitions(b.pre+"other") != 0 {
			return errors.New(r.out + r.stderr)
		}
		if v, r := b.view("plan"); r.code != 0 || len(changes(v.Plan)) > 0 {
			return errors.New(r.out)
		}
		return nil
	})
	first.signal(syscall.SIGCONT)
	t.Logf("a knows %s after it woke up", first.says("another agent may lead"))
	a.eventually("a stands by", func() error {
		if got := b.agents(); got["a"] != "standby" || got["b"] != "leader" {
			return fmt.Errorf("agents: %v", got)
		}
		return nil
	})
	if a.partitions(a.pre+"other") != 0 || a.partitions(a.pre+"kept") != 1 {
		t.Errorf("the paused leader wrote after it woke up\n%s", first.log)
	}
	b.settled()
}

func TestALedgerMovesToItsTopicAndBack(t *testing.T) {
	w := newWorld(t)
	w.push(map[string]string{"orders.yaml": ordersTopic, "bob.yaml": bobUser, "stays.yaml": topicNamed("stays")})
	w.apply(0)
	key := filepath.Join(w.dir, "state", "seal.key")
	w.more["sealKeyFile"], w.cluster["ledgerTopic"] = key, w.ledgerTopic()
	move := func(to string, code int, words string) {
		t.Helper()
		if r := w.ottla("ledger", "move", "--to", to); r.code != code || !strings.Contains(r.out+r.stderr, words) {
			t.Fatalf("move to %s: exit %d\n%s%s", to, r.code, r.out, r.stderr)
		}
	}
	w.cluster["ledger"] = "kafka"
	if r := w.ottla("plan"); r.code != 1 || !strings.Contains(r.stderr, "ottla ledger move --to kafka") {
		t.Errorf("a file is left behind unseen: exit %d\n%s%s", r.code, r.out, r.stderr)
	}
	move("kafka", 0, "is in Kafka now")
	move("kafka", 0, "already")
	w.settled()
	w.push(map[string]string{"orders.yaml": ""})
	w.apply(0)
	if n := w.partitions(w.pre + "orders"); n != 0 {
		t.Errorf("what was owned is not owned any more: %d partitions", n)
	}
	w.cluster["ledger"] = "file"
	if r := w.ottla("plan"); r.code != 1 || !strings.Contains(r.stderr, "ottla ledger move --to file") {
		t.Errorf("a new file is begun beside the topic: exit %d\n%s%s", r.code, r.out, r.stderr)
	}
	other := w.another("other")
	other.cluster["ledger"] = "kafka"
	d := other.daemon()
	d.says(leads)
	if r := w.ottla("ledger", "move", "--to", "file"); r.code != 4 {
		t.Errorf("moved under another agent: exit %d\n%s%s", r.code, r.out, r.stderr)
	}
	d.stop(30 * time.Second)
	move("file", 0, "is a file now")
	move("file", 0, "already")
	w.settled()
	w.push(map[string]string{"bob.yaml": ""})
	w.apply(0)
	w.settled()
	if r := other.ottla("apply"); r.code == 0 || !strings.Contains(r.stderr, "it was moved to a file on") {
		t.Errorf("another agent goes on with the topic: exit %d\n%s%s", r.code, r.out, r.stderr)
	}
	w.cluster["ledger"] = "kafka"
	move("kafka", 0, "is in Kafka now")
	w.settled()
}

func TestALostStateDirectoryIsRebuiltFromTheTopic(t *testing.T) {
	w := newWorld(t).sharedLedger("a")
	w.push(map[string]string{"orders.yaml": ordersTopic, "gone.yaml": topicNamed("gone"), "bob.yaml": bobUser})
	w.apply(0)
	w.must(os.RemoveAll(filepath.Join(w.dir, "state")))
	w.settled()
	w.push(map[string]string{"gone.yaml": ""})
	w.apply(0)
	if n := w.partitions(w.pre + "gone"); n != 0 {
		t.Error("what was owned is not owned any more")
	}
	w.settled()
}

func TestALostTopicIsRebuiltByAdoptionAndAsks(t *testing.T) {
	a := newWorld(t).sharedLedger("a")
	a.push(map[string]string{"orders.yaml": ordersTopic, "gone.yaml": topicNamed("gone")})
	a.apply(0)
	b := a.another("b")
	if r := b.ottla("plan"); r.code != 0 {
		t.Fatalf("exit %d\n%s%s", r.code, r.out, r.stderr)
	}
	_, err := a.admin.DeleteTopics(t.Context(), a.ledgerTopic())
	a.must(err)
	kafkatest.Eventually(t, func() error {
		if n := a.partitions(a.ledgerTopic()); n != 0 {
			return errors.New("it is still there")
		}
		return nil
	})
	for _, command := range []string{"plan", "apply"} {
		if r := a.ottla(command); r.code != 1 || !strings.Contains(r.out+r.stderr, "ottla ledger rebuild") {
			t.Fatalf("%s without the topic: exit %d\n%s%s", command, r.code, r.out, r.stderr)
		}
	}
	if n := a.partitions(a.ledgerTopic()); n != 0 {
		t.Error("an empty ledger was begun in the place of the lost one")
	}
	for _, words := range []string{"begins anew", "Nothing is lost"} {
		if r := a.ottla("ledger", "rebuild"); r.code != 0 || !strings.Contains(r.out, words) {
			t.Fatalf("rebuild: exit %d\n%s%s", r.code, r.out, r.stderr)
		}
	}
	a.apply(0)
	a.push(map[string]string{"gone.yaml": ""})
	if v := a.apply(3); len(v.Holds) == 0 || a.partitions(a.pre+"gone") != 1 {
		t.Errorf("the deletion of what was adopted does not ask: %+v", v.Plan)
	}
}
