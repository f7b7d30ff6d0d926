// Package proof shows that a backup can be restored: drills, validations, and
// the evidence they leave behind.
package proof

import (
	"context"
	"crypto/ed25519"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// DrillOptions are one drill.
type DrillOptions struct {
	Repository *repository.Repository
	Point      int64                                      // 0: the newest good one
	Topics     []string                                   // globs; none are all
	Dial       func(context.Context) (*kgo.Client, error) // to the scratch cluster
	Embedded   bool                                       // the scratch cluster is a Kafka in the process: readability is proven, no more
	Prefix     string                                     // of scratch topics; "" is ottla-drill-ID-
	Now        func() time.Time
	Progress   func(done, total int64)
	Step       func(string)
}

// Drill restores a point into scratch topics, compares the record digests with
// those of the backup, and deletes the topics, also after a failure.
func Drill(ctx context.Context, o DrillOptions) (Evidence, error) { panic("unbuilt") }

// ValidateOptions are one KafkaBackupValidation.
type ValidateOptions struct {
	Repository *repository.Repository
	Point      int64
	Dial       func(context.Context) (*kgo.Client, error) // to the source cluster; nil compares with the backup alone
	Counts     *Counts
	Offsets    bool
	Groups     *GroupOffsets
	Webhooks   []Webhook
	Now        func() time.Time
}

// Counts compares numbers of records.
type Counts struct {
	Topics []string
	Fail   float64 // share of missing records from which on it fails
}

// GroupOffsets compares committed offsets.
type GroupOffsets struct{ Groups []string }

// Webhook is a service that judges, too: the evidence so far is posted to it.
type Webhook struct {
	Name    string
	URL     func() (string, error)
	Timeout time.Duration
	Status  int
}

// Validate looks whether a point holds what it promises.
func Validate(ctx context.Context, o ValidateOptions) (Evidence, error) { panic("unbuilt") }

// Evidence is what was looked at and found.
type Evidence struct {
	Version  int             `json:"version"`
	Kind     string          `json:"kind"` // drill | validation | restore
	Backup   format.Identity `json:"backup"`
	Point    int64           `json:"point"`
	Taken    time.Time       `json:"taken"`
	Target   string          `json:"target"` // id of the cluster restored into; "embedded"
	Proves   string          `json:"proves"` // in a sentence
	Passed   bool            `json:"passed"`
	Checks   []Check         `json:"checks"`
	Digests  []format.Digest `json:"digests,omitempty"`
	Began    time.Time       `json:"began"`
	Ended    time.Time       `json:"ended"`
	By       string          `json:"by"`
	Software string          `json:"software"`
}

// Check is one thing that was looked at.
type Check struct {
	Name   string   `json:"name"`
	Passed bool     `json:"passed"`
	Text   string   `json:"text"`
	Found  []string `json:"found,omitempty"`
}

// Sign makes the signed JSON: format.Seal's three lines, which Read checks.
func (e Evidence) Sign(key ed25519.PrivateKey) ([]byte, error) { panic("unbuilt") }

// Read reads what Sign made, and says who signed it.
func Read(b []byte) (Evidence, ed25519.PublicKey, error) { panic("unbuilt") }

// HTML is the report for people: one page that needs nothing else.
func (e Evidence) HTML() ([]byte, error) { panic("unbuilt") }
