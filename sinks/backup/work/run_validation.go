package work

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/proof"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// point is a point by its number; 0 is the newest good one.
func (h *home) point(ctx context.Context, n int64) (*repository.Point, error) {
	if n == 0 {
		return h.Newest(ctx)
	}
	return h.Point(ctx, n)
}

// evidenceSeries is where the evidence of a validation or a drill stands.
func evidenceSeries(id reconcile.ID) string {
	namespace, name := nameOf(id)
	return "evidence/" + namespace + "." + name
}

// newestEvidence is when a validation last looked.
func newestEvidence(ctx context.Context, h *home, id reconcile.ID) (time.Time, error) {
	var e proof.Evidence
	if _, err := h.Series(evidenceSeries(id), "evidence").Newest(ctx, &e); err != nil {
		return time.Time{}, fmt.Errorf("read the evidence: %w", err)
	}
	return e.Ended, nil
}

// validate looks whether a backup holds what it promises, and writes down what
// it found.
func (s *Service) validate(ctx context.Context, of policyRun) (proof.Evidence, error) {
	h, err := s.homeFor(ctx, of.brief())
	if err != nil {
		return proof.Evidence{}, err
	}
	var e proof.Evidence
	if doesOf(of.id) == backup.DoesDrill {
		e, err = s.drill(ctx, of, h)
	} else {
		e, err = s.compare(ctx, of, h)
	}
	if err != nil {
		return e, err
	}
	for {
		_, err := h.Series(evidenceSeries(of.id), "evidence").Append(ctx, e)
		if !errors.Is(err, repository.ErrTaken) {
			return e, err
		}
	}
}

// compare runs the checks of a KafkaBackupValidation.
func (s *Service) compare(ctx context.Context, of policyRun, h *home) (proof.Evidence, error) {
	spec := of.spec
	o := proof.ValidateOptions{Repository: h.Repository, Point: spec.Int(backup.FieldPoint), Offsets: spec.Is("offsets"), Now: s.o.Now}
	if spec[backup.FieldCluster] != "" {
		open, err := s.dialer(spec, of.means)
		if err != nil {
			return proof.Evidence{}, err
		}
		o.Dial = open
	}
	if spec.Is("counts") {
		o.Counts = &proof.Counts{Topics: spec.List(backup.FieldTopics), Fail: spec.Float("counts.fail")}
	}
	if spec.Is("groupOffsets") {
		o.Groups = &proof.GroupOffsets{Groups: spec.List("groups")}
	}
	hooks := backup.Spec(spec.Below("webhook"))
	for i := 0; hooks[fmt.Sprintf("%d.name", i)] != ""; i++ {
		at := fmt.Sprintf("%d.", i)
		o.Webhooks = append(o.Webhooks, proof.Webhook{
			Name: hooks[at+"name"], URL: of.means.secret("webhook." + at + "url"),
			Timeout: hooks.Duration(at + "timeout"), Status: int(hooks.Int(at + "status")),
		})
	}
	return proof.Validate(ctx, o)
}

// drill restores into a scratch cluster and compares.
func (s *Service) drill(ctx context.Context, of policyRun, h *home) (proof.Evidence, error) {
	o := proof.DrillOptions{Repository: h.Repository, Point: of.spec.Int(backup.FieldPoint), Topics: of.spec.List(backup.FieldTopics), Now: s.o.Now}
	if h.sealed {
		return proof.Evidence{}, errors.New("the backup is encrypted, and no identity is at hand that reads it (stores[].encryption.identityFiles)")
	}
	if s.o.Scratch == "" {
		if s.o.Embedded == nil {
			return proof.Evidence{}, errors.New("there is no scratch cluster to restore into (backups.scratch)")
		}
		open, stop, err := s.o.Embedded()
		if err != nil {
			return proof.Evidence{}, err
		}
		defer stop()
		o.Dial, o.Embedded = open, true
		return proof.Drill(ctx, o)
	}
	for _, c := range s.o.Clusters {
		if c.Name == s.o.Scratch {
			open, err := s.dialer(backup.Spec{backup.FieldCluster: strings.Join(c.Options.Brokers, ",")}, nil)
			if err != nil {
				return proof.Evidence{}, err
			}
			o.Dial = open
		}
	}
	return proof.Drill(ctx, o)
}

// runValidation is one run of a scheduled validation or drill.
func (s *Service) runValidation(ctx context.Context, of policyRun) (ran, error) {
	e, err := s.validate(ctx, of)
	if err != nil {
		return ran{}, err
	}
	out := ran{point: e.Point, taken: e.Ended, text: passedWords(e)}
	if !e.Passed {
		out.left = append(out.left, problem{Kind: "verify", Words: passedWords(e)})
	}
	return out, nil
}

func (s *Service) validateOnce(ctx context.Context, of policyRun) (result, error) {
	e, err := s.validate(ctx, of)
	if err != nil {
		return result{}, err
	}
	out := result{point: e.Point, text: []string{passedWords(e)}, report: e}
	if !e.Passed {
		out.left = []problem{{Kind: "verify", Words: passedWords(e)}}
	}
	return out, nil
}

func passedWords(e proof.Evidence) string {
	if e.Passed {
		return fmt.Sprintf("point %d passed: %s", e.Point, e.Proves)
	}
	var failed []string
	for _, c := range e.Checks {
		if !c.Passed {
			failed = append(failed, c.Name+": "+c.Text)
		}
	}
	return fmt.Sprintf("point %d failed: %s", e.Point, strings.Join(failed, "; "))
}
