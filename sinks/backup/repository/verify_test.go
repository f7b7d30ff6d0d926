package repository_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gocloud.dev/gcerrors"

	"github.com/ottla-io/ottla/sinks/backup/batch"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/store/storetest"
	"github.com/ottla-io/ottla/sinks/backup/store/through"
)

// oneByOne works out the record digests of a point by reading it alone.
func oneByOne(ctx context.Context, repo *repository.Repository, n int64) (all []format.Digest, err error) {
	p, err := repo.Point(ctx, n)
	if err != nil {
		return nil, err
	}
	for _, t := range p.Topics {
		for _, part := range t.Partitions {
			sum, dec := batch.NewDigest(), batch.NewDecoder()
			for _, ref := range p.Refs(t.Name, part.Partition) {
				b, err := repo.Frame(ctx, ref, nil)
				if err != nil {
					return nil, err
				}
				for len(b) > 0 {
					var one []byte
					if _, one, b, err = batch.Parse(b); err != nil {
						return nil, err
					}
					err := dec.Records(one, func(r batch.Record) error {
						if r.Offset >= ref.From && r.Offset < ref.To {
							sum.Add(r)
						}
						return nil
					})
					if err != nil {
						return nil, err
					}
				}
			}
			d := format.Digest{Topic: t.Name, Partition: part.Partition, Start: part.Start, End: part.End}
			d.Digest, d.Records = sum.Sum()
			all = append(all, d)
		}
	}
	return all, nil
}

func TestDigestsAreThoseOfEachPointAndEachFrameIsReadOnce(t *testing.T) {
	w, _ := threePoints(t)
	w.run(stretch{"orders", "A", 0, 30, 125, 140, "cut at 125"}, stretch{"orders", "A", 1, 30, 70, 70, ""}, stretch{"pay", "B", 0, 40, 40, 40, ""})
	faults := &storetest.Faults{}
	w.opts.Bucket = faults.Wrap(w.bucket)
	w.open()
	found, err := w.repo.Verify(t.Context(), repository.VerifyOptions{Level: repository.Data})
	if err != nil {
		t.Fatal(err)
	}
	reads := 0
	for _, c := range faults.Calls(through.Open) {
		if strings.HasSuffix(c.Key, ".pack") {
			reads++
		}
	}
	frames := 10 + 5 + 3 + 5 + 1 + 16 + 1 + 1 + 2
	// Points 3 and 4 disagree from 125 on: what they have in common before it is
	// read for each.
	if most := 4*2 + frames + 16; reads > most {
		t.Errorf("%d reads of packs for %d frames in 4 packs", reads, frames)
	}
	for _, v := range found {
		want, err := oneByOne(t.Context(), w.repo, v.Point)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(v.Digests, want) {
			t.Errorf("point %d: %+v\nwant %+v", v.Point, v.Digests, want)
		}
	}
}

func TestADamagedFrameTakesTheDigestOfItsPartitionAlone(t *testing.T) {
	w, d := threePoints(t)
	flip(w, d.packs[0], 100) // orders/0 of the first run: points 1 and 2
	found, err := w.open().Verify(t.Context(), repository.VerifyOptions{Level: repository.Data})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range found {
		damaged := v.Point < 3
		has := slices.ContainsFunc(v.Digests, func(d format.Digest) bool { return d.Topic == "orders" && d.Partition == 0 })
		if v.Good == damaged || has == damaged || len(v.Digests) < 2 {
			t.Errorf("point %d: %+v", v.Point, v)
		}
	}
}

func TestASubsetTurnsUntilEveryPackWasRead(t *testing.T) {
	w := newWorld(t)
	for i := range int64(10) {
		w.run(stretch{"orders", "A", 0, 0, 10 * i, 10*i + 10, "a"})
	}
	faults := &storetest.Faults{}
	w.opts.Bucket = faults.Wrap(w.bucket)
	read := map[string]int{}
	for range 4 {
		faults.Reset()
		if _, err := w.open().Verify(t.Context(), repository.VerifyOptions{Level: repository.Subset, Share: 0.25}); err != nil {
			t.Fatal(err)
		}
		calls := map[string]int{}
		for _, c := range faults.Calls(through.Open) {
			calls[c.Key]++
		}
		for _, name := range w.names("packs/") {
			if calls[place+name] > 2 { // trailer, index, and a frame
				read[name]++
			}
		}
	}
	if len(read) != 10 {
		t.Errorf("after 4 quarters %d of 10 packs were read: %v", len(read), read)
	}
	for name, n := range read {
		if n > 2 {
			t.Errorf("%s was read %d times", name, n)
		}
	}
}

func TestAReaderWithoutTheRightToWriteStillGetsResults(t *testing.T) {
	w, _ := threePoints(t)
	w.opts.Bucket = through.Bucket(w.bucket, func(_ context.Context, op through.Op, _ string, do func() error) error {
		if op == through.Write {
			return refusal{gcerrors.PermissionDenied}
		}
		return do()
	})
	found, err := w.open().Verify(t.Context(), repository.VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range found {
		if !v.Good || !strings.Contains(fmt.Sprint(v.Found), "could not be written down") {
			t.Errorf("%+v", v)
		}
	}
}

func TestAStoreThatFailsIsNoDamage(t *testing.T) {
	w, _ := threePoints(t)
	w.opts.Bucket = through.Bucket(w.bucket, func(_ context.Context, op through.Op, key string, do func() error) error {
		if op == through.Open && strings.HasSuffix(key, ".pack") {
			return refusal{gcerrors.ResourceExhausted}
		}
		return do()
	})
	if found, err := w.open().Verify(t.Context(), repository.VerifyOptions{}); err == nil {
		t.Errorf("got %+v", found)
	}
	if names := w.names("verifications/"); len(names) != 0 {
		t.Errorf("a store that failed was written down as damage: %q", names)
	}
}

func TestVerifyRefusesWhatIsNotThere(t *testing.T) {
	w, _ := threePoints(t)
	if _, err := w.repo.Verify(t.Context(), repository.VerifyOptions{Point: 9}); !errors.Is(err, repository.ErrNoPoint) {
		t.Errorf("got %v", err)
	}
	if _, err := w.repo.Verify(t.Context(), repository.VerifyOptions{Level: repository.Subset, Share: 2}); err == nil {
		t.Error("a share of 2 was taken")
	}
	empty := newWorld(t)
	if found, err := empty.repo.Verify(t.Context(), repository.VerifyOptions{}); err != nil || len(found) != 0 {
		t.Errorf("an empty repository: %+v %v", found, err)
	}
}
