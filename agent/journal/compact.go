package journal

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ottla-io/ottla/reconcile"
)

// compact writes the state as a new file in place of the old one. A crash on
// either side of the rename leaves a whole file.
func (j *Journal) compact() error {
	var b bytes.Buffer
	for _, r := range []record{
		{Header: &header{Format: formatName, Version: Version, Cluster: j.cluster}},
		{Snapshot: &snapshot{Seq: j.seq, State: j.state}},
	} {
		line, err := encode(r)
		if err != nil {
			return fmt.Errorf("encode ledger: %w", err)
		}
		b.Write(line)
	}
	if err := Replace(j.path, b.Bytes()); err != nil {
		return fmt.Errorf("write ledger: %w", err)
	}
	size := int64(b.Len())
	j.tail = tail{from: size}
	if err := j.reopen(size); err != nil {
		j.broken = err // the open file is no longer the one with the name
		return err
	}
	return nil
}

// snapshot is the state at a point of the sequence.
type snapshot struct {
	Seq   int              `json:"seq"`
	State *reconcile.State `json:"state"`
}

// Replace puts a file in the place of another, or of none, and flushes both it
// and its directory: a crash leaves the old one or the new one.
func Replace(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // it is gone if it was renamed
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if closed := d.Close(); err == nil {
		err = closed
	}
	return err
}
