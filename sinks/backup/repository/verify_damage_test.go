package repository_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// damage is one way in which a repository can come to harm, and what a
// verification says of it.
type damage struct {
	name  string
	do    func(w *world, d *damaged)
	level repository.Level // that finds it; "" is structure
	says  []string         // in one of the findings, all of them
	point int64            // whose finding it is; 0 is the repository's
	note  bool             // it harms no point
}

// damaged is the world before it came to harm.
type damaged struct {
	packs []string // of the points 1, 2 and 3
}

func manifestName(n int64) string { return fmt.Sprintf("points/%012d.manifest", n) }

// threePoints is a repository of three points: the second goes on where the
// first ends, the third copies orders/0 in full.
func threePoints(t *testing.T, change ...func(*repository.Options)) (*world, *damaged) {
	t.Helper()
	w := newWorld(t, change...)
	d := &damaged{}
	for _, run := range [][]stretch{
		{{"orders", "A", 0, 0, 0, 100, "first"}, {"orders", "A", 1, 0, 0, 50, "first"}, {"pay", "B", 0, 0, 0, 30, "first"}},
		{{"orders", "A", 0, 0, 100, 150, "second"}, {"orders", "A", 1, 20, 50, 60, "second"}, {"pay", "B", 0, 0, 30, 30, "second"}},
		{{"orders", "A", 0, 0, 0, 160, "third"}, {"orders", "A", 1, 20, 60, 70, "third"}, {"pay", "B", 0, 0, 30, 40, "third"}},
	} {
		before := w.names("packs/")
		w.run(run...)
		for _, name := range w.names("packs/") {
			if !slices.Contains(before, name) {
				d.packs = append(d.packs, name)
			}
		}
	}
	return w, d
}

// flip changes one byte of an object, counted from its end where at is negative.
func flip(w *world, name string, at int) {
	b := w.get(name)
	if at < 0 {
		at += len(b)
	}
	b[at] ^= 0x40
	w.put(name, b)
}

// reseal changes a manifest as somebody could who has a key.
func reseal(w *world, n int64, key byte, change func(*format.Manifest)) {
	var m format.Manifest
	if _, err := format.Open(w.get(manifestName(n)), format.KindManifest, &m); err != nil {
		w.t.Fatal(err)
	}
	change(&m)
	seal(w, manifestName(n), format.KindManifest, m, key)
}

// seal writes an object; key 0 leaves it unsigned.
func seal(w *world, name, kind string, value any, key byte) {
	k := newKey(key)
	if key == 0 {
		k = nil
	}
	b, err := format.Seal(kind, value, k)
	if err != nil {
		w.t.Fatal(err)
	}
	w.put(name, b)
}

func damages() []damage {
	return slices.Concat(damagedPacks(), damagedManifests(), contradictions(), damagedSeries())
}

func damagedPacks() []damage {
	return []damage{
		{name: "a pack is missing", point: 2, says: []string{"PACK2", "missing"},
			do: func(w *world, d *damaged) { w.remove(d.packs[1]) }},
		{name: "a byte of a frame flipped", level: repository.Data, point: 2, says: []string{"PACK2", "orders/0"},
			do: func(w *world, d *damaged) { flip(w, d.packs[1], 100) }},
		{name: "a byte of a frame flipped, seen by a subset", level: repository.Subset, point: 2, says: []string{"PACK2", "orders/0"},
			do: func(w *world, d *damaged) { flip(w, d.packs[1], 100) }},
		{name: "a byte of the index flipped", point: 2, says: []string{"PACK2", "index"},
			do: func(w *world, d *damaged) { flip(w, d.packs[1], -format.TrailerSize-20) }},
		{name: "a byte of the trailer flipped", point: 2, says: []string{"PACK2"},
			do: func(w *world, d *damaged) { flip(w, d.packs[1], -1) }},
		{name: "a byte of the checksum in the trailer flipped", point: 2, says: []string{"PACK2", "index"},
			do: func(w *world, d *damaged) { flip(w, d.packs[1], 20-format.TrailerSize) }},
		{name: "a pack was cut off", point: 2, says: []string{"PACK2", "bytes"},
			do: func(w *world, d *damaged) { b := w.get(d.packs[1]); w.put(d.packs[1], b[:len(b)-10]) }},
		{name: "a pack is empty", point: 2, says: []string{"PACK2", "0 bytes"},
			do: func(w *world, d *damaged) { w.put(d.packs[1], nil) }},
		{name: "a pack has bytes behind its end", point: 2, says: []string{"PACK2", "bytes"},
			do: func(w *world, d *damaged) { w.put(d.packs[1], append(w.get(d.packs[1]), 0)) }},
		{name: "two packs were swapped", point: 2, says: []string{"PACK2"},
			do: func(w *world, d *damaged) {
				a, b := w.get(d.packs[0]), w.get(d.packs[1])
				w.put(d.packs[0], b)
				w.put(d.packs[1], a)
			}},
		{name: "a pack of the right size holds something else", point: 2, says: []string{"PACK2"},
			do: func(w *world, d *damaged) { w.put(d.packs[1], bytes.Repeat([]byte{'x'}, len(w.get(d.packs[1])))) }},
		{name: "a pack with the same frames at the same places but other records", point: 2, says: []string{"PACK2", "index"},
			do: func(w *world, d *damaged) { w.put(d.packs[1], likePack2(w, d)) }},
		{name: "a foreign file among the packs", note: true, says: []string{"packs/holiday.jpg", "none of ours"},
			do: func(w *world, _ *damaged) { w.put("packs/holiday.jpg", []byte("cheese")) }},
	}
}

