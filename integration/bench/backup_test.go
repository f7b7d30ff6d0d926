//go:build bench

package bench

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ottla-io/ottla/integration/kafkatest"
)

var backupMB = flag.Int64("backup-mb", 512, "megabytes of records of a kilobyte that backups are measured on (2000 is the figure of the documentation)")

const backupPartitions = 4

// run of a command: what a process of its own took.
type used struct {
	took     time.Duration
	cpu      time.Duration
	resident int64 // bytes at most
}

// command runs the binary as users do, and measures the process.
func command(t testing.TB, binary string, args ...string) used {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended, peak := make(chan struct{}), make(chan int64)
	go func() { peak <- watched(cmd.Process.Pid, ended) }()
	err := cmd.Wait()
	took := time.Since(began)
	close(ended)
	if resident := <-peak; err == nil {
		return used{took, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), resident}
	}
	t.Fatalf("ottla %s: %v\n%s", strings.Join(args, " "), err, out.String())
	return used{}
}

// watched is the most memory that a process had while it ran, in bytes. What
// wait4 says of it also counts what its parent had when it was started.
func watched(pid int, ended <-chan struct{}) (most int64) {
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		if status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)); err == nil {
			if _, rest, ok := strings.Cut(string(status), "VmHWM:"); ok {
				var kb int64
				if _, err := fmt.Sscan(rest, &kb); err == nil {
					most = kb << 10
				}
			}
		}
		select {
		case <-ended:
			return most
		case <-again.C:
		}
	}
}

// backups: a full run and a restore against what nobody can do without, for
// records that no producer compressed and for those that one did.
func backups(t *testing.T, binary string, out *table) {
	k, _ := fresh(t)
	for _, codec := range []string{"none", "lz4", "zstd"} {
		t.Run(codec, func(t *testing.T) { throughput(t, k, binary, codec, out) })
	}
	t.Run("partitions", func(t *testing.T) { manyPartitions(t, binary, out) })
}

func throughput(t *testing.T, k *kafkatest.Cluster, binary, codec string, out *table) {
	topic := "bench-" + codec
	l := newLog(t, k, topic, backupPartitions)
	l.fill(codec, *backupMB<<20)
	args := func(dir string) []string {
		return []string{"backup", "now", "--store", dir, "--bootstrap-server", k.Plain()[0], "--topics", topic, "--codec", "none"}
	}
	var stored int64
	var run used
	dir := ""
	ours, bare := inTurns(3, func() time.Duration {
		dir = t.TempDir()
		run = command(t, binary, args(dir)...)
		return run.took
	}, func() time.Duration {
		fetched, n := l.fetch()
		stored = n
		return max(fetched, write(t, t.TempDir(), n))
	})
	gb := float64(stored) / 1e9
	out.rate(fmt.Sprintf("backup of %.1f GB (%s) beside the slower of a bare fetch and a bare write", gb, codec), stored, ours, bare, "≥ 0.8")
	consumer := l.consume()
	out.figure(fmt.Sprintf("CPU of a backup (%s), and of a decoding consumer", codec),
		fmt.Sprintf("%.2f and %.2f s/GB", run.cpu.Seconds()/gb, consumer.Seconds()/gb), "")
	out.figure(fmt.Sprintf("resident memory of a backup, %d partitions (%s)", backupPartitions, codec), megabytes(run.resident), "≤ 256 MB")
	gives(t, k, binary, dir, l, codec, out)
}

// gives: a restore beside a loop that produces the same batches, stamped before.
func gives(t *testing.T, k *kafkatest.Cluster, binary, dir string, l *log, codec string, out *table) {
	batches, n := l.batches()
	i := 0
	var run used
	ours, bare := inTurns(3, func() time.Duration {
		i++
		to := fmt.Sprintf("back-%d-%s", i, l.topic)
		run = command(t, binary, "restore", "--store", dir, "--bootstrap-server", k.Plain()[0], "--rename", l.topic+"="+to, "--name", to)
		l.drop(to)
		return run.took
	}, func() time.Duration {
		i++
		to := fmt.Sprintf("bare-%d-%s", i, l.topic)
		took := newLog(t, k, to, backupPartitions).produce(batches)
		l.drop(to)
		return took
	})
	out.rate(fmt.Sprintf("restore (%s) beside a bare produce of the same batches", codec), n, ours, bare, "≥ 0.9")
	out.figure(fmt.Sprintf("CPU of a restore (%s)", codec), fmt.Sprintf("%.2f s/GB", run.cpu.Seconds()/(float64(n)/1e9)), "")
}

// manyPartitions: what a run costs that has little to copy from very many.
func manyPartitions(t *testing.T, binary string, out *table) {
	k, _ := fresh(t)
	const topics, partitions = 10, 100
	var logs []*log
	for i := range topics {
		l := newLog(t, k, fmt.Sprintf("small-%d", i), partitions)
		l.fill("none", 1<<20)
		logs = append(logs, l)
	}
	dir := t.TempDir()
	args := []string{"backup", "now", "--store", dir, "--bootstrap-server", k.Plain()[0], "--topics", "small-*"}
	first := command(t, binary, args...)
	out.figure("full run over 1,000 small partitions", round(first.took), "≤ 1s")
	out.figure("its resident memory", megabytes(first.resident), "≤ 256 MB")
	before := packs(t, dir)
	idle := median(5, func() time.Duration { return command(t, binary, args...).took })
	out.figure("a run without news over 1,000 partitions", round(idle), "≤ 500ms")
	out.figure("data objects written by five of them", fmt.Sprint(packs(t, dir)-before), "0")
	for _, l := range logs {
		l.fill("none", 16<<10)
	}
	before = packs(t, dir)
	command(t, binary, args...)
	out.figure("data objects written after 1 % new data over 1,000 partitions", fmt.Sprint(packs(t, dir)-before), "≤ bytes / 64 MB + 3")
}

// packs counts the data objects below a directory.
func packs(t testing.TB, dir string) int {
	t.Helper()
	n := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".pack") {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func megabytes(n int64) string { return fmt.Sprintf("%d MB", n/1e6) }

// rate is bytes in a time beside the bare limit; more is better.
func (t *table) rate(what string, bytes int64, ours, bare time.Duration, goal string) {
	speed := func(d time.Duration) string { return fmt.Sprintf("%.0f MB/s", float64(bytes)/1e6/d.Seconds()) }
	t.rows = append(t.rows, row{what, speed(ours), speed(bare), fmt.Sprintf("%.2f", float64(bare)/float64(ours)), goal})
}
