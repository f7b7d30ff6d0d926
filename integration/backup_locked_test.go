package integration

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ottla-io/ottla/integration/corpus"
	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/integration/storetest"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/store"
)

func TestBackupsInALockedBucketGoOnWhateverRetentionMayDelete(t *testing.T) {
	k := kafkatest.Shared(t)
	s := storetest.Locked(t)
	for name, mayDelete := range map[string]bool{"who-may-delete": true, "who-may-not": false} {
		t.Run(name, func(t *testing.T) {
			pre := kafkatest.Prefix(t)
			url := s.Bucket(t, name)
			options := s.Options(url)
			if !mayDelete {
				options = s.AsWriter(url)
			}
			b, err := store.Open(t.Context(), options)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = b.Close() })
			lockedBucket(newVault(t, k, b, pre), s, name, mayDelete)
		})
	}
}

// lockedBucket makes points, drops some, sweeps, and goes on.
func lockedBucket(v *vault, s *storetest.Server, name string, mayDelete bool) {
	w := corpus.NewWriter(v.t, v.kafka, v.pre)
	again, grows := w.Topic("again", 2), w.Topic("grows", 1)
	topics := []string{again, grows}
	run := func(seed uint64) {
		w.Produce(again, 0, corpus.Batch{Records: corpus.Records(300, seed)})
		w.Produce(grows, 0, corpus.Batch{Records: corpus.Records(50, seed)})
		v.backUp()
	}
	run(1)
	run(2)
	w.Recreate(again, 2) // what the first two points hold of it is dead without them
	run(3)
	want := v.look(v.pre, topics, nil)
	v.backUp()
	before := onceEach(v.t, s.S3Client(), name)
	swept := v.retain(map[int64]string{1: "test", 2: "test"}, s.Dir)
	if told := swept.Rights(); mayDelete && (swept.Objects == 0 || len(swept.Refused) > 0) || !mayDelete && (swept.Objects > 0 || !strings.Contains(told, "is the right to delete missing?")) {
		v.t.Errorf("%+v is told as %q", swept, told)
	}
	v.reopen()
	v.sound()
	to := kafkatest.Prefix(v.t) + "back-"
	v.giveBack("all", to)
	v.same(want, topics, nil, to)
	run(4)
	v.reopen()
	v.sound()
	// A deletion in a locked bucket hides an object: all versions are still there.
	if after := onceEach(v.t, s.S3Client(), name); after <= before {
		v.t.Errorf("%d versions were there before retention, %d are now", before, after)
	}
}

// retain drops points and sweeps, two days later by the store's clock.
func (v *vault) retain(points map[int64]string, dir string) (swept repository.Swept) {
	v.t.Helper()
	v.leased(func(l *repository.Lease) error { return v.repo.Remove(v.t.Context(), l, points) })
	old := time.Now().Add(-48 * time.Hour)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		return os.Chtimes(path, old, old)
	})
	if err != nil {
		v.t.Fatal(err)
	}
	v.reopen()
	v.leased(func(l *repository.Lease) (err error) {
		swept, err = v.repo.Sweep(v.t.Context(), l, false)
		return err
	})
	return swept
}

// leased does what takes the lease.
func (v *vault) leased(do func(*repository.Lease) error) {
	v.t.Helper()
	lease, err := v.repo.Acquire(v.t.Context(), time.Minute)
	if err == nil {
		err = errors.Join(do(lease), lease.Release(v.t.Context()))
	}
	if err != nil {
		v.t.Fatal(err)
	}
}

// onceEach holds that no object was written twice, and counts the versions.
func onceEach(t *testing.T, client *s3.Client, bucket string) int {
	t.Helper()
	all, err := client.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: &bucket})
	if err != nil {
		t.Fatal(err)
	}
	versions := map[string]int{}
	for _, v := range all.Versions {
		if versions[*v.Key]++; versions[*v.Key] > 1 {
			t.Errorf("%s was overwritten", *v.Key)
		}
	}
	return len(all.Versions)
}