// likePack2 is another pack of the same frames and the same size.
func likePack2(w *world, d *damaged) []byte {
	for i := range 1000 {
		text := fmt.Sprintf("S%05d", i)
		other := w.pack(stretch{"orders", "A", 0, 0, 100, 150, text}, stretch{"orders", "A", 1, 20, 50, 60, text}, stretch{"pay", "B", 0, 0, 30, 30, text})
		name := "packs/" + other.ID + ".pack"
		b := w.get(name)
		if w.remove(name); len(b) == len(w.get(d.packs[1])) {
			return b
		}
	}
	w.t.Fatal("no pack of the same size came up")
	return nil
}

func damagedManifests() []damage {
	return []damage{
		{name: "a byte of a manifest flipped", point: 2, says: []string{manifestName(2)},
			do: func(w *world, _ *damaged) { flip(w, manifestName(2), 40) }},
		{name: "the end of a manifest flipped", point: 2, says: []string{manifestName(2)},
			do: func(w *world, _ *damaged) { flip(w, manifestName(2), -2) }},
		{name: "a manifest was cut off", point: 2, says: []string{manifestName(2)},
			do: func(w *world, _ *damaged) { b := w.get(manifestName(2)); w.put(manifestName(2), b[:len(b)/2]) }},
		{name: "a manifest is empty", point: 2, says: []string{manifestName(2)},
			do: func(w *world, _ *damaged) { w.put(manifestName(2), nil) }},
		{name: "a foreign file among the points", note: true, says: []string{"points/README.txt", "none of ours"},
			do: func(w *world, _ *damaged) { w.put("points/README.txt", []byte("hello")) }},
		{name: "two manifests of one number", says: []string{"points/3.manifest", "second manifest of number 3"},
			do: func(w *world, _ *damaged) { w.put("points/3.manifest", w.get(manifestName(3))) }},
		{name: "a manifest is missing between others", says: []string{manifestName(2), "lost"},
			do: func(w *world, _ *damaged) { w.remove(manifestName(2)) }},
		{name: "the parent is missing", point: 3, says: []string{"2"},
			do: func(w *world, _ *damaged) { w.remove(manifestName(2)) }},
		{name: "another kind of object under a manifest's name", point: 2, says: []string{manifestName(2), "policy"},
			do: func(w *world, _ *damaged) {
				seal(w, manifestName(2), format.KindPolicy, map[string]int{"keepLast": 3}, 1)
			}},
		{name: "a manifest under another's number", point: 2, says: []string{manifestName(2), "1"},
			do: func(w *world, _ *damaged) { w.put(manifestName(2), w.get(manifestName(1))) }},
		{name: "a manifest of another repository", point: 2, says: []string{manifestName(2), "weekly"},
			do: func(w *world, _ *damaged) {
				reseal(w, 2, 1, func(m *format.Manifest) { m.Backup.Name = "weekly" })
			}},
		{name: "a manifest of another cluster", point: 2, says: []string{manifestName(2), "cluster-2"},
			do: func(w *world, _ *damaged) {
				reseal(w, 2, 1, func(m *format.Manifest) { m.Backup.Cluster = "cluster-2" })
			}},
		{name: "a manifest of a newer format", point: 2, says: []string{manifestName(2), "newer"},
			do: func(w *world, _ *damaged) { w.put(manifestName(2), []byte(newerObject)) }},
		{name: "a manifest with a field that is not known", point: 2, says: []string{manifestName(2), "surprise"},
			do: func(w *world, _ *damaged) {
				seal(w, manifestName(2), format.KindManifest, map[string]any{"version": 1, "number": 2, "surprise": true}, 1)
			}},
		{name: "a manifest signed by a stranger", point: 2, says: []string{manifestName(2), "not among the trusted keys"},
			do: func(w *world, _ *damaged) { reseal(w, 2, 9, func(*format.Manifest) {}) }},
		{name: "a manifest that is not signed", point: 2, says: []string{manifestName(2), "not signed"},
			do: func(w *world, _ *damaged) { reseal(w, 2, 0, func(*format.Manifest) {}) }},
	}
}

