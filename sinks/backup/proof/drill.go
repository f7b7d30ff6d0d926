package proof

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/restore"
)

const (
	// drillWithin is how long a drill may take; what is older than leftoverAge is
	// therefore no drill's any more, clocks that differ included.
	drillWithin = 20 * time.Hour
	leftoverAge = 24 * time.Hour
	// removeWithin is how long a drill tries to take its topics away, also when its
	// own context has ended.
	removeWithin = time.Minute
)

// DrillOptions are one drill.
type DrillOptions struct {
	Repository *repository.Repository
	Point      int64                                      // 0: the newest good one
	Topics     []string                                   // globs; none are all but internal ones
	Dial       func(context.Context) (*kgo.Client, error) // to the scratch cluster
	Embedded   bool                                       // the scratch cluster is a Kafka in the process: readability is proven, no more
	// Prefix is what the names of all drills' scratch topics begin with; ""
	// is ottla-drill-. When the drill began, a random id and the source topic's
	// name follow. No other topics may be named so: leftovers of killed drills are
	// told by it and by their age, and deleted.
	Prefix   string
	Now      func() time.Time
	Progress func(done, total int64) // bytes; may be nil
	Step     func(string)            // called by name before what a drill does; may be nil
}

// Drill restores a point into scratch topics, compares the record digests with
// those of the backup, and deletes the topics, also after a failure. What is
// wrong with the backup, or was left behind, is a failed check; the error is for
// what kept the drill from finding out, and the evidence up to there comes with
// it, not passed. A drill ends after 20 hours.
func Drill(ctx context.Context, o DrillOptions) (Evidence, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &drill{DrillOptions: o}
	d.evidence = Evidence{Version: version, Kind: "drill", Backup: o.Repository.Identity(), Began: o.Now(), By: by(), Software: software()}
	ctx, cancel := context.WithTimeout(ctx, drillWithin)
	defer cancel()
	err := d.begin(ctx)
	if err == nil {
		err = d.run(ctx)
	}
	d.end(err)
	if err != nil {
		return d.evidence, fmt.Errorf("drill: %w", err)
	}
	return d.evidence, nil
}

type drill struct {
	DrillOptions
	evidence Evidence
	point    *repository.Point
	topics   []format.Topic
	scratch  scratch
}

// begin finds out what is drilled and where.
func (d *drill) begin(ctx context.Context) (err error) {
	if d.point, err = pick(ctx, d.Repository, d.Point); err != nil {
		return err
	}
	d.evidence.Point, d.evidence.Taken = d.point.Number, d.point.Taken
	d.topics, err = choose(d.point, d.Topics)
	return err
}

// run has the scratch topics from their creation to their end.
func (d *drill) run(ctx context.Context) (err error) {
	client, err := d.Dial(ctx)
	if err != nil {
		return fmt.Errorf("reach the scratch cluster: %w", err)
	}
	defer client.Close()
	d.scratch = newScratch(client, d.Prefix, d.Now())
	if err := d.target(ctx); err != nil {
		return err
	}
	d.step("sweep leftovers")
	swept, err := d.scratch.remove(ctx, d.scratch.leftover(d.Now().Add(-leftoverAge)))
	if len(swept) > 0 || err != nil {
		d.evidence.check("leftovers", fmt.Sprintf("%s of earlier drills that did not end were deleted", plural(len(swept), "topic")), words(err))
	}
	defer d.clean(ctx)
	d.step("create scratch topics")
	if err := d.scratch.create(ctx, d.topics); err != nil {
		return err
	}
	return d.restore(ctx)
}

// target asks the scratch cluster for its name.
func (d *drill) target(ctx context.Context) error {
	meta, err := d.scratch.metadata(ctx)
	if err != nil {
		return err
	}
	if meta.ClusterID != nil {
		d.evidence.Target = *meta.ClusterID
	}
	if d.Embedded {
		d.evidence.Target = "embedded"
	}
	return nil
}

// clean deletes this drill's topics whatever has happened.
func (d *drill) clean(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeWithin)
	defer cancel()
	d.step("delete scratch topics")
	gone, err := d.scratch.remove(ctx, d.scratch.mine)
	d.evidence.check("cleaned", plural(len(gone), "scratch topic")+" deleted", words(err))
}

// restore puts the point into the scratch topics and compares.
func (d *drill) restore(ctx context.Context) error {
	d.step("restore")
	report, err := restore.Run(ctx, restore.Options{
		Name: "drill-" + d.scratch.id, Dial: d.Dial, Repository: d.Repository, Point: d.point.Number,
		Topics: names(d.topics), Rename: d.scratch.rename(d.topics), Now: d.Now, Step: d.Step, Progress: d.progress,
	})
	if err != nil && !errors.Is(err, repository.ErrDamaged) {
		return fmt.Errorf("restore into scratch topics: %w", err)
	}
	d.evidence.check("restored", plural(report.Restored, "record")+" restored into scratch topics", append(words(err), report.Left...))
	if err != nil {
		return nil // a damaged backup is what a drill is there to find
	}
	return d.compare(ctx)
}

func (d *drill) progress(p restore.Progress) {
	if d.Progress != nil {
		d.Progress(p.Bytes, p.BytesTotal)
	}
}

func (d *drill) step(name string) {
	if d.Step != nil {
		d.Step(name)
	}
}

// end says what was proven.
func (d *drill) end(err error) {
	e := &d.evidence
	e.conclude(d.Now())
	switch {
	case err != nil:
		e.Passed = false
		e.Proves = "Nothing: the drill could not be carried out."
	case !e.Passed:
		e.Proves = "The point could not be restored and compared as it should: see the checks."
	case d.Embedded:
		e.Proves = fmt.Sprintf("Point %d can be read: every record of %s was decoded, written to and read back from a Kafka inside this program, and is what the backup holds. It does not prove that a real broker takes it.", e.Point, plural(len(d.topics), "topic"))
	default:
		e.Proves = fmt.Sprintf("Point %d can be restored: every record of %s was written to scratch topics of cluster %s and read back, with key, value, headers, timestamp and order as the backup holds them. Configuration, groups and access were not restored.", e.Point, plural(len(d.topics), "topic"), e.Target)
	}
}

// words are the lines of an error.
func words(err error) []string {
	if err == nil {
		return nil
	}
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		var out []string
		for _, e := range joined.Unwrap() {
			out = append(out, words(e)...)
		}
		return out
	}
	return []string{err.Error()}
}
