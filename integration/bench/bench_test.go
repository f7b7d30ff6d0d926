//go:build bench

package bench

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/ottla-io/ottla/integration/kafkatest"
)

var many = flag.Int("many", 0, "also measure at this many topics (10000 takes some minutes and 10,000 file descriptors)")

// row is one line of the table.
type row struct{ what, ours, bare, ratio, goal string }

type table struct{ rows []row }

func (t *table) ratio(what string, ours, bare time.Duration, goal string) {
	t.rows = append(t.rows, row{what, round(ours), round(bare), fmt.Sprintf("%.2f", float64(ours)/float64(bare)), goal})
}

// bytes beside the least that could be sent, 0 where there is no such figure.
func (t *table) bytes(what string, ours, least int64) {
	r := row{what: what, ours: fmt.Sprintf("%d B", ours)}
	if least > 0 {
		r.bare, r.ratio = fmt.Sprintf("%d B", least), fmt.Sprintf("%.2f", float64(ours)/float64(least))
	}
	t.rows = append(t.rows, r)
}

func (t *table) figure(what, ours, goal string) {
	t.rows = append(t.rows, row{what, ours, "", "", goal})
}

func round(d time.Duration) string { return d.Round(time.Millisecond / 10).String() }

func (t *table) print() {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "what\tours\tbare\tratio\tgoal")
	for _, r := range t.rows {
		_, _ = fmt.Fprintln(w, strings.Join([]string{r.what, r.ours, r.bare, r.ratio, r.goal}, "\t"))
	}
	_ = w.Flush()
}

// median of a few runs: one slow collection must not make a figure.
func median(n int, run func() time.Duration) time.Duration {
	var all []time.Duration
	for range n {
		all = append(all, run())
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// inTurns is the median of each of two, which take turns so that a busy machine
// slows both alike.
func inTurns(n int, one, other func() time.Duration) (time.Duration, time.Duration) {
	var all, others []time.Duration
	for range n {
		all, others = append(all, one()), append(others, other())
	}
	slices.Sort(all)
	slices.Sort(others)
	return all[n/2], others[n/2]
}

func TestBench(t *testing.T) {
	var out table
	defer out.print()
	t.Run("topics", func(t *testing.T) { newTopics(t, &out) })
	t.Run("users", func(t *testing.T) { users(t, &out) })
	t.Run("poll", func(t *testing.T) { polls(t, &out) })
	binary := build(t)
	t.Run("daemon", func(t *testing.T) { running(t, binary, &out) })
	t.Run("backups", func(t *testing.T) { backups(t, binary, &out) })
	if *many > 0 {
		t.Run("many", func(t *testing.T) { atMany(t, *many, binary, &out) })
	}
}

// fresh is a broker of its own: one that still makes the logs of a thousand
// topics is slow for whoever comes next, and would decide the ratio.
func fresh(t *testing.T) (*kafkatest.Cluster, bare) {
	k := kafkatest.Start(t, kafkatest.Options{})
	return k, bare{t, k.Client(t)}
}

// newTopics: a thousand topics of one commit until the last is visible, then
// rounds that have nothing to do.
func newTopics(t *testing.T, out *table) {
	const n = 1000
	var bareCreate time.Duration
	t.Run("bare", func(t *testing.T) {
		_, b := fresh(t)
		bareCreate = b.create("bare", n)
	})
	k, b := fresh(t)
	p := newProduct(t, k.Plain())
	p.topics("ours", n)
	ours, report := p.round()
	if len(report.Syncs[0].Outcomes) < n {
		t.Fatalf("%d outcomes", len(report.Syncs[0].Outcomes))
	}
	b.visible(topicNames("ours", n)...)
	out.ratio("1,000 new topics until the last is visible", ours, bareCreate, "≤ 1.2")
	noop(p, b, out, "ours", n)
}

// noop compares rounds that have nothing to do with the describes that nobody
// can do without: the metadata, and the declared key of each topic.
func noop(p *product, b bare, out *table, prefix string, n int) {
	names := topicNames(prefix, n)
	p.round()
	bareTime, ours := inTurns(5, func() time.Duration { return b.describe(names, []string{"retention.ms"}) }, func() time.Duration {
		took, r := p.round()
		if len(r.Syncs[0].Plan.Changes) > 0 {
			p.t.Errorf("a round that should have nothing to do: %+v", r.Syncs[0].Plan.Changes[0])
		}
		return took
	})
	out.ratio(fmt.Sprintf("no-op round at %d topics", n), ours, bareTime, "≤ 1.1")
}

// users: five hundred users with credentials, ACLs and quotas, against the
// three requests that make them.
func users(t *testing.T, out *table) {
	const n = 500
	var bareUsers time.Duration
	t.Run("bare", func(t *testing.T) {
		_, b := fresh(t)
		bareUsers = b.users("user", n)
	})
	k, _ := fresh(t)
	p := newProduct(t, k.Plain())
	p.users("user", n)
	ours, _ := p.round()
	p.round() // it remembers the iterations it found
	out.ratio("500 users with SCRAM, ACLs and quotas", ours, bareUsers, "")
	took, r := p.round()
	if len(r.Syncs[0].Plan.Changes) > 0 {
		t.Errorf("it does not settle: %+v", r.Syncs[0].Plan.Changes[0])
	}
	out.figure("no-op round at 500 users", round(took), "")
}

// atMany: a no-op round, and then the memory of a daemon, at very many topics.
func atMany(t *testing.T, n int, binary string, out *table) {
	k, b := fresh(t)
	t.Run("in this process", func(t *testing.T) {
		p := newProduct(t, k.Plain())
		p.topics("many", n)
		ours, _ := p.round()
		out.figure(fmt.Sprintf("%d new topics until the last is visible", n), round(ours), "")
		noop(p, b, out, "many", n)
	})
	resident(t, k, binary, "many", n, out)
}
