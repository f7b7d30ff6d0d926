package work

import (
	"context"
	"errors"
	"fmt"

	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/proof"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// evidenceOf is the series of a validation's evidence, as its document has it
// signed: by its own key, or by the agent's.
func (s *Service) evidenceOf(of policyRun, h *home) (*repository.Series, error) {
	series := h.Series(evidenceSeries(of.id), "evidence")
	if of.spec[backup.FieldSigner] == "" {
		return series, nil
	}
	read := of.means.secret(backup.MeansSigner)
	if read == nil {
		return nil, errors.New("the key that signs the evidence is not at hand (evidence.signing.keySecret)")
	}
	text, err := read()
	if err != nil {
		return nil, err
	}
	key, err := format.PrivateKey([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("the key that signs the evidence (evidence.signing.keySecret): %w", err)
	}
	return series.SignedBy(key), nil
}

// newestFound is what was found last, with the number 0 before the first. What
// somebody signed who is not trusted, such as a key that the document has no
// more, counts as none: it is looked again.
func (s *Service) newestFound(ctx context.Context, h *home, of policyRun) (found, error) {
	series, err := s.evidenceOf(of, h)
	if err != nil {
		return found{}, err
	}
	var e proof.Evidence
	n, err := series.Newest(ctx, &e)
	var stranger *repository.UntrustedError
	if errors.As(err, &stranger) {
		return found{}, nil
	}
	if err != nil {
		return found{}, fmt.Errorf("read the evidence: %w", err)
	}
	return foundAs(of.id, n, e), nil
}

// writeDown appends what was found to its series beside the backup, and brings
// it where else the document wants it. Only the first is what makes a run: the
// evidence is there, whatever becomes of its copies.
func (s *Service) writeDown(ctx context.Context, of policyRun, h *home, e proof.Evidence) (found, error) {
	series, err := s.evidenceOf(of, h)
	if err != nil {
		return found{}, err
	}
	for {
		n, err := series.Append(ctx, e)
		if errors.Is(err, repository.ErrTaken) {
			continue
		}
		if err != nil {
			return found{}, err
		}
		f := foundAs(of.id, n, e)
		s.copies(ctx, of, h, series, &f)
		return f, nil
	}
}

// copies makes what stands beside the evidence, and what stands elsewhere.
func (s *Service) copies(ctx context.Context, of policyRun, h *home, series *repository.Series, f *found) {
	if of.spec.Is(backup.FieldPDF) {
		page, err := f.PDF()
		if err == nil {
			err = series.Beside(ctx, f.number, ".pdf", "application/pdf", page)
		}
		f.trouble(ctx, err, "the PDF could not be written")
	}
	if of.spec[backup.FieldEvidence] == "" {
		return
	}
	kept, err := s.archive(ctx, of, h, series)
	f.trouble(ctx, err, "the evidence could not be copied to "+of.spec[backup.FieldEvidence]+again(of))
	if kept.Removed > 0 {
		f.more += fmt.Sprintf("; %d old copies of evidence removed", kept.Removed)
	}
	if kept.Deferred > 0 {
		f.more += fmt.Sprintf("; %d old copies of evidence stay until their store lets them go", kept.Deferred)
	}
}

// again is what brings a copy that could not be made.
func again(of policyRun) string {
	if of.id.Kind == backup.KindPolicy {
		return " (the next run does it)"
	}
	namespace, name := nameOf(of.id)
	return fmt.Sprintf(" (it stands beside the backup: ottla backup evidence %s.%s --output DIR)", namespace, name)
}

func (f *found) trouble(ctx context.Context, err error, what string) {
	if err != nil && ctx.Err() == nil {
		f.left = append(f.left, problem{Kind: sinks.TroubleEvidence, Words: what + ": " + err.Error()})
	}
}

// archive copies evidence to the store that the document names, which is one
// that the configuration allows, and removes what is old there.
func (s *Service) archive(ctx context.Context, of policyRun, h *home, series *repository.Series) (kept proof.Kept, err error) {
	st, err := s.storeOf(backup.EvidenceOf(of.spec), of.means.below("evidence"))
	if err != nil {
		return kept, err
	}
	bucket, err := s.engine.store(ctx, st.Options)
	if err != nil {
		return kept, err
	}
	defer func() { err = errors.Join(err, bucket.Close()) }()
	namespace, name := nameOf(of.id)
	a := proof.Archive{
		Bucket: bucket, Backup: h.Identity(), Validation: namespace + "." + name,
		Keep: of.spec.Duration(backup.FieldRetention), PDF: of.spec.Is(backup.FieldPDF), Now: s.o.Now,
	}
	return a.Bring(ctx, series)
}
