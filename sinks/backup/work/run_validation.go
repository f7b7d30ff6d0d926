package work

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
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

// found is what a validation or a drill found last.
type found struct {
	proof.Evidence
	number int64     // of the evidence in its series
	name   string    // of the object that the evidence is
	more   string    // what became of its copies, in words
	left   []problem // what could not be done with it
}

func foundAs(id reconcile.ID, number int64, e proof.Evidence) found {
	return found{Evidence: e, number: number, name: fmt.Sprintf("%s/%012d.json", evidenceSeries(id), number)}
}

// newestEvidence is when a validation last looked. What it found then is told of
// after a restart, too.
func (s *Service) newestEvidence(ctx context.Context, h *home, of policyRun) (time.Time, error) {
	f, err := s.newestFound(ctx, h, of)
	if err != nil || f.number == 0 {
		return time.Time{}, err
	}
	s.remember(of.id, f)
	s.send(of, h, f)
	return f.Ended, nil
}

func (s *Service) remember(id reconcile.ID, f found) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found[id] = f
}

// ofEvidence is an incident where a scheduled validation did not pass; its next
// pass ends it. The caller holds the lock.
func (s *Service) ofEvidence(id reconcile.ID) []sinks.Incident {
	f, looked := s.found[id]
	if !looked || f.Passed {
		return nil
	}
	return []sinks.Incident{s.incident(id.Name, sinks.TroubleProof, sinks.Error, f.Ended, name(id)+" failed", f.words()...)}
}

// words are what was found, and where it is written down.
func (f found) words() []string {
	return []string{passedWords(f.Evidence), "evidence: " + f.name + " in the backup repository"}
}

// validate looks whether a backup holds what it promises, and writes down what
// it found.
func (s *Service) validate(ctx context.Context, of policyRun) (found, error) {
	h, err := s.homeFor(ctx, of.brief())
	if err != nil {
		return found{}, err
	}
	var e proof.Evidence
	if doesOf(of.id) == backup.DoesDrill {
		e, err = s.drill(ctx, of, h)
	} else {
		e, err = s.compare(ctx, of, h)
	}
	if err != nil {
		return found{}, err
	}
	return s.writeDown(ctx, of, h, e)
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
			Name: hooks[at+"name"], URL: s.allowed(of.means.secret("webhook." + at + "url")),
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
		if err := fits(ctx, h, o, proof.EmbeddedMost); err != nil {
			return proof.Evidence{}, err
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

// fits refuses a drill in the process that would take more memory than there is.
func fits(ctx context.Context, h *home, o proof.DrillOptions, most int64) error {
	p, err := h.point(ctx, o.Point)
	if err != nil {
		return err
	}
	err = proof.Fits(p, o.Topics, most)
	var large *proof.TooLargeError
	if errors.As(err, &large) {
		return fmt.Errorf("%w: name a scratch cluster (backups.scratch), or choose fewer topics (checks.messageCount.topics)", err)
	}
	return err
}

// runValidation is one run of a scheduled validation or drill.
func (s *Service) runValidation(ctx context.Context, of policyRun) (ran, error) {
	f, err := s.validate(ctx, of)
	s.countProof(f, err)
	if err != nil {
		return ran{}, err
	}
	s.remember(of.id, f)
	if h, err := s.homeFor(ctx, of.brief()); err == nil { // it was just at hand
		s.send(of, h, f)
	}
	return ran{point: f.Point, taken: f.Ended, text: passedWords(f.Evidence) + f.more, left: f.left}, nil
}

func (s *Service) validateOnce(ctx context.Context, of policyRun) (result, error) {
	f, err := s.validate(ctx, of)
	s.countProof(f, err)
	if err != nil {
		return result{}, err
	}
	out := result{point: f.Point, text: []string{passedWords(f.Evidence) + f.more}, report: f.Evidence, left: f.left}
	if !f.Passed {
		out.failed, out.text = true, f.words()
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
