package integration

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/integration/storetest"
)

// beside is another agent with a state directory of its own, on the same
// repository and cluster.
func (w *world) beside() *world {
	other := *w
	other.dir = w.t.TempDir()
	other.env = maps.Clone(w.env)
	return &other
}

const sharedBackup = `apiVersion: kafka.oso.sh/v1alpha1
kind: KafkaBackup
metadata:
  name: both
  annotations: {ottla.io/verify: data}
spec:
  schedule: "*/3 * * * * *"
  kafkaCluster: {bootstrapServers: ["BROKER"]}
  topics: ["PRE*"]
  storage: {storageType: s3, s3: {bucket: both, region: us-east-1, endpoint: "ENDPOINT", pathStyle: true, allowHttp: true}}
  retention: {keepLast: 200}
`

// bothKeep lets two daemons keep one schedule in one bucket, and returns them
// and how the bucket is asked for.
func bothKeep(w *world) (one, two *daemon, second *world, ask []string) {
	s := storetest.S3(w.t)
	url := s.Bucket(w.t, "both")
	_, rest, _ := strings.Cut(url, "endpoint=")
	endpoint, _, _ := strings.Cut(rest, "&")
	w.more["stores"] = []any{map[string]any{"name": "both", "url": url, "s3": map[string]any{
		"accessKeyIDEnv": "AWS_ACCESS_KEY_ID", "secretAccessKeyEnv": "AWS_SECRET_ACCESS_KEY",
	}}}
	one = w.copied("a", "b", "c")
	w.push(map[string]string{"backup.yaml": strings.ReplaceAll(w.document(sharedBackup), "ENDPOINT", endpoint)})
	second = w.beside()
	return one, second.running(), second, []string{"--store", url}
}

// newest is the highest point that either daemon has seen made.
func newest(all ...*world) int64 {
	var n int64
	for _, w := range all {
		n = max(n, w.jobs()["backup/default/both"].Point)
	}
	return n
}

func TestSoakTwoDaemonsKeepOneScheduleAndOneIsKilled(t *testing.T) {
	soak(t)
	w := newWorldOn(t, kafkatest.Start(t, kafkatest.Options{}))
	orders := w.pre + "orders"
	one, two, second, ask := bothKeep(w)
	grows := func(most time.Duration, until int64, ask ...*world) {
		t.Helper()
		w.within(most, func() error {
			w.produce(orders, fmt.Sprint(time.Now().UnixNano()))
			if n := newest(ask...); n < until {
				return fmt.Errorf("point %d stands, want %d", n, until)
			}
			return nil
		})
	}
	grows(3*time.Minute, 8, w, second)
	one.kill()
	// While the second stands still the first one is killed in the middle of a run,
	// with its lease.
	w.must(two.cmd.Process.Signal(syscall.SIGSTOP))
	w.killedWithin(4*time.Minute, "pack stands", func() { w.produce(orders, fmt.Sprint(time.Now().UnixNano())) })
	w.must(two.cmd.Process.Signal(syscall.SIGCONT))
	before := newest(second)
	grows(4*time.Minute, before+5, second)
	again := w.running()
	grows(4*time.Minute, newest(second)+8, w, second)
	last := newest(w, second)
	w.within(4*time.Minute, func() error { // nobody produces any more
		if n := newest(w, second); n < last+2 {
			return fmt.Errorf("point %d stands, want %d", n, last+2)
		}
		return nil
	})
	for _, d := range []*daemon{again, two} {
		for title := range incidentsLeft(d) {
			t.Errorf("an incident is left: %s", title)
		}
	}
	again.stop(30 * time.Second)
	two.stop(30 * time.Second)
	numbers(w, ask)
	url := ask[1]
	w.holdsNow(url, orders, orders+"-back")
}

// numbers holds that points are numbered without a gap and are good.
func numbers(w *world, ask []string) {
	w.t.Helper()
	all := w.points(ask[1])
	by := map[int64]bool{}
	for i, p := range all {
		if p.Number != int64(i+1) || !strings.HasPrefix(p.State, "good") || by[p.Number] {
			w.t.Errorf("point %d of %d is %+v", i+1, len(all), p)
		}
		by[p.Number] = true
	}
	w.t.Logf("%d points", len(all))
}

// incidentsLeft are the errors that a daemon told of and not their end.
func incidentsLeft(d *daemon) map[string]bool {
	open := map[string]bool{}
	for line := range strings.Lines(d.log.String()) {
		parts := strings.SplitN(strings.TrimSpace(line), "\t", 4)
		if len(parts) < 4 {
			continue
		}
		var fields struct{ Incident string }
		if json.Unmarshal([]byte(parts[3]), &fields) != nil {
			continue
		}
		switch parts[2] {
		case "incident":
			open[fields.Incident] = true
		case "incident is over":
			delete(open, fields.Incident)
		}
	}
	return open
}
