package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sources"
)

// marker says in the state directory that a cluster's ledger is in a topic.
type marker struct {
	TopicID string `json:"topicId"`
}

func markerPath(dir, cluster string) string { return filepath.Join(dir, cluster+".topic") }

func filePath(dir, cluster string) string { return filepath.Join(dir, cluster+".ledger") }

// Topic is the id of the topic that holds a cluster's ledger, as this machine
// saw it last; "" where it never did.
func Topic(dir, cluster string) (string, error) {
	data, err := os.ReadFile(markerPath(dir, cluster))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	var m marker
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	if err != nil {
		return "", fmt.Errorf("read where the ledger is: %w", err)
	}
	return m.TopicID, nil
}

// SetTopic keeps what Topic says; "" is that the ledger is in no topic.
func SetTopic(dir, cluster, id string) error {
	err := os.MkdirAll(dir, 0o700)
	switch {
	case err != nil:
	case id == "":
		if err = os.Remove(markerPath(dir, cluster)); errors.Is(err, os.ErrNotExist) {
			err = nil
		}
	default:
		var data []byte
		if data, err = json.Marshal(marker{id}); err == nil {
			err = Replace(markerPath(dir, cluster), append(data, '\n'))
		}
	}
	if err != nil {
		return fmt.Errorf("keep where the ledger is: %w", err)
	}
	return nil
}

// InFile tells whether a cluster's ledger is a file in the directory.
func InFile(dir, cluster string) (bool, error) {
	_, err := os.Stat(filePath(dir, cluster))
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, os.ErrNotExist):
		return false, nil
	}
	return false, fmt.Errorf("look for the ledger: %w", err)
}

// elsewhere is an error where the ledger is in a topic: one that begins anew
// beside it would not know what is owned.
func elsewhere(dir, cluster string) error {
	id, err := Topic(dir, cluster)
	if err != nil || id == "" {
		return err
	}
	return &sources.HintError{
		Err:  fmt.Errorf("the ledger of cluster %s is in a topic of the cluster, and its configuration says ledger: file", cluster),
		Hint: "set ledger: kafka, or move it back into a file with: ottla ledger move --to file",
	}
}

// Seq is the number of the last entry.
func (j *Journal) Seq() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.seq
}

// Read is the ledger in a cluster's file, wherever it is now. The directory is
// to be locked.
func Read(dir, cluster string) (*reconcile.State, int, error) {
	l, err := load(filePath(dir, cluster), cluster)
	return l.state, l.seq, err
}

// Write makes a state the ledger in a cluster's file. The directory is to be
// locked.
func Write(dir, cluster string, s *reconcile.State, seq int) error {
	j := &Journal{path: filePath(dir, cluster), cluster: cluster, state: s, seq: seq}
	if err := j.compact(); err != nil {
		return err
	}
	return j.file.Close()
}

// Retire moves the file away, under a name that says so.
func Retire(dir, cluster string) error {
	path := filePath(dir, cluster)
	if err := os.Rename(path, path+".moved"); err != nil {
		return fmt.Errorf("put the ledger's file aside: %w", err)
	}
	return syncDir(dir)
}
