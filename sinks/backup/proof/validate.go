package proof

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// ValidateOptions are one KafkaBackupValidation.
type ValidateOptions struct {
	Repository *repository.Repository
	Point      int64                                      // 0: the newest good one
	Dial       func(context.Context) (*kgo.Client, error) // to the source cluster; nil compares with the backup alone
	Counts     *Counts
	Offsets    bool
	Groups     *GroupOffsets
	Webhooks   []Webhook
	Now        func() time.Time
}

// Counts compares numbers of records.
type Counts struct {
	Topics []string // globs; none are all but internal ones
	// Fail is the share of missing records, 0 to 1, from which on it fails; with 0
	// one missing record is enough.
	Fail float64
}

// GroupOffsets compares committed offsets.
type GroupOffsets struct {
	Groups []string // globs; none are all of the point
}

// Validate looks whether a point holds what it promises, by what its manifest
// says, the source as it is now, and services that judge, too. It reads no
// records: that is what a drill is for. What is wrong is a failed check; the
// error is for what kept it from finding out.
func Validate(ctx context.Context, o ValidateOptions) (Evidence, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	v := &validation{ValidateOptions: o}
	v.evidence = Evidence{Version: version, Kind: "validation", Backup: o.Repository.Identity(), Began: o.Now(), By: by(), Software: software()}
	err := v.run(ctx)
	v.end(err)
	if err != nil {
		return v.evidence, fmt.Errorf("validate: %w", err)
	}
	return v.evidence, nil
}

type validation struct {
	ValidateOptions
	evidence Evidence
	point    *repository.Point
	live     *live // nil without a cluster
}

func (v *validation) run(ctx context.Context) (err error) {
	if v.point, err = pick(ctx, v.Repository, v.Point); err != nil {
		return err
	}
	v.evidence.Point, v.evidence.Taken = v.point.Number, v.point.Taken
	if err := v.good(ctx); err != nil {
		return err
	}
	if err := v.look(ctx); err != nil {
		return err
	}
	if v.Counts != nil {
		if err := v.counts(); err != nil {
			return err
		}
	}
	if v.Offsets {
		v.offsets()
	}
	if v.Groups != nil {
		if err := v.groups(); err != nil {
			return err
		}
	}
	v.webhooks(ctx)
	return nil
}

// good asks the repository whether the point is a good one.
func (v *validation) good(ctx context.Context) error {
	entries, err := v.Repository.Points(ctx)
	if err != nil {
		return fmt.Errorf("list points: %w", err)
	}
	for _, e := range entries {
		if e.Manifest.Number == v.point.Number {
			var bad []string
			if e.Bad != "" {
				bad = []string{e.Bad}
			}
			v.evidence.check("good", "every pack of the point is there and no verification has failed", bad)
		}
	}
	return nil
}

// look asks the source cluster, where there is one to be asked.
func (v *validation) look(ctx context.Context) error {
	if v.Dial == nil {
		return nil
	}
	client, err := v.Dial(ctx)
	if err != nil {
		return fmt.Errorf("reach the source cluster: %w", err)
	}
	defer client.Close()
	v.live, err = observe(ctx, client, v.point)
	if v.live != nil {
		v.evidence.Target = v.live.cluster
	}
	return err
}

// end says what was proven.
func (v *validation) end(err error) {
	e := &v.evidence
	e.conclude(v.Now())
	switch {
	case err != nil:
		e.Passed = false
		e.Proves = "Nothing: the validation could not be carried out."
	case !e.Passed:
		e.Proves = "The point does not hold all that it should: see the checks."
	case v.live == nil:
		e.Proves = fmt.Sprintf("What the manifests of point %d say agrees with itself and with what the checks demand. No record was read and no cluster asked.", e.Point)
	default:
		e.Proves = fmt.Sprintf("What the manifests of point %d say agrees with cluster %s as it is now, as far as the checks go. No record was read.", e.Point, e.Target)
	}
}

// counts compares, per topic, the records that are held with the offsets of the
// point, less those that held no record when they were copied.
func (v *validation) counts() error {
	topics, err := choose(v.point, v.Counts.Topics)
	if err != nil {
		return err
	}
	var bad []string
	var held, wanted int64
	for _, t := range topics {
		h, w := v.count(t)
		held, wanted = held+h, wanted+w
		if missing := w - h; missing != 0 && (missing < 0 || float64(missing) >= v.Counts.Fail*float64(w)) {
			bad = append(bad, fmt.Sprintf("%s: the backup holds %s, its offsets promise %d", t.Name, plural(h, "record"), w))
		}
	}
	text := fmt.Sprintf("%d of %s in %s are held", held, plural(wanted, "record"), plural(len(topics), "topic"))
	if v.live != nil {
		text += fmt.Sprintf("; the source has %s of them now", plural(v.live.size(topics), "offset"))
	}
	v.evidence.check("counts", text, bad)
	return nil
}

// count adds up a topic. Frames of which only a part belongs to the point, which
// only truncated or trimmed partitions have, count for as many records as
// offsets: nothing else is known without reading them.
func (v *validation) count(t format.Topic) (held, wanted int64) {
	for _, p := range t.Partitions {
		wanted += p.End - p.Start
		for _, ref := range v.point.Refs(t.Name, p.Partition) {
			if ref.From > ref.First || ref.To < ref.Next {
				held += ref.To - ref.From
				continue
			}
			held += ref.Records
			wanted -= ref.Gone.Control + ref.Gone.Aborted + ref.Gone.Compacted
		}
	}
	return held, wanted
}
