package proof

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/restore"
)

// compare works out the digests of both sides and compares them.
func (d *drill) compare(ctx context.Context) error {
	d.step("digests of the backup")
	kept, bad, err := digests(ctx, d.Repository, d.point.Number, d.topics)
	if err != nil {
		return err
	}
	d.evidence.Digests = kept
	d.evidence.check("backup", fmt.Sprintf("record digests of %s in the backup", plural(len(kept), "partition")), bad)
	d.step("digests of the scratch topics")
	ranges, ends, err := d.ranges(ctx, kept)
	if err != nil {
		return err
	}
	restored, err := restore.Digests(ctx, d.Dial, ranges)
	if err != nil {
		return fmt.Errorf("read the scratch topics: %w", err)
	}
	var records int64
	for _, k := range kept {
		records += k.Records
	}
	text := fmt.Sprintf("%s of %s: key, value, headers, timestamp and order as in the backup", plural(records, "record"), plural(len(kept), "partition"))
	d.evidence.check("equal", text, append(ends, differences(kept, restored, d.scratch.name)...))
	return nil
}

// digests are the record digests of topics of a point: those that a verification
// has worked out from the data, or, where none has, worked out now. bad is what
// is wrong with the backup, in words.
func digests(ctx context.Context, r *repository.Repository, point int64, topics []format.Topic) (kept []format.Digest, bad []string, err error) {
	known, err := verified(ctx, r, point)
	if err != nil {
		return nil, nil, err
	}
	if known == nil {
		now, err := r.Verify(ctx, repository.VerifyOptions{Point: point, Level: repository.Data})
		if err != nil {
			return nil, nil, fmt.Errorf("verify point %d: %w", point, err)
		}
		for _, v := range now {
			if v.Point == point {
				known, bad = v.Digests, against(v)
			}
		}
	}
	kept, missing := covering(known, topics)
	return kept, append(bad, missing...), nil
}

// against is what a verification has found against a point. What it found of a
// good one are notes.
func against(v format.Verification) []string {
	switch {
	case v.Good:
		return nil
	case len(v.Found) == 0:
		return []string{"the verification failed and does not say why"}
	}
	return v.Found
}

// verified returns the digests of the newest good verification of all data.
func verified(ctx context.Context, r *repository.Repository, point int64) ([]format.Digest, error) {
	entries, err := r.Points(ctx)
	if err != nil {
		return nil, fmt.Errorf("list points: %w", err)
	}
	var newest format.Verification
	for _, e := range entries {
		for _, v := range e.Verified {
			if v.Point == point && v.Good && v.Level == string(repository.Data) && v.Ended.After(newest.Ended) {
				newest = v
			}
		}
	}
	return newest.Digests, nil
}

// place names a partition.
type place struct {
	topic     string
	partition int32
}

func byPlace(all []format.Digest) map[place]format.Digest {
	out := map[place]format.Digest{}
	for _, d := range all {
		out[place{d.Topic, d.Partition}] = d
	}
	return out
}

// covering returns the digests of all partitions of topics, in their order.
func covering(all []format.Digest, topics []format.Topic) (kept []format.Digest, missing []string) {
	known := byPlace(all)
	for _, t := range topics {
		for _, p := range t.Partitions {
			d, ok := known[place{t.Name, p.Partition}]
			if !ok || d.Start != p.Start || d.End != p.End {
				missing = append(missing, fmt.Sprintf("%s-%d: there is no record digest of offsets [%d, %d)", t.Name, p.Partition, p.Start, p.End))
				continue
			}
			kept = append(kept, d)
		}
	}
	return kept, missing
}

// ranges are what there is in the scratch topics, all of it: what was doubled
// must show. bad is where it is not as much as there should be.
func (d *drill) ranges(ctx context.Context, kept []format.Digest) (ranges []format.Digest, bad []string, err error) {
	topics := make([]string, len(d.topics))
	for i, t := range d.topics {
		topics[i] = d.scratch.name(t.Name)
	}
	ends, err := kadm.NewClient(d.scratch.client).ListEndOffsets(ctx, topics...)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("ask the scratch topics for their ends: %w", err)
	}
	for _, k := range kept {
		name := d.scratch.name(k.Topic)
		end, _ := ends.Lookup(name, k.Partition)
		if end.Offset != k.Records {
			bad = append(bad, fmt.Sprintf("%s-%d: %s restored, the backup holds %d", k.Topic, k.Partition, plural(end.Offset, "record"), k.Records))
		}
		ranges = append(ranges, format.Digest{Topic: name, Partition: k.Partition, End: end.Offset})
	}
	return ranges, bad, nil
}

// differences compares the two sides.
func differences(kept, restored []format.Digest, name func(string) string) []string {
	there := byPlace(restored)
	var out []string
	for _, k := range kept {
		r, ok := there[place{name(k.Topic), k.Partition}]
		switch {
		case !ok:
			out = append(out, fmt.Sprintf("%s-%d: could not be read back", k.Topic, k.Partition))
		case r.Digest != k.Digest || r.Records != k.Records:
			out = append(out, fmt.Sprintf("%s-%d: %s with digest %s restored, the backup holds %d with %s", k.Topic, k.Partition, plural(r.Records, "record"), r.Digest, k.Records, k.Digest))
		}
	}
	return out
}