const newerObject = `{"ottla":"backup","kind":"manifest","version":99,"id":"00"}` + "\n{}\n" + `{"signature":"unsigned"}` + "\n"

func contradictions() []damage {
	frame := func(m *format.Manifest) *format.Frame { return &m.Parts[0].Packs[0].Frames[0] }
	return []damage{
		{name: "a frame overlaps the next", point: 2, says: []string{"orders/0"},
			do: func(w *world, _ *damaged) { reseal(w, 2, 1, func(m *format.Manifest) { frame(m).Next += 5 }) }},
		{name: "a hole in the cover", point: 2, says: []string{"orders/0", "110"},
			do: func(w *world, _ *damaged) {
				reseal(w, 2, 1, func(m *format.Manifest) {
					p := &m.Parts[0].Packs[0]
					p.Frames = slices.Delete(p.Frames, 1, 2)
				})
			}},
		{name: "a partition begins before its parent's end", point: 2, says: []string{"orders/0"},
			do: func(w *world, _ *damaged) {
				reseal(w, 2, 1, func(m *format.Manifest) { m.Topics[0].Partitions[0].Base = 90 })
			}},
		{name: "a frame with another checksum", point: 2, says: []string{"PACK2", "orders/0"},
			do: func(w *world, _ *damaged) {
				reseal(w, 2, 1, func(m *format.Manifest) { frame(m).Sum = strings.Repeat("ab", 32) })
			}},
		{name: "a frame with another number of records", point: 2, says: []string{"PACK2", "orders/0"},
			do: func(w *world, _ *damaged) { reseal(w, 2, 1, func(m *format.Manifest) { frame(m).Records++ }) }},
		{name: "a frame that stands elsewhere in its pack", point: 2, says: []string{"PACK2", "orders/0"},
			do: func(w *world, _ *damaged) { reseal(w, 2, 1, func(m *format.Manifest) { frame(m).Offset++ }) }},
		{name: "a pack that never was", point: 2, says: []string{"missing"},
			do: func(w *world, _ *damaged) {
				reseal(w, 2, 1, func(m *format.Manifest) { m.Parts[0].Packs[0].ID = reversed(m.Parts[0].Packs[0].ID) })
			}},
		{name: "a parent that is younger", point: 2, says: []string{manifestName(2)},
			do: func(w *world, _ *damaged) { reseal(w, 2, 1, func(m *format.Manifest) { m.Parent = 3 }) }},
		{name: "a parent that is itself", point: 2, says: []string{manifestName(2)},
			do: func(w *world, _ *damaged) { reseal(w, 2, 1, func(m *format.Manifest) { m.Parent = 2 }) }},
	}
}

// reversed makes another name of the same letters.
func reversed(id string) string {
	b := []byte(id)
	slices.Reverse(b)
	return string(b)
}

func damagedSeries() []damage {
	return []damage{
		{name: "a lease for a year", says: []string{"leases/000000000900.json", "a lease of 8760h"},
			do: func(w *world, _ *damaged) {
				seal(w, "leases/000000000900.json", format.KindLease, format.Lease{Holder: "somebody", TTL: 365 * 24 * time.Hour}, 1)
			}},
		{name: "a lease that is garbage", says: []string{"leases/000000000900.json"},
			do: func(w *world, _ *damaged) { w.put("leases/000000000900.json", []byte("{}")) }},
		{name: "a tombstone for a point that never was", says: []string{"removals", "77"},
			do: func(w *world, _ *damaged) {
				seal(w, "removals/000000000001.json", format.KindRemoval, format.Removal{Points: map[int64]string{77: "old"}}, 1)
			}},
		{name: "a tombstone signed by a stranger", says: []string{"removals/000000000001.json", "trusted"},
			do: func(w *world, _ *damaged) {
				seal(w, "removals/000000000001.json", format.KindRemoval, format.Removal{Points: map[int64]string{1: "old"}}, 9)
			}},
		{name: "a verification that is garbage", says: []string{"verifications/000000000001.json"},
			do: func(w *world, _ *damaged) { w.put("verifications/000000000001.json", []byte("good\n")) }},
		{name: "a policy that is garbage", says: []string{"policies/000000000001.json"},
			do: func(w *world, _ *damaged) { w.put("policies/000000000001.json", []byte("keep all\n")) }},
		{name: "a move that is garbage", says: []string{"moves/000000000001.json"},
			do: func(w *world, _ *damaged) { w.put("moves/000000000001.json", []byte{0x28, 0xb5, 0x2f, 0xfd, 0}) }},
	}
}

