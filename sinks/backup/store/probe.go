package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"sync"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// probeDir is where Probe writes. Objects that a lock keeps there do no harm.
const probeDir = ".ottla-probe/"

// Probe writes, reads, lists and removes a small object, and lets two writers
// race for one name: it is an error, with a hint, where both win. A store that
// refuses the removal (an object lock, a role that may not delete) passes.
func Probe(ctx context.Context, b *blob.Bucket) error {
	name := probeDir + rand.Text()
	if err := probeRace(ctx, b, name); err != nil {
		return err
	}
	if err := probeRead(ctx, b, name); err != nil {
		return err
	}
	err := b.Delete(ctx, name)
	switch gcerrors.Code(err) {
	case gcerrors.OK, gcerrors.PermissionDenied, gcerrors.FailedPrecondition:
		return nil
	}
	return fmt.Errorf("probe the store: remove %s: %w", name, err)
}

// probeRace lets eight writers race for one name, and one more come late.
func probeRace(ctx context.Context, b *blob.Bucket, name string) error {
	const writers = 8
	results := make([]error, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() { results[i] = probeWrite(ctx, b, name, i) })
	}
	wg.Wait()
	results = append(results, probeWrite(ctx, b, name, writers))
	won := 0
	for _, err := range results {
		switch gcerrors.Code(err) {
		case gcerrors.OK:
			won++
		case gcerrors.FailedPrecondition, gcerrors.AlreadyExists:
		default:
			return fmt.Errorf("probe the store: write %s: %w", name, err)
		}
	}
	if won != 1 {
		return fmt.Errorf("probe the store: %d of %d writers of one name were told that they were first. "+
			"It does not keep \"only if absent\" (If-None-Match), and two agents could overwrite each other's backups there: use a store that does", won, len(results))
	}
	return nil
}

func probeWrite(ctx context.Context, b *blob.Bucket, name string, writer int) error {
	body := fmt.Appendf(nil, "Ottla has probed this store: writer %d\n", writer)
	return b.Upload(ctx, name, bytes.NewReader(body), &blob.WriterOptions{ContentType: "text/plain", IfNotExist: true})
}

func probeRead(ctx context.Context, b *blob.Bucket, name string) error {
	body, err := b.ReadAll(ctx, name)
	if err != nil {
		return fmt.Errorf("probe the store: read %s: %w", name, err)
	}
	if !bytes.HasPrefix(body, []byte("Ottla has probed")) {
		return fmt.Errorf("probe the store: %s does not hold what was written to it", name)
	}
	l, err := b.List(&blob.ListOptions{Prefix: name}).Next(ctx)
	if errors.Is(err, io.EOF) || err == nil && l.Key != name {
		return fmt.Errorf("probe the store: %s was written, but a listing does not show it: a store whose listings lag behind cannot hold backups", name)
	}
	if err != nil {
		return fmt.Errorf("probe the store: list %s: %w", name, err)
	}
	return nil
}
