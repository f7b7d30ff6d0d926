package integration

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// killEnv names the step of a round at which a binary built with the tag
// "faults" kills itself, as `kill -9` would.
const killEnv = "OTTLA_KILL_AT_STEP"

// mostSteps is more than a round of this test has.
const mostSteps = 80

func TestKill9AtEveryStepOfARoundIsSettledByOneMore(t *testing.T) {
	steps := 0
	for step := 1; step <= mostSteps; step++ {
		w := newWorld(t)
		w.prepare()
		w.env[killEnv] = strconv.Itoa(step)
		r := w.ottla("apply")
		if r.code != -1 {
			break // the round has no such step: it ended by itself
		}
		steps = step
		w.env[killEnv] = ""
		w.oneRoundSettles(step)
	}
	if steps < 15 {
		t.Errorf("a round was killed at %d steps, want at least 15", steps)
	}
	t.Logf("killed at each of %d steps", steps)
}

// prepare makes a round that creates, changes, adopts, heals and deletes.
func (w *world) prepare() {
	w.t.Helper()
	_, err := w.admin.CreateTopics(w.t.Context(), 1, 1, nil, w.pre+"there", w.pre+"foreign")
	w.must(err)
	w.push(map[string]string{
		"orders.yaml": ordersTopic, "goes.yaml": topicNamed("goes"), "stays.yaml": topicNamed("stays"), "bob.yaml": bobUser,
	})
	w.apply(0)
	w.setConfig(w.pre+"orders", "max.message.bytes", str("2000000"))
	w.push(map[string]string{
		"orders.yaml": strings.NewReplacer("partitions: 3", "partitions: 4", "604800000", "700000000").Replace(ordersTopic),
		"goes.yaml":   "",
		"there.yaml":  topicNamed("there"),
		"new.yaml":    topicNamed("new"),
		"bob.yaml":    strings.NewReplacer("[Read, Describe]", "[Read, Write]", "bobs-password-1", "bobs-password-2", "1048576", "2097152").Replace(bobUser),
		"eve.yaml":    strings.ReplaceAll(bobUser, "PREbob", "PREeve"),
	})
}

// oneRoundSettles runs one more round, and looks at what lives.
func (w *world) oneRoundSettles(step int) {
	w.t.Helper()
	w.apply(0)
	v, r := w.view("plan")
	if r.code != 0 || len(changes(v.Plan)) > 0 {
		w.t.Errorf("step %d: one more round did not settle: %+v", step, changes(v.Plan))
	}
	want := map[string]int{"orders": 4, "goes": 0, "stays": 1, "there": 1, "new": 1, "foreign": 1}
	for name, n := range want {
		if got := w.partitions(w.pre + name); got != n {
			w.t.Errorf("step %d: %s has %d partitions, want %d", step, name, got, n)
		}
	}
	for _, user := range []string{"bob", "eve"} {
		w.granted(step, user)
	}
}

// granted compares what a user may do with what is declared.
func (w *world) granted(step int, user string) {
	w.t.Helper()
	second := "WRITE"
	if user == "eve" {
		second = "DESCRIBE"
	}
	want := map[string]bool{
		"READ TOPIC " + w.pre + "orders":                         true,
		second + " TOPIC " + w.pre + "orders":                    true,
		"READ GROUP " + w.pre + user:                             true,
		fmt.Sprintf("count %d", len(w.acls("User:"+w.pre+user))): true,
	}
	got := map[string]bool{"count 3": true}
	for _, a := range w.acls("User:" + w.pre + user) {
		got[strings.ToUpper(strings.Fields(a)[0]+" "+strings.Fields(a)[1])+" "+strings.Fields(a)[2]] = true
	}
	for k := range want {
		if !got[k] {
			w.t.Errorf("step %d: %s: missing %q in %v", step, user, k, got)
		}
	}
	scrams, err := w.admin.DescribeUserSCRAMs(w.t.Context(), w.pre+user)
	w.must(err)
	if n := len(scrams[w.pre+user].CredInfos); n != 1 {
		w.t.Errorf("step %d: %s has %d credentials", step, user, n)
	}
}
