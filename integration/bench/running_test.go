//go:build bench

package bench

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ottla-io/ottla/integration/gitservers"
	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/sources/git"
)

// declare makes a repository of n topics, a file each.
func declare(t *testing.T, prefix string, n int) *gitservers.Repo {
	t.Helper()
	repo := gitservers.NewRepo(t)
	for _, name := range topicNames(prefix, n) {
		repo.Write(name+".yaml", topicDocument(name))
	}
	repo.Commit("topics")
	return repo
}

// running: what people wait for, on a daemon that keeps a thousand topics.
func running(t *testing.T, binary string, out *table) {
	k, b := fresh(t)
	t.Run("1s", func(t *testing.T) {
		repo := declare(t, "ours", 1000)
		run(t, binary, k.Plain(), repo, "1s")
		heals(t, b, "1s", 5, out)
	})
	repo := gitservers.NewRepo(t)
	repo.Write("one.yaml", topicDocument("ours-00000"))
	repo.Commit("one")
	d := run(t, binary, k.Plain(), repo, "")
	pushes(d, b, out)
	heals(t, b, "30s", 3, out)
	resident(t, k, binary, "ours", 1000, out)
}

// pushes: from the signed delivery of a push until its topic is visible.
func pushes(d *daemon, b bare, out *table) {
	i := 0
	took := median(20, func() time.Duration {
		name := fmt.Sprintf("pushed-%02d", i)
		i++
		d.repo.CommitFile(name+".yaml", topicDocument(name))
		began := time.Now()
		d.deliver()
		b.visible(name)
		return time.Since(began)
	})
	out.figure("push to applied, by a webhook, p50 of 20", round(took), "< 1s")
}

// heals: from a manual change, at any time between two rounds, until it is
// undone.
func heals(t *testing.T, b bare, every string, n int, out *table) {
	const topic, declared = "ours-00000", "604800000"
	interval, err := time.ParseDuration(every)
	if err != nil {
		t.Fatal(err)
	}
	took := median(n, func() time.Duration {
		<-time.After(time.Duration(rand.Int64N(int64(interval))))
		began := b.edit(topic, "1000000")
		until(t, time.Minute+2*interval, func() bool { return b.retention(topic) == declared })
		return time.Since(began)
	})
	out.figure(fmt.Sprintf("edit to healed, a round every %s, p50 of %d", every, n), round(took), "≤ "+every)
}

// resident is the memory of a daemon that keeps topics that are there already.
func resident(t *testing.T, k *kafkatest.Cluster, binary, prefix string, n int, out *table) {
	t.Run(fmt.Sprintf("memory at %d", n), func(t *testing.T) {
		d := run(t, binary, k.Plain(), declare(t, prefix, n), "1s")
		for round := range 3 {
			edited := topicName(prefix, round)
			b := bare{t, k.Client(t)}
			b.edit(edited, "1000000")
			until(t, 5*time.Minute, func() bool { return b.retention(edited) == "604800000" })
		}
		now, most := d.memory()
		out.figure(fmt.Sprintf("resident memory at %d topics, now (at most)", n), now+" ("+most+")", "≤ 150 MB")
	})
}

// polls: what a look at a repository of a thousand branches costs on the wire.
func polls(t *testing.T, out *table) {
	repo := declare(t, "ours", 1000)
	head := repo.Head()
	for i := range 1000 {
		repo.Serve("update-ref", fmt.Sprintf("refs/heads/feature-%04d", i), head)
	}
	server := gitservers.HTTP(t, gitservers.HTTPOptions{Root: repo.Root})
	r, err := git.Open(git.Options{URL: server.URL(repo.Name), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	source := r.Follow(git.Ref{Branch: "main"})
	var before int64
	cost := func(what string, bare int64) {
		if _, err := source.Fetch(t.Context()); err != nil {
			t.Fatal(err)
		}
		var total int64
		for _, one := range r.Stats() {
			total += one.Bytes
		}
		out.bytes(what+" (1,000 files, 1,000 branches)", total-before, bare)
		before = total
	}
	cost("first clone, received", packed(t, repo, "main"))
	cost("poll without news, received", 0)
	repo.CommitFile("ours-00000.yaml", topicDocument("ours-00000")+"# edited\n")
	cost("poll with one commit, received", packed(t, repo, "main", "--not", head))
}

// packed is the size of the pack that git makes of these revisions: what must
// be sent at least.
func packed(t *testing.T, repo *gitservers.Repo, revisions ...string) int64 {
	t.Helper()
	cmd := exec.Command("git", "pack-objects", "--revs", "--stdout", "--quiet")
	cmd.Dir, cmd.Stdin = repo.Bare(), strings.NewReader(strings.Join(revisions, "\n")+"\n")
	pack, err := cmd.Output()
	if err != nil {
		t.Fatalf("git pack-objects: %v", err)
	}
	return int64(len(pack))
}