func TestEveryDamageIsReportedAndNeverGivenBackAsData(t *testing.T) {
	for _, d := range damages() {
		t.Run(d.name, func(t *testing.T) {
			w, was := threePoints(t)
			d.do(w, was)
			w.open()
			level := d.level
			if level == "" {
				level = repository.Structure
			}
			found, err := w.repo.Verify(t.Context(), repository.VerifyOptions{Level: level, Share: 1})
			if err != nil {
				t.Fatal(err)
			}
			says := slices.Clone(d.says)
			for i := range says {
				says[i] = strings.ReplaceAll(says[i], "PACK2", was.packs[1])
			}
			one := slices.IndexFunc(found, func(v format.Verification) bool { return v.Point == d.point })
			if one < 0 {
				t.Fatalf("nothing was found of point %d: %+v", d.point, found)
			}
			if found[one].Good != d.note || !slices.ContainsFunc(found[one].Found, func(words string) bool { return containsAll(words, says) }) {
				t.Errorf("good is %v, and none of these says all of %q:\n%s", found[one].Good, says, strings.Join(found[one].Found, "\n"))
			}
			if d.note && len(found) != 4 {
				t.Errorf("a note, but found %+v", found)
			}
			neverWrong(t, w)
		})
	}
}

func containsAll(s string, parts []string) bool {
	for _, p := range parts {
		if !strings.Contains(s, p) {
			return false
		}
	}
	return true
}

// neverWrong reads every point: it gives back what it contained, or an error.
func neverWrong(t *testing.T, w *world) {
	t.Helper()
	for n, want := range w.want {
		got, err := read(t.Context(), w.open(), n)
		if err == nil {
			if words := differs(want, got); words != "" {
				t.Errorf("point %d was silently given back wrong: %s", n, words)
			}
		}
	}
}

func TestAWholeRepositoryIsGoodAtEveryLevel(t *testing.T) {
	for _, level := range []repository.Level{"", repository.Structure, repository.Subset, repository.Data} {
		w, _ := threePoints(t)
		var done, total int64
		found, err := w.repo.Verify(t.Context(), repository.VerifyOptions{Level: level, Share: 0.5, Progress: func(d, of int64) { done, total = d, of }})
		if err != nil {
			t.Fatal(err)
		}
		if len(found) != 3 {
			t.Fatalf("level %q: %d verifications of 3 points: %+v", level, len(found), found)
		}
		for _, v := range found {
			if !v.Good || len(v.Found) > 0 || (len(v.Digests) == 3) != (level == repository.Data) {
				t.Errorf("level %q: %+v", level, v)
			}
		}
		if done == 0 || done != total {
			t.Errorf("level %q: %d of %d bytes at the end", level, done, total)
		}
		for n, want := range w.want {
			if got, err := read(t.Context(), w.repo, n); err != nil || differs(want, got) != "" {
				t.Errorf("point %d: %v %s", n, err, differs(want, got))
			}
		}
	}
}

func TestEncryptedPacksWithoutAnIdentityAreCheckedByTheirSizesOnly(t *testing.T) {
	ours, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	w, was := threePoints(t, func(o *repository.Options) { o.Recipients = []age.Recipient{ours.Recipient()} })
	check := func(level repository.Level, good bool, says string, identities ...age.Identity) {
		t.Helper()
		w.opts.Identities = identities
		found, err := w.open().Verify(t.Context(), repository.VerifyOptions{Level: level, Point: 2})
		if err != nil {
			t.Fatal(err)
		}
		if all := strings.Join(found[0].Found, "\n"); found[0].Good != good || !strings.Contains(all, says) || says == "" && all != "" {
			t.Errorf("%s: good is %v, found %q, wanted %v and %q", level, found[0].Good, all, good, says)
		}
		neverWrong(t, w)
	}
	check(repository.Data, true, "", ours)
	check(repository.Data, true, "only that they are present")
	check(repository.Data, true, "no age identity here opens them", stranger)
	theirs := w.get(was.packs[1])
	w.opts.Recipients = []age.Recipient{stranger.Recipient()}
	w.open()
	w.put(was.packs[1], likePack2(w, was))
	check(repository.Structure, false, was.packs[1], ours)
	w.put(was.packs[1], theirs)
	flip(w, was.packs[1], 400)
	check(repository.Data, false, was.packs[1], ours)
	w.remove(was.packs[1])
	check(repository.Structure, false, "missing")
}
