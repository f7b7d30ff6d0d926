//go:build bench

package bench

import (
	"bytes"
	"errors"
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

var backupMB = flag.Int64("backup-mb", 2000, "megabytes of records of a kilobyte that backups are measured on")

const backupPartitions = 4

// run of a command: what a process of its own took.
type used struct {
	took     time.Duration
	cpu      time.Duration
	kernel   time.Duration // of it
	resident int64         // bytes at most
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
		kernel := cmd.ProcessState.SystemTime()
		return used{took, cmd.ProcessState.UserTime() + kernel, kernel, resident}
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
	// Deleted topics leave the disk at once: a restore writes all of it each time.
	k := kafkatest.Start(t, kafkatest.Options{Properties: map[string]string{"log.segment.delete.delay.ms": "1000"}})
	for _, codec := range []string{"none", "lz4", "zstd"} {
		t.Run(codec, func(t *testing.T) { throughput(t, k, binary, codec, out) })
	}
	t.Run("partitions", func(t *testing.T) { manyPartitions(t, binary, out) })
}

func throughput(t *testing.T, k *kafkatest.Cluster, binary, codec string, out *table) {
	l := newLog(t, k.Plain(), "bench-"+codec, backupPartitions)
	l.fill(codec, *backupMB<<20)
	b := &backup{log: l, binary: binary, codec: codec, dir: t.TempDir()}
	var runs, kernel, fetches []time.Duration
	ours, bare := inTurns(3, func() time.Duration {
		run := b.run("none")
		runs, kernel, b.resident = append(runs, run.cpu), append(kernel, run.kernel), max(b.resident, run.resident)
		return run.took
	}, func() time.Duration {
		var fetched time.Duration
		fetches = append(fetches, cpu(t, func() { fetched, b.bytes = l.fetch() }))
		b.empty()
		return max(fetched, write(t, b.dir, b.bytes))
	})
	gb := float64(b.bytes) / 1e9
	out.rate(fmt.Sprintf("backup of %.1f GB (%s) beside the slower of a bare fetch and a bare write", gb, codec), b.bytes, ours, bare, "≥ 0.8")
	loaded := l.load()
	b.empty()
	spent := partsOf(t, loaded, b.dir, middle(fetches))
	out.cpu(fmt.Sprintf("CPU of that backup (%s) beside its parts, each alone", codec), gb, middle(runs), spent.all(), "≤ 1.1")
	out.figure("  of it in the kernel", perGB(middle(kernel), gb), "")
	out.figure("  the parts", spent.words(gb), "")
	out.cpu(fmt.Sprintf("CPU of that backup (%s) beside a consumer that decodes", codec), gb, middle(runs), l.consume(), "")
	out.figure(fmt.Sprintf("resident memory of a backup, %d partitions (%s)", backupPartitions, codec), megabytes(b.resident), "≤ 256 MB")
	b.run("none")
	b.gives(t, loaded, out)
	if codec == "none" {
		b.compressed(t, loaded, out)
	}
}

// backup is what is run again and again.
type backup struct {
	log           *log
	binary, codec string
	dir           string // of the store, anew for each run
	bytes         int64  // of all batches
	resident      int64
}

// empty makes the directory as if nobody had written to it.
func (b *backup) empty() {
	b.log.t.Helper()
	if err := errors.Join(os.RemoveAll(b.dir), os.Mkdir(b.dir, 0o700)); err != nil {
		b.log.t.Fatal(err)
	}
}

// run backs everything up into an empty store.
func (b *backup) run(codec string) used {
	b.log.t.Helper()
	b.empty()
	return command(b.log.t, b.binary, "backup", "now", "--store", b.dir, "--bootstrap-server", b.log.brokers[0], "--topics", b.log.topic, "--codec", codec)
}

// compressed: what --codec costs, the default and the cheaper ones.
func (b *backup) compressed(t *testing.T, loaded *loaded, out *table) {
	gb := float64(b.bytes) / 1e9
	for _, c := range []struct {
		codec string
		level int
	}{{"zstd", 0}, {"zstd", 1}, {"lz4", 0}} {
		spent, stored := compress(t, loaded, c.codec, c.level)
		out.figure(fmt.Sprintf("CPU of compressing, alone: %s, level %d", c.codec, c.level),
			fmt.Sprintf("%s, %.2f of the bytes", perGB(spent, gb), float64(stored)/float64(b.bytes)), "")
	}
	run := b.run("zstd")
	out.figure("CPU of a backup with --codec zstd, the default", perGB(run.cpu, gb), "")
	out.figure("its resident memory", megabytes(run.resident), "≤ 256 MB")
}

// gives: a restore beside a loop that produces the same batches, stamped before.
func (b *backup) gives(t *testing.T, loaded *loaded, out *table) {
	i := 0
	var runs, bares []time.Duration
	var resident int64
	ours, bare := inTurns(3, func() time.Duration {
		i++
		to := fmt.Sprintf("back-%d-%s", i, b.log.topic)
		run := command(t, b.binary, "restore", "--store", b.dir, "--bootstrap-server", b.log.brokers[0], "--rename", b.log.topic+"="+to, "--name", to)
		b.log.drop(to)
		runs, resident = append(runs, run.cpu), max(resident, run.resident)
		return run.took
	}, func() (took time.Duration) {
		i++
		to := newLog(t, b.log.brokers, fmt.Sprintf("bare-%d-%s", i, b.log.topic), backupPartitions)
		bares = append(bares, cpu(t, func() { took = to.produce(loaded.batches) }))
		to.drop(to.topic)
		return took
	})
	out.rate(fmt.Sprintf("restore (%s) beside a bare produce of the same batches", b.codec), b.bytes, ours, bare, "≥ 0.9")
	out.cpu(fmt.Sprintf("CPU of that restore (%s) beside that bare produce", b.codec), float64(b.bytes)/1e9, middle(runs), middle(bares), "")
	out.figure(fmt.Sprintf("resident memory of a restore, %d partitions (%s)", backupPartitions, b.codec), megabytes(resident), "≤ 256 MB")
}

// manyPartitions: what a run costs that has little to copy from very many.
func manyPartitions(t *testing.T, binary string, out *table) {
	k, _ := fresh(t)
	const topics, partitions = 10, 100
	var logs []*log
	for i := range topics {
		l := newLog(t, k.Plain(), fmt.Sprintf("small-%d", i), partitions)
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
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
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

// cpu is processor time for a gigabyte beside another; less is better.
func (t *table) cpu(what string, gb float64, ours, other time.Duration, goal string) {
	t.rows = append(t.rows, row{what, perGB(ours, gb), perGB(other, gb), fmt.Sprintf("%.2f", float64(ours)/float64(other)), goal})
}

func perGB(d time.Duration, gb float64) string { return fmt.Sprintf("%.2f s/GB", d.Seconds()/gb) }
