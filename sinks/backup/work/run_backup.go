package work

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/capture"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/retention"
)

// problem is what people should know beside a run that succeeded.
type problem struct {
	kind  string // gap, empty, hung, verify, ...
	topic string
	words string
}

// newestOf is when the newest good point of a policy was taken, and when the
// policy began.
func (s *Service) newestOf(ctx context.Context, of policyRun) (newest, since time.Time, err error) {
	h, err := s.homeFor(ctx, of.brief())
	if err != nil {
		return newest, since, err
	}
	since = s.o.Now()
	err = h.Series(seriesOf(of.id), "policy").Each(ctx, func(_ int64, written time.Time, _ func(any) error) error {
		if written.Before(since) {
			since = written
		}
		return nil
	})
	if err != nil {
		return newest, since, fmt.Errorf("read the policies: %w", err)
	}
	if doesOf(of.id) != backup.DoesBackup {
		newest, err = newestEvidence(ctx, h, of.id)
		return newest, since, err
	}
	p, err := h.Newest(ctx)
	if errors.Is(err, repository.ErrNoPoint) {
		return newest, since, nil
	}
	if err != nil {
		return newest, since, err
	}
	return p.Taken, since, nil
}

func (r policyRun) brief() brief { return brief{id: r.id, want: r.spec, means: r.means} }

// runPolicy is one run of a policy.
func (s *Service) runPolicy(ctx context.Context, of policyRun, k *keeper) (ran, error) {
	if doesOf(of.id) != backup.DoesBackup {
		return s.runValidation(ctx, of)
	}
	began := s.o.Now()
	out, report, err := s.backup(ctx, of, func(p capture.Progress) {
		k.update(func(st *keeping) { shown(&st.job, p) })
	})
	s.count(report, err, s.o.Now().Sub(began))
	return out, err
}

// shown is a capture's progress as people see it.
func shown(j *sinks.Job, p capture.Progress) {
	j.Done, j.Total, j.Unit = p.Bytes, p.BytesTotal, "bytes"
	j.Text = fmt.Sprintf("%d of %d partitions", p.PartitionsDone, p.Partitions)
}

// captureOptions are a policy's.
func (s *Service) captureOptions(of policyRun, h *home, progress func(capture.Progress)) (capture.Options, error) {
	open, err := s.dialer(of.spec, of.means)
	if err != nil {
		return capture.Options{}, err
	}
	kind := format.Scheduled
	switch {
	case of.manual || of.id.Kind == backup.KindJob:
		kind = format.Manual
	case of.spec.Is("continuous"):
		kind = format.Continuous
	}
	return capture.Options{
		Dial: open, Repository: h.Repository, Kind: kind,
		Topics: of.spec.List(backup.FieldTopics), Exclude: of.spec.List(backup.FieldExclude),
		Mode: capture.Mode(of.spec["mode"]), Codec: of.spec["codec"], Level: int(of.spec.Int("level")),
		PackSize: of.spec.Int("packBytes"), Memory: s.o.Memory, Brokers: s.o.Brokers, Connections: int(of.spec.Int("connections")),
		BytesPerSec: of.spec.Int("bytesPerSec"), Archive: of.spec.Duration("archive"), Now: s.o.Now, Progress: progress,
	}, nil
}

// backup copies what is new, looks at it if the policy asks for that, and drops
// what need not be kept.
func (s *Service) backup(ctx context.Context, of policyRun, progress func(capture.Progress)) (ran, capture.Report, error) {
	h, err := s.homeFor(ctx, of.brief())
	if err != nil {
		return ran{}, capture.Report{}, err
	}
	o, err := s.captureOptions(of, h, progress)
	if err != nil {
		return ran{}, capture.Report{}, err
	}
	if err := h.Begin(ctx); err != nil {
		return ran{}, capture.Report{}, err
	}
	report, err := s.engine.capture(ctx, o)
	if err != nil {
		return ran{}, report, err
	}
	out := ranOf(report)
	out.left = append(out.left, s.after(ctx, of, h, report.Point.Number)...)
	return out, report, ctx.Err()
}

func ranOf(report capture.Report) ran {
	out := ran{
		point: report.Point.Number, taken: report.Point.Taken,
		text: fmt.Sprintf("point %d: %d new records, %d bytes in %d objects", report.Point.Number, report.Records, report.Stored, report.Objects),
	}
	for _, a := range report.Alerts {
		out.left = append(out.left, problem{a.Kind, a.Topic, a.Words})
	}
	return out
}

// after verifies and retains. What fails of it is told; the point stands.
func (s *Service) after(ctx context.Context, of policyRun, h *home, point int64) []problem {
	var left []problem
	if level := of.spec["verify"]; level == "data" || level == "structure" {
		if words := s.verify(ctx, h, point, repository.Level(level)); words != "" {
			left = append(left, problem{kind: "verify", words: words})
		}
	}
	if err := s.retain(ctx, of, h); err != nil && ctx.Err() == nil {
		left = append(left, problem{kind: "retention", words: err.Error()})
	}
	return left
}

