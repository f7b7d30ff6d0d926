package integration

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ottla-io/ottla/integration/kafkatest"
)

// cable is a network of its own for one agent, with one cable to ours.
type cable struct{ t *testing.T }

const (
	cableSpace = "ottla-test"
	cableHere  = "ottla-t0"
	cableThere = "ottla-t1"
	cableIP    = "10.231.77.1"
)

// plug makes the network, or skips the test in words.
func plug(t *testing.T) *cable {
	t.Helper()
	c := &cable{t}
	c.unplug()
	t.Cleanup(c.unplug)
	for _, args := range []string{
		"netns add " + cableSpace,
		"link add " + cableHere + " type veth peer name " + cableThere + " netns " + cableSpace,
		"addr add " + cableIP + "/30 dev " + cableHere,
		"link set " + cableHere + " up",
		"-n " + cableSpace + " addr add 10.231.77.2/30 dev " + cableThere,
		"-n " + cableSpace + " link set " + cableThere + " up",
		"-n " + cableSpace + " link set lo up",
	} {
		if out, err := c.ip(args); err != nil {
			if os.Getenv("OTTLA_REQUIRE_REAL") == "1" {
				t.Fatalf("ip %s: %v\n%s", args, err, out)
			}
			t.Skipf("networks cannot be cut here: ip %s: %v: %s", args, err, out)
		}
	}
	return c
}

func (c *cable) ip(args string) (string, error) {
	out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput()
	return string(out), err
}

func (c *cable) unplug() {
	_, _ = c.ip("link del " + cableHere)
	_, _ = c.ip("netns del " + cableSpace)
}

// set pulls the cable, or puts it back.
func (c *cable) set(state string) {
	c.t.Helper()
	if out, err := c.ip("link set " + cableHere + " " + state); err != nil {
		c.t.Fatalf("%v: %s", err, out)
	}
}

func TestALeaderThatIsCutOffStopsAndAnotherTakesOver(t *testing.T) {
	if os.Getenv("OTTLA_SOAK") != "1" {
		t.Skip("it has brokers of its own and waits for sessions to end: run with OTTLA_SOAK=1, as make soak does")
	}
	net := plug(t)
	beyond := cableIP + ":19192"
	w := newWorldOn(t, kafkatest.Start(t, kafkatest.Options{Beyond: beyond})).sharedLedger("a")
	w.push(map[string]string{"orders.yaml": topicNamed("orders")})
	b := w.another("b")
	w.cluster["bootstrapServers"] = []string{beyond}
	first := w.daemonIn(cableSpace)
	first.says(leads)
	w.has("orders", 1)
	second := b.daemon()
	second.says("running") // commands find it from now on
	b.eventually("both are there", func() error {
		if got := b.agents(); got["a"] != "leader" || got["b"] != "standby" {
			return fmt.Errorf("agents: %v", got)
		}
		return nil
	})
	net.set("down")
	b.push(map[string]string{"new.yaml": topicNamed("new")}) // both see the commit: the repository is no network
	t.Logf("b leads %s after the cable was pulled", second.says(leads))
	t.Logf("a knew %s later", first.says("another agent may lead"))
	b.has("new", 1)
	b.push(map[string]string{"new.yaml": ""})
	b.has("new", 0)
	net.set("up")
	t.Logf("a is back %s after the cable was", b.eventually("a stands by", func() error {
		if got := b.agents(); got["a"] != "standby" || got["b"] != "leader" {
			return fmt.Errorf("agents: %v", got)
		}
		return nil
	}))
	if n := b.partitions(b.pre + "new"); n != 0 {
		t.Error("what the leader had wanted before it was cut off arrived when it was back")
	}
	b.settled()
	first.stop(time.Minute)
}

// daemonIn is a daemon in another network.
func (w *world) daemonIn(space string) *daemon {
	w.t.Helper()
	path, err := exec.LookPath("ip")
	if err != nil {
		w.t.Fatal(errors.Join(err, errors.New("ip is not in the PATH")))
	}
	return w.daemonBy(func(cmd *exec.Cmd) {
		cmd.Args = append([]string{"ip", "netns", "exec", space, cmd.Path}, cmd.Args[1:]...)
		cmd.Path = path
	})
}
