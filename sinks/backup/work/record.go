package work

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// record is how a job is, written where its data is: a lost ledger learns from
// it what was carried out, and a restart what was not. The newest one of its
// series counts.
type record struct {
	Job    string            `json:"job"`
	Digest string            `json:"digest"` // of what was asked for
	Spec   map[string]string `json:"spec"`
	State  sinks.JobState    `json:"state"`
	Text   []string          `json:"text,omitempty"`
	Point  int64             `json:"point,omitempty"`
	Left   []problem         `json:"left,omitempty"` // what people should know of one that is done
	Began  time.Time         `json:"began"`
	Ended  time.Time         `json:"ended,omitzero"`
	By     string            `json:"by"`
	// Cluster is the id of the cluster that it is carried out on, where that matters.
	Cluster string `json:"cluster,omitempty"`
	// Claims are what it was found to work on, beside what its document claims.
	Claims []reconcile.ID  `json:"claims,omitempty"`
	Report json.RawMessage `json:"report,omitempty"`
}

// over tells a job that is not going on any more.
func (r record) over() bool {
	return r.State == sinks.JobDone || r.State == sinks.JobFailed || r.State == sinks.JobCancelled
}

// digestOf tells two texts of one name apart.
func digestOf(spec backup.Spec) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(spec)) {
		_, _ = fmt.Fprintf(h, "%d:%s%d:%s", len(name), name, len(spec[name]), spec[name])
	}
	return hex.EncodeToString(h.Sum(nil)[:4])
}

// jobSeries is where a job's records stand in its home.
func jobSeries(id reconcile.ID) string {
	namespace, name := nameOf(id)
	return "jobs/" + doesOf(id) + "." + namespace + "." + name
}

// recordOf reads a job's newest record; false if there is none.
func recordOf(ctx context.Context, h *home, id reconcile.ID) (record, bool, error) {
	var r record
	n, err := h.Series(jobSeries(id), "job").Newest(ctx, &r)
	if err != nil {
		return record{}, false, fmt.Errorf("read the record of %s: %w", id, err)
	}
	return r, n > 0, nil
}

// write appends a record.
func write(ctx context.Context, h *home, id reconcile.ID, r record) error {
	series := h.Series(jobSeries(id), "job")
	for {
		_, err := series.Append(ctx, r)
		switch {
		case errors.Is(err, repository.ErrTaken):
			continue // somebody wrote one meanwhile: ours comes after it
		case err != nil:
			return fmt.Errorf("write the record of %s: %w", id, err)
		}
		return nil
	}
}
