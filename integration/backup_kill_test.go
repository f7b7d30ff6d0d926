package integration

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ottla-io/ottla/integration/corpus"
	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/store"
)

// keeper is what a person has without an agent: the binary, a directory and a
// bootstrap address.
type keeper struct {
	t     *testing.T
	kafka *kafkatest.Cluster
	pre   string
	dir   string
}

// at runs a command on store and cluster that kills itself at a step; 0 is none.
func (k *keeper) at(step int, args ...string) result {
	k.t.Helper()
	return k.onStore(step, append(args, "--bootstrap-server", k.kafka.Plain()[0])...)
}

// onStore runs a command on the store alone.
func (k *keeper) onStore(step int, args ...string) result {
	k.t.Helper()
	path, err := binary()
	if err != nil {
		k.t.Fatal(err)
	}
	cmd := exec.CommandContext(k.t.Context(), path, append(args, "--store", k.dir)...)
	cmd.Env = append(os.Environ(), killEnv+"="+strconv.Itoa(step))
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		k.t.Fatalf("ottla %s: %v", strings.Join(args, " "), err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), stderr.String()}
}

func (k *keeper) must(args ...string) {
	k.t.Helper()
	if r := k.at(0, args...); r.code != 0 {
		k.t.Fatalf("ottla %s: exit %d\n%s\n%s", strings.Join(args, " "), r.code, r.out, r.stderr)
	}
}

func (k *keeper) now() []string { return []string{"backup", "now", "--topics", k.pre + "*"} }

// expire makes the lease of a dead process older than it may be, so that nobody
// has to wait for that.
func (k *keeper) expire() {
	k.t.Helper()
	old := time.Now().Add(-time.Hour)
	err := filepath.WalkDir(k.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.Contains(path, "lease") {
			return os.Chtimes(path, old, old)
		}
		return err
	})
	if err != nil {
		k.t.Fatal(err)
	}
}

// digests verifies every record of every point, and returns the record digests
// of each, in order.
func (k *keeper) digests() [][]format.Digest {
	k.t.Helper()
	b, err := store.Open(k.t.Context(), store.Options{URL: "file://" + k.dir})
	if err != nil {
		k.t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	all, err := repository.Find(k.t.Context(), b)
	if err != nil || len(all) != 1 {
		k.t.Fatalf("%d backup repositories, %v", len(all), err)
	}
	repo, err := repository.Open(k.t.Context(), repository.Options{Bucket: b, Identity: all[0], Writer: "test/1", Now: time.Now})
	if err != nil {
		k.t.Fatal(err)
	}
	found, err := repo.Verify(k.t.Context(), repository.VerifyOptions{Level: repository.Data})
	if err != nil {
		k.t.Fatal(err)
	}
	var out [][]format.Digest
	for _, f := range found {
		if !f.Good {
			k.t.Errorf("point %d: %v", f.Point, f.Found)
		}
		out = append(out, f.Digests)
	}
	return out
}

func newKeeper(t *testing.T) (*keeper, *corpus.Corpus) {
	t.Helper()
	k := &keeper{t: t, kafka: kafkatest.Shared(t), pre: strings.ToLower(kafkatest.Prefix(t)), dir: t.TempDir()}
	// Few batches: a restore has a step for each.
	return k, corpus.Write(t, k.kafka, k.pre, "headers", "log-append", "open-transaction", "empty")
}

func TestKill9AtEveryStepOfABackupLosesNoPromise(t *testing.T) {
	k, c := newKeeper(t)
	w := corpus.NewWriter(t, k.kafka, k.pre)
	k.must(k.now()...)
	before := k.digests()[0]
	w.Produce(c.Topics[0], 0, corpus.Batch{Records: corpus.Records(100, 5)})
	first, steps := k.dir, 0
	var after []format.Digest
	for step := 1; step <= mostSteps; step++ {
		k.dir = filepath.Join(t.TempDir(), "store")
		if err := os.CopyFS(k.dir, os.DirFS(first)); err != nil {
			t.Fatal(err)
		}
		r := k.at(step, k.now()...)
		if r.code != -1 {
			break
		}
		steps++
		k.expire()
		if got := k.digests(); !reflect.DeepEqual(got[0], before) {
			t.Fatalf("step %d: the point of before is not what it was", step)
		}
		k.must(k.now()...)
		got := k.digests()
		if newest := got[len(got)-1]; after == nil {
			after = newest
		} else if !reflect.DeepEqual(newest, after) {
			t.Fatalf("step %d: the next run's point is %v, want %v", step, newest, after)
		}
	}
	if steps < 8 || steps == mostSteps {
		t.Errorf("a run was killed at %d steps, want at least 8 and all of them", steps)
	}
	t.Logf("killed at each of %d steps", steps)
}

func TestKill9AtEveryStepOfARestoreDoublesNothing(t *testing.T) {
	k, c := newKeeper(t)
	corpusOf := func(to string) map[string]corpus.Partitions {
		out := map[string]corpus.Partitions{}
		for _, topic := range c.Topics {
			name := strings.TrimPrefix(topic, k.pre)
			out[name] = corpus.Read(t, k.kafka.Client(t), to+name)
		}
		return out
	}
	k.must(k.now()...)
	want := corpusOf(k.pre)
	steps := 0
	for step := 1; step <= mostSteps; step++ {
		to := fmt.Sprintf("%sback%d-", strings.Replace(k.pre, "kill9", "k9", 1), step)
		args := []string{"restore", "--name", to, "--rename", k.pre + "*=" + to + "*"}
		r := k.at(step, args...)
		if r.code != -1 {
			break
		}
		steps++
		k.expire()
		k.must(args...)
		for name, got := range corpusOf(to) {
			if d := corpus.Differences(want[name], got); d != "" {
				t.Fatalf("step %d: %s: %s", step, name, d)
			}
		}
	}
	if steps < 15 || steps == mostSteps {
		t.Errorf("a restore was killed at %d steps, want at least 15 and all of them", steps)
	}
	t.Logf("killed at each of %d steps", steps)
}
