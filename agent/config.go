package agent

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
)

// Config is the agent's configuration file. It holds no secret: each is named
// by a file or an environment variable and read at each use (Secret).
type Config struct {
	StateDir     string             `json:"stateDir" doc:"Directory of the ledgers, the kept clones, open incidents and the seal key. One agent only may use it." default:"/var/lib/ottla"`
	Name         string             `json:"name" doc:"What this agent is called where several keep a cluster. The host's name if not given." pattern:"^[a-zA-Z0-9][a-zA-Z0-9._-]*$" max:"63"`
	SealKeyFile  string             `json:"sealKeyFile" doc:"File of a secret, 32 random bytes or more, that keys the prints of passwords in the ledger: the same on all agents of a cluster. Needed with ledger: kafka. seal.key in the state directory, made at the first start, if not given."`
	Socket       string             `json:"socket" doc:"Unix socket by which commands reach the running agent. ottla.sock in the state directory if not given."`
	Log          LogConfig          `json:"log" doc:"How the agent writes its log, to standard error."`
	HTTP         HTTPConfig         `json:"http" doc:"The listener for health, metrics, status and webhooks. It changes nothing."`
	Webhooks     WebhooksConfig     `json:"webhooks" doc:"Deliveries from a forge that wake the agent at once. Without them it polls."`
	Repositories []RepositoryConfig `json:"repositories" doc:"The Git repositories that are followed." required:"true" min:"1"`
	Clusters     []ClusterConfig    `json:"clusters" doc:"The Kafka clusters. A commit cannot reach one that is not named here." required:"true" min:"1"`
	Syncs        []SyncConfig       `json:"syncs" doc:"Which path of which repository is kept on which cluster." required:"true" min:"1"`
	Stores       []StoreConfig      `json:"stores" doc:"The object stores that backups may be in. A commit cannot reach one that is not named here."`
	Backups      BackupsConfig      `json:"backups" doc:"What backups, restores and drills have in common."`
	Notify       NotifyConfig       `json:"notify" doc:"Who is told of incidents."`
	Heartbeat    *HeartbeatConfig   `json:"heartbeat" doc:"A URL that is fetched after each good round (every repository read, no revision rejected, nothing failed), for whoever watches the watcher."`

	node reconcile.Node // what it was read from, for the lines in messages
}

// LogConfig says how the agent logs.
type LogConfig struct {
	Format string `json:"format" doc:"Lines for people, or JSON for machines." enum:"console,json" default:"console"`
	Level  string `json:"level" doc:"The least that is written." enum:"debug,info,warn,error" default:"info"`
}

// ParseConfig reads a configuration. The error is strict.Problems: everything
// that is wrong, in the order of the file.
func ParseConfig(node reconcile.Node) (*Config, error) {
	c := &Config{node: node}
	var found, across strict.Problems
	if err := strict.Into(node, c); err != nil && !errors.As(err, &found) {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	if err := c.Complete(); err != nil && !errors.As(err, &across) {
		return nil, err
	}
	if all := merge(found, across); len(all) > 0 {
		return nil, all
	}
	return c, nil
}

// Complete fills what follows from other fields, expands
// $CREDENTIALS_DIRECTORY in file names and checks what one section alone
// cannot know: names, references and files. What the tags and the sections'
// own Check say was looked at when the file was read. The error is
// strict.Problems with lines where the configuration came from a file.
func (c *Config) Complete() error {
	c.StateDir = cmp.Or(c.StateDir, "/var/lib/ottla")
	c.Socket = cmp.Or(c.Socket, filepath.Join(c.StateDir, "ottla.sock"))
	k := &checker{root: c.node}
	k.files(c)
	k.socket(c.Socket)
	k.names(c)
	k.references(c)
	k.backups(c)
	k.ledgers(c)
	return sorted(k.found).Err()
}

// Repository returns the repository of that name.
func (c *Config) Repository(name string) (RepositoryConfig, bool) {
	return byName(c.Repositories, name, func(r RepositoryConfig) string { return r.Name })
}

// Cluster returns the cluster of that name.
func (c *Config) Cluster(name string) (ClusterConfig, bool) {
	return byName(c.Clusters, name, func(l ClusterConfig) string { return l.Name })
}

// Kept are the clusters that a sync names. No round looks at the others.
func (c *Config) Kept() []ClusterConfig {
	return slices.DeleteFunc(slices.Clone(c.Clusters), func(l ClusterConfig) bool {
		return !slices.ContainsFunc(c.Syncs, func(s SyncConfig) bool { return s.Cluster == l.Name })
	})
}

func byName[T any](all []T, name string, of func(T) string) (T, bool) {
	i := slices.IndexFunc(all, func(one T) bool { return of(one) == name })
	if i < 0 {
		var none T
		return none, false
	}
	return all[i], true
}

// HeartbeatConfig is a dead man's switch.
type HeartbeatConfig struct {
	URLFile  string        `json:"urlFile" doc:"File that holds the URL; it is a secret."`
	URLEnv   string        `json:"urlEnv" doc:"Environment variable that holds the URL."`
	Interval time.Duration `json:"interval" doc:"The URL is fetched at most this often." default:"1m" min:"1s"`
}

// URL is where the heartbeat goes.
func (h HeartbeatConfig) URL() Secret { return Secret{h.URLFile, h.URLEnv} }

// Check wants a URL.
func (h *HeartbeatConfig) Check(report func(path, text string)) {
	if h.URL().IsZero() {
		report("", "give urlFile or urlEnv")
	}
}
