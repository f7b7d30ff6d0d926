package integration

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"

	"github.com/ottla-io/ottla/integration/storetest"
	"github.com/ottla-io/ottla/sinks/backup/store"
)

func TestBackupStoresTakeAnObjectOnlyIfAbsent(t *testing.T) {
	for name, start := range storetest.Kinds() {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			b := bucket(t, s, "proof")
			for range 3 {
				if err := store.Probe(t.Context(), b); err != nil {
					t.Fatal(err)
				}
			}
			if left := keys(t, b); len(left) > 0 {
				t.Errorf("the probe left %v behind", left)
			}
		})
	}
}

func TestBackupStoreInWhichTwoWritersWinIsRefused(t *testing.T) {
	// gocloud's own driver for directories looks first and renames then.
	for range 200 {
		b, err := fileblob.OpenBucket(t.TempDir(), nil)
		if err != nil {
			t.Fatal(err)
		}
		err = store.Probe(t.Context(), b)
		_ = b.Close()
		if err != nil {
			t.Log(err)
			return
		}
	}
	t.Error("200 probes found no fault in gocloud's fileblob, in which more than one writer wins")
}

func TestBackupStoreThatIsDownIsAnErrorAndNotAWait(t *testing.T) {
	for name, start := range storetest.Kinds() {
		if name == "file" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			if name == "azure" {
				soak(t) // its client takes its time until it gives up
			}
			s := start(t)
			b := bucket(t, s, "proof")
			s.Stop()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			var err error
			if name != "gcs" { // Google's client tries an upload again until its context ends, which a run's lease does
				err = b.WriteAll(ctx, "one", []byte("text"), &blob.WriterOptions{ContentType: "text/plain", IfNotExist: true})
				if err == nil || ctx.Err() != nil {
					t.Errorf("writing: %v, after the deadline: %v", err, ctx.Err())
				}
			}
			if _, err = b.ReadAll(ctx, "one"); err == nil || ctx.Err() != nil {
				t.Errorf("reading: %v, after the deadline: %v", err, ctx.Err())
			}
			if err != nil && (strings.Contains(err.Error(), storetest.SecretAccessKey) || strings.Contains(err.Error(), storetest.AzureKey())) {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

// keys are the names of all objects.
func keys(t *testing.T, b *blob.Bucket) []string {
	t.Helper()
	var out []string
	for it := b.List(nil); ; {
		o, err := it.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, o.Key)
	}
}
