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
)

// problem is what people should know beside a run that succeeded.
type problem struct {
	Kind  sinks.Trouble `json:"kind"`
	Topic string        `json:"topic,omitempty"`
	Words string        `json:"words"`
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
		newest, err = s.newestEvidence(ctx, h, of)
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
		k.progress(func(j *sinks.Job) { shown(j, p) })
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
		BytesPerSec: of.spec.Int("bytesPerSec"), Archive: of.spec.Duration("archive"), Now: s.o.Now, Progress: progress, Step: s.o.Step,
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
	s.after(ctx, of, h, nil, &out)
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

// after verifies and retains, under the lease of a run that goes on if there is
// one. What fails of it is told; the point stands.
func (s *Service) after(ctx context.Context, of policyRun, h *home, lease *repository.Lease, out *ran) {
	if level := s.levelNow(of, h); level != "" {
		words, bad := s.judge(ctx, h, out.point, level)
		if out.bad = bad; words != "" {
			out.left = append(out.left, problem{Kind: sinks.TroubleVerify, Words: words})
		} else {
			h.verified.done(s.o.Now())
		}
	}
	text, err := s.retain(ctx, of, h, lease)
	if err != nil && ctx.Err() == nil {
		out.left = append(out.left, problem{Kind: sinks.TroubleRetention, Words: err.Error()})
	}
	if text != "" {
		out.text += "; " + text
	}
	h.stuck(out)
}

// levelNow is how deep the point of a run is looked at, "" for not at all. The
// windows of a continuous backup are not, until a day after one was found good.
func (s *Service) levelNow(of policyRun, h *home) repository.Level {
	level := repository.Level(of.spec["verify"])
	if level != repository.Data && level != repository.Structure {
		return ""
	}
	if of.spec.Is("continuous") && !h.verified.due(s.o.Now()) {
		return ""
	}
	return level
}

// verify has words for what is wrong with a point.
func (s *Service) verify(ctx context.Context, h *home, point int64, level repository.Level) string {
	words, _ := s.judge(ctx, h, point, level)
	return words
}

// judge has words for what is wrong with a point, and tells one that is bad from
// one that could not be looked at.
func (s *Service) judge(ctx context.Context, h *home, point int64, level repository.Level) (words string, bad bool) {
	found, err := h.Verify(ctx, repository.VerifyOptions{Point: point, Level: level})
	if err != nil {
		return fmt.Sprintf("point %d could not be verified: %v", point, err), false
	}
	for _, v := range found {
		if !v.Good {
			return fmt.Sprintf("point %d is no good: %s", v.Point, strings.Join(v.Found, "; ")), true
		}
		if v.Level != string(level) {
			return fmt.Sprintf("point %d was looked at for its %s only: its data could not be read, it is encrypted to others (stores[].encryption.identityFiles)", v.Point, v.Level), false
		}
	}
	return "", false
}

// followPolicy runs a continuous policy: a point a window.
func (s *Service) followPolicy(ctx context.Context, of policyRun, k *keeper) error {
	h, err := s.homeFor(ctx, of.brief())
	if err != nil {
		return err
	}
	o, err := s.captureOptions(of, h, func(p capture.Progress) { k.progress(func(j *sinks.Job) { shown(j, p) }) })
	if err != nil {
		return err
	}
	if err := h.Begin(ctx); err != nil {
		return err
	}
	w := capture.Window{Interval: of.spec.Duration("window"), Bytes: of.spec.Int("windowBytes")}
	return s.engine.follow(ctx, o, w, func(lease *repository.Lease, report capture.Report, err error) bool {
		return s.followed(ctx, of, h, lease, k, report, err)
	})
}

// followed takes one window, and says whether its point is good.
func (s *Service) followed(ctx context.Context, of policyRun, h *home, lease *repository.Lease, k *keeper, report capture.Report, err error) bool {
	s.count(report, err, report.Took)
	if err != nil {
		k.fail(err)
		k.update(func(st *keeping) { st.job.State = sinks.JobFailing })
		return false
	}
	if report.Point == nil {
		return true
	}
	out := ranOf(report)
	s.after(ctx, of, h, lease, &out)
	k.succeed(out)
	k.update(func(st *keeping) { st.job.State = sinks.JobRunning })
	return !out.bad
}

// backupOnce is a KafkaBackup without a schedule.
func (s *Service) backupOnce(ctx context.Context, j *job, of policyRun) (result, error) {
	began := s.o.Now()
	out, report, err := s.backup(ctx, of, func(p capture.Progress) { j.progress(func(v *sinks.Job) { shown(v, p) }) })
	s.count(report, err, s.o.Now().Sub(began))
	text := []string{out.text}
	for _, p := range out.left {
		text = append(text, p.Words)
	}
	return result{point: out.point, text: text, left: out.left}, err
}
