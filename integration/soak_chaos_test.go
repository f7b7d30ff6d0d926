package integration

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/reconcile"
)

var (
	chaosFor  = flag.Duration("chaos", 10*time.Minute, "how long the chaos soak makes trouble")
	chaosSeed = flag.Uint64("seed", 1, "what trouble the chaos soak makes")
)

const chaosTopics = 8

// chaos is a daemon, and somebody who edits, commits and kills.
type chaos struct {
	*world
	random   *rand.Rand
	daemon   *daemon
	declared map[int]int // partitions by number of the topic
	did      map[string]int
}

func TestSoakChaosEndsInSyncAndDeletesNothingUnowned(t *testing.T) {
	soak(t)
	c := &chaos{world: newWorldOn(t, kafkatest.Start(t, kafkatest.Options{})), random: rand.New(rand.NewPCG(*chaosSeed, 0)),
		declared: map[int]int{}, did: map[string]int{}}
	c.sync["wipeGuard"] = map[string]any{"topics": 1000, "percent": 100}
	c.sync["recreate"] = true // else a topic deleted by hand waits for a person
	c.foreign("a")
	for i := range chaosTopics {
		c.declared[i] = 1
		c.file(c.topic(i))
	}
	c.push(map[string]string{"bob.yaml": bobUser, "orders.yaml": ordersTopic})
	c.daemon = c.world.daemon()
	deadline := time.Now().Add(*chaosFor)
	for time.Now().Before(deadline) {
		c.trouble()
		<-time.After(time.Duration(c.random.IntN(1500)) * time.Millisecond)
	}
	c.daemon.kill()
	t.Logf("seed %d: %v", *chaosSeed, c.did)
	c.ends()
}

func (c *chaos) topic(i int) (file, text string) {
	name := fmt.Sprintf("t%d", i)
	text = strings.Replace(topicNamed(name), "partitions: 1", fmt.Sprintf("partitions: %d", c.declared[i]), 1)
	return name + ".yaml", text
}

// trouble is one thing that may happen at any time.
func (c *chaos) trouble() {
	i := c.random.IntN(chaosTopics)
	name := fmt.Sprintf("%st%d", c.pre, i)
	ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Second)
	defer cancel()
	all := []struct {
		name string
		do   func()
	}{
		{"edit a config", func() {
			value := fmt.Sprint(1000000 + c.random.IntN(1000000))
			_, _ = c.admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: &value}}, c.pre+"orders")
		}},
		{"delete a topic by hand", func() { _, _ = c.admin.DeleteTopics(ctx, name) }},
		{"delete access by hand", func() {
			_, _ = c.admin.DeleteACLs(ctx, kadm.NewACLs().Allow("User:"+c.pre+"bob").AllowHosts().Topics(c.pre+"orders").
				Operations(kadm.OpRead).ResourcePatternType(kadm.ACLPatternLiteral))
		}},
		{"edit a quota", func() { c.setQuota(c.pre+"bob", "consumer_byte_rate", float64(1000+c.random.IntN(1000))) }},
		{"commit a topic", func() { c.commit(i) }},
		{"commit a topic", func() { c.commit(i) }},
		{"kill -9 of the agent", func() { c.daemon.kill(); c.daemon = c.world.daemon() }},
		{"kill -9 of the broker", c.killBroker},
	}
	one := all[c.random.IntN(len(all))]
	c.did[one.name]++
	one.do()
}

// commit adds a topic, removes it or gives it a partition more.
func (c *chaos) commit(i int) {
	c.t.Helper()
	switch n := c.declared[i]; {
	case n == 0 || n < 4 && c.random.IntN(2) == 0:
		c.declared[i]++
		c.file(c.topic(i))
	default:
		delete(c.declared, i)
		c.file(fmt.Sprintf("t%d.yaml", i), "")
	}
	c.push(nil)
}

func (c *chaos) killBroker() {
	c.t.Helper()
	c.must(c.kafka.Kill9())
	c.must(c.kafka.Restart(c.t.Context()))
}

// foreign makes things that nobody declares.
func (c *chaos) foreign(name string) {
	c.t.Helper()
	_, err := c.admin.CreateTopics(c.t.Context(), 1, 1, nil, c.pre+"foreign-"+name)
	c.must(err)
	_, err = c.admin.CreateACLs(c.t.Context(), kadm.NewACLs().Allow("User:"+c.pre+"foreign").AllowHosts().Topics(c.pre+"foreign-"+name).
		Operations(kadm.OpRead).ResourcePatternType(kadm.ACLPatternLiteral))
	c.must(err)
	c.setQuota(c.pre+"foreign", "consumer_byte_rate", 4321)
}

func (d *daemon) kill() {
	_ = d.cmd.Process.Kill()
	<-d.done
}

// ends lets two rounds settle, and looks at what lives. What a crash left
// unanswered counts as adopted, and to delete that takes a person.
func (c *chaos) ends() {
	c.t.Helper()
	c.ottla("apply")
	c.ottla("apply")
	v, r := c.view("plan")
	held := map[string]bool{}
	for id, change := range changes(v.Plan) {
		if change.Action != reconcile.Delete || change.Fate.Held == "" {
			c.t.Errorf("after two rounds %s is still to be changed: %+v\n%s", id, change, r.stderr)
		}
		held[change.ID.Name] = true
	}
	for i := range chaosTopics {
		name := fmt.Sprintf("%st%d", c.pre, i)
		if got := c.partitions(name); got != c.declared[i] && !held[name] {
			c.t.Errorf("%s has %d partitions, want %d", name, got, c.declared[i])
		}
	}
	if got := c.topicConfig(c.pre + "orders")["retention.ms"]; got != "604800000" {
		c.t.Errorf("the topic's retention is %s", got)
	}
	if n, q := len(c.acls("User:"+c.pre+"bob")), c.quotas(c.pre+"bob"); n != 3 || q["consumer_byte_rate"] != 1048576 {
		c.t.Errorf("bob has %d access rules and the quotas %v", n, q)
	}
	n, q := len(c.acls("User:"+c.pre+"foreign")), c.quotas(c.pre+"foreign")
	if c.partitions(c.pre+"foreign-a") != 1 || n != 1 || q["consumer_byte_rate"] != 4321 {
		c.t.Errorf("what nobody declared: %d access rules, quotas %v", n, q)
	}
}

// soak skips what takes minutes.
func soak(t *testing.T) {
	t.Helper()
	if os.Getenv("OTTLA_SOAK") != "1" {
		t.Skip("it takes minutes: run with OTTLA_SOAK=1, as make soak does")
	}
}
