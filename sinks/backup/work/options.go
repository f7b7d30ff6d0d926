package work

import (
	"context"
	"crypto/ed25519"
	"time"

	"filippo.io/age"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/store"
	"github.com/ottla-io/ottla/sinks/kafka"
)

// Options are what the work of one cluster is made of. Documents may refer to
// or match what stands here; they bring in nothing else.
type Options struct {
	Cluster  string    // whose syncs declare the work
	Clusters []Cluster // that documents may name, Cluster among them
	Kept     []string  // names of clusters that syncs of this agent keep
	Stores   []Store
	StateDir string // pvc's are directories below it, and records of jobs that have no backup
	Shelf    Shelf  // keeps those records instead; nil where the state directory does
	Key      ed25519.PrivateKey
	Trusted  []ed25519.PublicKey
	Memory   int64  // bytes for each run; 0 is 256 MiB
	Brokers  int    // that a run reads from at once; 0 is all
	Writer   string // who we are: host/pid
	// AllowPurge and AllowWebhooks are patterns of topics that a restore may empty
	// first, and of hosts that a validation may ask or tell.
	AllowPurge    []string
	AllowWebhooks []string
	// Slack and PagerDuty make those whom a validation's document has told of its
	// results. The secrets are the document's, and are read at each use.
	Slack     func(webhook func() (string, error)) (sinks.Notifier, error)
	PagerDuty func(host, severity string, key func() (string, error)) (sinks.Notifier, error)
	Final     *Final
	Scratch   string // name of the cluster that drills restore into; "" is Embedded
	// Embedded begins a Kafka in the process for a drill, and returns how it is
	// reached and ended.
	Embedded func() (dial func(context.Context) (*kgo.Client, error), stop func(), err error)

	Now func() time.Time
	// Told gets all incidents whenever they may have changed. It must not block,
	// and may be nil.
	Told func([]sinks.Incident)
	// Poke asks for a round, because something ended that others wait for. It may
	// be nil.
	Poke func()
	// Step is called by name between any two steps of what is written, as those of
	// capture, restore and repository are; it may be nil.
	Step func(string)
}

// Cluster is a cluster that the agent's configuration names.
type Cluster struct {
	Name      string
	Options   kafka.Options
	Protected []string // patterns of topics that are never emptied
}

// Store is a store that the agent's configuration names.
type Store struct {
	backup.Store
	Options    store.Options
	Recipients []age.Recipient
	Identities []age.Identity
}

// sealed tells a store whose packs nothing here can read.
func (s Store) sealed() bool { return len(s.Recipients) > 0 && len(s.Identities) == 0 }

// Final says where a topic goes before it is deleted.
type Final struct {
	Store string        // name of a store
	Quiet time.Duration // how long nobody may have produced or consumed
}

// FinalNamespace and FinalName are whose backup repository final backups are in.
const (
	FinalNamespace = "ottla"
	FinalName      = "deleted-topics"
)

// dial opens one more client to a cluster.
type dial func(context.Context) (*kgo.Client, error)
