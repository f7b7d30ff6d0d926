package work

import (
	"context"
	"fmt"
	"slices"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/backup"
)

// bound tells a job that is carried out on one cluster: what it did there it
// did not do on another one, or on the same one after it was made anew.
func bound(id reconcile.ID, spec backup.Spec) bool {
	switch doesOf(id) {
	case backup.DoesRestore, backup.DoesReset, backup.DoesRollback:
		return !spec.Is(backup.FieldDryRun)
	}
	return false
}

// place writes down on which cluster a job is carried out. It does not go on on
// another one.
func (s *Service) place(ctx context.Context, j *job, of policyRun) error {
	if !bound(of.id, of.spec) {
		return nil
	}
	now, err := s.clusterID(ctx, of.spec, of.means)
	if err != nil {
		return err
	}
	r := j.recordNow()
	switch r.Cluster {
	case now:
		return nil
	case "":
		r.Cluster = now
		return s.note(ctx, j, of, r)
	}
	return fmt.Errorf("it was begun on cluster %s, and this is cluster %s: give it another name to do it here", r.Cluster, now)
}

// claim writes down what a job was found to work on, so that a restart knows.
// Topics of another cluster are not claimed on this one.
func (s *Service) claim(ctx context.Context, j *job, of policyRun, ids []reconcile.ID) error {
	r := j.recordNow()
	if !s.isOwn(of.spec) || slices.Equal(r.Claims, ids) {
		return nil
	}
	r.Claims = ids
	return s.note(ctx, j, of, r)
}

// note writes down more about a job that goes on.
func (s *Service) note(ctx context.Context, j *job, of policyRun, r record) error {
	if err := s.writeRecord(ctx, j.id, of, r); err != nil {
		return err
	}
	j.set(r)
	return nil
}

// isOwn tells whether a document works on the cluster that its sync keeps.
func (s *Service) isOwn(spec backup.Spec) bool {
	c, err := s.clusterOf(spec)
	return err == nil && c.Name == s.o.Cluster
}

// elsewhere is why a declared job that was carried out cannot be taken for done:
// the sync's cluster is another one by now, and nothing of it is there.
func (s *Service) elsewhere(ctx context.Context, b brief, r record) error {
	if b.want == nil || r.Cluster == "" || !s.isOwn(b.want) {
		return nil
	}
	now, err := s.clusterID(ctx, b.want, b.means)
	if err != nil || now == r.Cluster {
		return nil //nolint:nilerr // a cluster that cannot be asked is told of by whoever observes it
	}
	return fmt.Errorf("it was carried out on cluster %s, and this is cluster %s: give it another name to do it here, or remove its document", r.Cluster, now)
}

// keptElsewhere refuses to restore into a cluster whose own sync would not know
// of it: it would set retention back while records are written.
func (s *Service) keptElsewhere(id reconcile.ID, spec backup.Spec) string {
	if doesOf(id) != backup.DoesRestore || spec.Is(backup.FieldDryRun) {
		return ""
	}
	c, err := s.clusterOf(spec)
	if err != nil || c.Name == s.o.Cluster || !slices.Contains(s.o.Kept, c.Name) {
		return ""
	}
	return fmt.Sprintf("it restores into cluster %s, which another sync keeps, and which would change topics back while they are restored: declare it in a path of that sync, with backupRef.storage", c.Name)
}
