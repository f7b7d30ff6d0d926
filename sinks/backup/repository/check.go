package repository

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// checkManifest says what is impossible in a manifest by itself.
func checkManifest(m *format.Manifest) error {
	topics := make(map[string]bool, len(m.Topics))
	for _, t := range m.Topics {
		if t.Name == "" || topics[t.Name] {
			return fmt.Errorf("the topic %q is named twice", t.Name)
		}
		topics[t.Name] = true
		if err := checkTopic(t, m.Parent == 0); err != nil {
			return fmt.Errorf("topic %s: %w", t.Name, err)
		}
	}
	seen := map[string]bool{}
	for _, part := range m.Parts {
		for _, p := range part.Packs {
			if err := checkPack(p); err != nil {
				return err
			}
			if seen[p.ID] {
				return fmt.Errorf("pack %s is named twice", p.ID)
			}
			seen[p.ID] = true
		}
		for _, f := range part.Empty {
			if f.Length != 0 {
				return fmt.Errorf("a frame of %s/%d with bytes is in no pack", f.Topic, f.Partition)
			}
			if err := checkFrame(f, math.MaxInt64); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkTopic(t format.Topic, complete bool) error {
	partitions := make(map[int32]bool, len(t.Partitions))
	for _, p := range t.Partitions {
		switch {
		case p.Partition < 0 || partitions[p.Partition]:
			return fmt.Errorf("partition %d is named twice", p.Partition)
		case p.Start < 0 || p.Base < p.Start || p.End < p.Base:
			return fmt.Errorf("partition %d goes from %d over %d to %d", p.Partition, p.Start, p.Base, p.End)
		case complete && p.Base != p.Start:
			return fmt.Errorf("partition %d stands on a parent from %d to %d, and the point has none", p.Partition, p.Start, p.Base)
		}
		partitions[p.Partition] = true
	}
	return nil
}

func checkPack(p format.Pack) error {
	if !isPackID(p.ID) {
		return fmt.Errorf("a pack cannot be named %q", p.ID)
	}
	if digest, err := hex.DecodeString(p.Digest); err != nil || len(digest) != 32 || p.Size < format.TrailerSize {
		return fmt.Errorf("pack %s: digest %q of %d bytes", p.ID, p.Digest, p.Size)
	}
	for _, f := range p.Frames {
		if f.Length == 0 {
			return fmt.Errorf("pack %s: a frame of %s/%d without bytes", p.ID, f.Topic, f.Partition)
		}
		if err := checkFrame(f, p.Size-format.TrailerSize); err != nil {
			return fmt.Errorf("pack %s: %w", p.ID, err)
		}
	}
	return nil
}

func checkFrame(f format.Frame, end int64) error {
	if err := f.Check(end); err != nil {
		return err
	}
	if from, to := f.Window(); f.TakeFrom < 0 || f.TakeTo < 0 || from >= to {
		return errors.New("a point takes nothing of a frame that it names")
	}
	return nil
}
