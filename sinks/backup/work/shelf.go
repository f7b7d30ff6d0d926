package work

import (
	"context"
	"fmt"

	"gocloud.dev/blob"
	"gocloud.dev/blob/memblob"

	"github.com/ottla-io/ottla/sinks/backup/store/through"
)

// Shelf keeps the records of jobs that have no backup for whoever works on the
// cluster next, where that may be another machine. Nothing on it is overwritten.
type Shelf interface {
	Names() []string
	Load(name string) []byte
	Save(ctx context.Context, name string, data []byte) error // nil takes it off
}

// shelved is a bucket whose objects lie on a shelf. What others put there
// meanwhile is found when it is looked for.
func shelved(shelf Shelf) *blob.Bucket {
	memory := memblob.OpenBucket(nil)
	return through.Bucket(memory, func(ctx context.Context, op through.Op, key string, do func() error) error {
		if op == through.List || op == through.Open || op == through.Stat {
			if err := fetch(ctx, shelf, memory); err != nil {
				return err
			}
		}
		if err := do(); err != nil {
			return err
		}
		switch op {
		case through.Write:
			return put(ctx, shelf, memory, key)
		case through.Delete:
			return shelf.Save(ctx, key, nil)
		}
		return nil
	})
}

func fetch(ctx context.Context, shelf Shelf, memory *blob.Bucket) error {
	for _, name := range shelf.Names() {
		there, err := memory.Exists(ctx, name)
		if err != nil {
			return fmt.Errorf("look for record %s: %w", name, err)
		}
		if data := shelf.Load(name); !there && data != nil {
			if err := memory.WriteAll(ctx, name, data, nil); err != nil {
				return fmt.Errorf("take record %s: %w", name, err)
			}
		}
	}
	return nil
}

// put makes what was written last: what is not on the shelf was not written.
func put(ctx context.Context, shelf Shelf, memory *blob.Bucket, key string) error {
	data, err := memory.ReadAll(ctx, key)
	if err == nil {
		err = shelf.Save(ctx, key, data)
	}
	if err != nil {
		_ = memory.Delete(context.WithoutCancel(ctx), key)
		return fmt.Errorf("keep record %s: %w", key, err)
	}
	return nil
}