// verify has words for what is wrong with a point.
func (s *Service) verify(ctx context.Context, h *home, point int64, level repository.Level) string {
	found, err := h.Verify(ctx, repository.VerifyOptions{Point: point, Level: level})
	if err != nil {
		return fmt.Sprintf("point %d could not be verified: %v", point, err)
	}
	for _, v := range found {
		if !v.Good {
			return fmt.Sprintf("point %d is no good: %s", v.Point, strings.Join(v.Found, "; "))
		}
	}
	return ""
}

// retentionOf is a policy's, and false where it keeps every point.
func retentionOf(spec backup.Spec) (retention.Policy, bool) {
	p := retention.Policy{
		Last: int(spec.Int("retention.keepLast")), Within: spec.Duration("retention.maxAge"),
		Hourly: int(spec.Int("retention.hourly")), Daily: int(spec.Int("retention.daily")), Weekly: int(spec.Int("retention.weekly")),
		Monthly: int(spec.Int("retention.monthly")), Yearly: int(spec.Int("retention.yearly")),
	}
	some := p != retention.Policy{}
	if zone, err := time.LoadLocation(spec[backup.FieldZone]); err == nil {
		p.Zone = zone
	}
	return p, some && !spec.Is("retention.dryRun")
}

// retain drops points that no rule keeps, and sweeps what nothing reaches.
func (s *Service) retain(ctx context.Context, of policyRun, h *home) error {
	policy, some := retentionOf(of.spec)
	if !some {
		return nil
	}
	drop, err := s.dropped(ctx, h, policy)
	if err != nil {
		return err
	}
	lease, err := h.Acquire(ctx, time.Minute)
	if err != nil {
		return fmt.Errorf("retain: %w", err)
	}
	defer func() { _ = lease.Release(context.WithoutCancel(ctx)) }()
	if len(drop) > 0 {
		if err := h.Remove(lease.Context(), lease, drop); err != nil {
			return fmt.Errorf("drop points: %w", err)
		}
	}
	if _, err := h.Sweep(lease.Context(), lease, false); err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	return nil
}

// dropped are the points that no rule keeps, with the reasons.
func (s *Service) dropped(ctx context.Context, h *home, policy retention.Policy) (map[int64]string, error) {
	entries, err := h.Points(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the points: %w", err)
	}
	var points []retention.Point
	for _, e := range entries {
		if e.Removed == "" {
			points = append(points, retention.Point{Number: e.Manifest.Number, Taken: e.Manifest.Taken, Good: e.Bad == "", Pinned: e.Manifest.Pinned})
		}
	}
	if len(points) == 0 {
		return nil, nil
	}
	decisions, err := retention.Apply(points, policy, s.o.Now())
	if err != nil {
		return nil, fmt.Errorf("decide what is kept: %w", err)
	}
	drop := map[int64]string{}
	for _, d := range decisions {
		if len(d.Keep) == 0 {
			drop[d.Point.Number] = d.Drop
		}
	}
	return drop, nil
}

// followPolicy runs a continuous policy: a point a window.
func (s *Service) followPolicy(ctx context.Context, of policyRun, k *keeper) error {
	h, err := s.homeFor(ctx, of.brief())
	if err != nil {
		return err
	}
	o, err := s.captureOptions(of, h, func(p capture.Progress) { k.update(func(st *keeping) { shown(&st.job, p) }) })
	if err != nil {
		return err
	}
	if err := h.Begin(ctx); err != nil {
		return err
	}
	w := capture.Window{Interval: of.spec.Duration("window"), Bytes: of.spec.Int("windowBytes")}
	return s.engine.follow(ctx, o, w, func(report capture.Report, err error) { s.followed(ctx, of, h, k, report, err) })
}

// followed takes one window.
func (s *Service) followed(ctx context.Context, of policyRun, h *home, k *keeper, report capture.Report, err error) {
	s.count(report, err, report.Took)
	if err != nil {
		k.fail(err)
		k.update(func(st *keeping) { st.job.State = sinks.JobFailing })
		return
	}
	if report.Point == nil {
		return
	}
	out := ranOf(report)
	out.left = append(out.left, s.after(ctx, of, h, report.Point.Number)...)
	k.succeed(out)
	k.update(func(st *keeping) { st.job.State = sinks.JobRunning })
}

// backupOnce is a KafkaBackup without a schedule.
func (s *Service) backupOnce(ctx context.Context, j *job, of policyRun) (result, error) {
	began := s.o.Now()
	out, report, err := s.backup(ctx, of, func(p capture.Progress) { j.progress(func(v *sinks.Job) { shown(v, p) }) })
	s.count(report, err, s.o.Now().Sub(began))
	text := []string{out.text}
	for _, p := range out.left {
		text = append(text, p.words)
	}
	return result{point: out.point, text: text}, err
}
