package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/ottla-io/ottla/docs/examples"
	"github.com/ottla-io/ottla/sources"
)

// Options say where the stage is put up.
type Options struct {
	Dir  string // made if it is not there
	HTTP string // address of the agent's listener
}

// Stage is a running demo without its agent.
type Stage struct {
	Dir     string
	Broker  string // host:port
	Config  string // of the agent
	Commit  string // newest of the repository
	Files   int    // of the repository
	kafka   *kfake.Cluster
	admin   *kadm.Client
	options Options
}

// marker tells a folder of ours from somebody's files.
const marker = ".ottla-demo"

// agentUser is who the agent logs in as.
const agentUser = "ottla"

// Open puts up the stage, or goes on with one that was left in the folder.
func Open(_ context.Context, o Options) (*Stage, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", o.Dir, err)
	}
	if err := claim(dir); err != nil {
		return nil, err
	}
	s := &Stage{Dir: dir, Config: filepath.Join(dir, "ottla.yaml"), options: o}
	if err := s.open(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// claim makes the folder ours. One that holds something else is left alone.
func claim(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the demo's folder: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, marker)); len(entries) > 0 && err != nil {
		return &sources.HintError{Err: fmt.Errorf("%s is there already, and is no demo", dir), Hint: "name another folder with --dir"}
	}
	if err := os.MkdirAll(filepath.Join(dir, "keys"), 0o700); err != nil {
		return fmt.Errorf("make the demo's folder: %w", err)
	}
	return write(filepath.Join(dir, marker), "The folder of `ottla demo`. It may be deleted.\n", 0o644)
}

func (s *Stage) open() error {
	password, err := s.secret("kafka-password")
	if err != nil {
		return err
	}
	if err := write(filepath.Join(s.Dir, "keys", "demo.agekey"), examples.DemoKey(), 0o600); err != nil {
		return err
	}
	if s.kafka, err = broker(filepath.Join(s.Dir, "kafka"), password); err != nil {
		return err
	}
	s.Broker = s.kafka.ListenAddrs()[0]
	if s.admin, err = adminOf(s.Broker, password); err != nil {
		return err
	}
	if s.Commit, s.Files, err = repository(s.Repository()); err != nil {
		return err
	}
	return write(s.Config, s.config(), 0o600)
}

// Repository is the working tree that people edit.
func (s *Stage) Repository() string { return filepath.Join(s.Dir, "platform") }

// Backups is the store into which the example's schedule writes.
func (s *Stage) Backups() string { return filepath.Join(s.Dir, "state", "pvc", "backups") }

// HTTP is where the agent's status can be read.
func (s *Stage) HTTP() string { return s.options.HTTP }

// Close stops Kafka; its data stays in the folder.
func (s *Stage) Close() error {
	if s.admin != nil {
		s.admin.Close()
	}
	if s.kafka != nil {
		s.kafka.Close()
	}
	return nil
}

// broker is a Kafka in this process, with access control, its data on disk.
func broker(dir, password string) (*kfake.Cluster, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make Kafka's folder: %w", err)
	}
	c, err := kfake.NewCluster(
		kfake.NumBrokers(1), kfake.DataDir(dir), kfake.ClusterID("ottla-demo"),
		kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("SCRAM-SHA-512", agentUser, password),
	)
	if err != nil {
		return nil, fmt.Errorf("start the embedded Kafka: %w", err)
	}
	return c, nil
}

func adminOf(address, password string) (*kadm.Client, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(address), kgo.SASL(scram.Auth{User: agentUser, Pass: password}.AsSha512Mechanism()))
	if err != nil {
		return nil, fmt.Errorf("reach the embedded Kafka: %w", err)
	}
	return kadm.NewClient(client), nil
}

// secret reads a secret of this demo, or makes one.
func (s *Stage) secret(name string) (string, error) {
	file := filepath.Join(s.Dir, "keys", name)
	data, err := os.ReadFile(file) //nolint:gosec // our own folder
	if err == nil {
		return strings.TrimSpace(string(data)), nil
	}
	text := rand.Text()
	return text, write(file, text+"\n", 0o600)
}

func write(file, text string, mode os.FileMode) error {
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		return fmt.Errorf("write the demo's folder: %w", err)
	}
	return nil
}

// config is the agent's configuration: short intervals, so that a person need
// not wait.
func (s *Stage) config() string {
	return fmt.Sprintf(`# The agent of the demo. docs/configuration.md has every field.
stateDir: %[1]s/state

http:
  listen: %[2]s

repositories:
  - name: platform
    url: file://%[1]s/platform
    interval: 1s

clusters:
  - name: demo
    bootstrapServers: [%[3]q]
    sasl:
      mechanism: SCRAM-SHA-512
      username: %[4]s
      passwordFile: %[1]s/keys/kafka-password
    allowDeletion:
      topics: true

# What Git declares about backups goes below the state directory. A topic that
# leaves Git is backed up here before it is deleted.
stores:
  - name: deleted
    url: file://%[1]s/deleted-topics?create_dir=true

backups:
  finalBackup:
    store: deleted
    quiet: 0s

syncs:
  - name: dev
    repository: platform
    ref:
      branch: main
    path: overlays/dev
    cluster: demo
    interval: 1s
    grace:
      topics: 0s
    sops:
      ageKeyFiles: [%[1]s/keys/demo.agekey]
`, s.Dir, s.options.HTTP, s.Broker, agentUser)
}
