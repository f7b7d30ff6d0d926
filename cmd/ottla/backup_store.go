package main

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"
	"gocloud.dev/blob"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/agent/journal"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/store"
	"github.com/ottla-io/ottla/sources"
)

// storeFlags say where backups are, and which of them is meant.
type storeFlags struct {
	store      string
	backup     string
	cluster    string // id of the source cluster
	identities []string
	trusted    []string
	signingKey string
}

func (o *storeFlags) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.store, "store", "", "where backups are: a URL (s3://bucket/prefix, gs://…, azblob://…, file:///dir), a directory, or the name of a configured store")
	f.StringVar(&o.backup, "backup", "", "which backup, as [NAMESPACE/]NAME, where the store holds several")
	f.StringVar(&o.cluster, "source-cluster", "", "id of the source cluster, where several have a backup of that name")
	f.StringSliceVar(&o.identities, "identity", nil, "file of age identities that read encrypted packs")
	f.StringSliceVar(&o.trusted, "trusted-key", nil, "ed25519 public key, in base64, that must have signed what is read; may be repeated")
	f.StringVar(&o.signingKey, "signing-key", "", "file of the ed25519 key that signs what is written (PEM, of openssl genpkey -algorithm ed25519); a configured store has its own, a URL none")
}

// openStore is a store that answers, and with which keys it is read and written.
type openStore struct {
	name       string // for people
	bucket     *blob.Bucket
	key        ed25519.PrivateKey
	trusted    []ed25519.PublicKey
	recipients []age.Recipient
	identities []age.Identity
	step       func(string)
}

// openStore opens the store that the flags name.
func (a *app) openStore(ctx context.Context, o storeFlags) (*openStore, error) {
	config, section, err := a.storeSection(o.store)
	if err != nil {
		return nil, err
	}
	s := &openStore{name: store.Name(section.URL), step: a.step}
	if err := s.keys(config, section, o); err != nil {
		return nil, err
	}
	options := storeOptions(section)
	if config == nil {
		options.Azure = azureEnvironment(options.URL)
	}
	if s.bucket, err = store.Open(ctx, options); err != nil {
		return nil, err // it names the store
	}
	return s, nil
}

// azureEnvironment is what Azure's own tools read, and its SDK does not.
func azureEnvironment(url string) *store.Azure {
	if !strings.HasPrefix(url, "azblob:") {
		return nil
	}
	set := func(name string) store.Secret {
		if os.Getenv(name) == "" {
			return nil
		}
		return agent.Secret{Env: name}.Read
	}
	return &store.Azure{Account: os.Getenv("AZURE_STORAGE_ACCOUNT"), AccountKey: set("AZURE_STORAGE_KEY"), SASToken: set("AZURE_STORAGE_SAS_TOKEN")}
}

// Close gives the store back.
func (s *openStore) Close() error { return s.bucket.Close() }

// storeSection is the section of the configuration that is meant. A URL needs
// no configuration: a person typed it, so the environment's credentials hold.
func (a *app) storeSection(name string) (*agent.Config, agent.StoreConfig, error) {
	if url, ok := storeURL(name); ok {
		return nil, agent.StoreConfig{URL: url, Ambient: true}, nil
	}
	config, err := a.loadConfig()
	if err != nil {
		return nil, agent.StoreConfig{}, &sources.HintError{Err: err, Hint: "with --store URL no configuration is needed: --store s3://bucket/prefix, --store file:///directory"}
	}
	if name == "" && len(config.Stores) == 1 {
		return config, config.Stores[0], nil
	}
	if section, ok := config.Store(name); ok {
		return config, section, nil
	}
	var names []string
	for _, s := range config.Stores {
		names = append(names, s.Name)
	}
	return nil, agent.StoreConfig{}, notNamed("store", name, names, "--store URL needs no configuration")
}

// notNamed says that a name is none of the configuration's, or that one of
// several must be given.
func notNamed(what, name string, names []string, otherwise string) error {
	hint := "the configuration has " + strings.Join(names, ", ")
	if len(names) == 0 {
		hint = "the configuration has none; " + otherwise
	}
	if name == "" {
		return &usageError{fmt.Errorf("say which %s: --%s", what, what), hint}
	}
	return &usageError{fmt.Errorf("there is no %s %s in the configuration", what, name), hint}
}

// storeURL tells a URL or a directory from a name.
func storeURL(text string) (string, bool) {
	if strings.Contains(text, "://") {
		return text, true
	}
	if !strings.HasPrefix(text, "/") && !strings.HasPrefix(text, ".") {
		return "", false
	}
	full, err := filepath.Abs(text)
	return "file://" + filepath.ToSlash(full), err == nil
}

// keys reads what signs, and what encrypts.
func (s *openStore) keys(config *agent.Config, section agent.StoreConfig, o storeFlags) error {
	var err error
	if config != nil {
		if s.key, err = signingKey(config); err != nil {
			return err
		}
		if s.trusted, err = trustedKeys(config, s.key); err != nil {
			return err
		}
	}
	if o.signingKey != "" {
		if s.key, err = journal.SigningKey("", o.signingKey); err != nil {
			return err
		}
	}
	if s.recipients, s.identities, err = encryption(section); err != nil {
		return err
	}
	for _, file := range o.identities {
		some, err := identitiesIn(file)
		if err != nil {
			return err
		}
		s.identities = append(s.identities, some...)
	}
	return s.trust(o.trusted)
}

// trust adds the keys of the flags, and with them our own.
func (s *openStore) trust(all []string) error {
	for _, text := range all {
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(key) != ed25519.PublicKeySize {
			return &usageError{fmt.Errorf("--trusted-key %s is not an ed25519 public key", text), "it is 32 bytes in base64; ottla backup show prints who signed a point"}
		}
		s.trusted = append(s.trusted, key)
	}
	if len(all) > 0 && s.key != nil {
		s.trusted = append(s.trusted, s.key.Public().(ed25519.PublicKey))
	}
	return nil
}

// open opens one backup repository of the store.
func (s *openStore) open(ctx context.Context, id format.Identity) (*repository.Repository, error) {
	r, err := repository.Open(ctx, repository.Options{
		Bucket: s.bucket, Identity: id, Key: s.key, Trusted: s.trusted, Recipients: s.recipients, Identities: s.identities,
		Writer: writerName(), Now: time.Now, Step: s.step,
	})
	if err != nil {
		return nil, fmt.Errorf("open backup %s in %s: %w", spelled(id), s.name, err)
	}
	return r, nil
}

// all lists the backups of the store that the flags leave.
func (s *openStore) all(ctx context.Context, o storeFlags) ([]format.Identity, error) {
	every, err := repository.Find(ctx, s.bucket)
	if err != nil {
		return nil, fmt.Errorf("look for backups in %s: %w", s.name, err)
	}
	found := slices.DeleteFunc(slices.Clone(every), func(id format.Identity) bool { return !o.means(id) })
	switch {
	case len(every) == 0:
		return nil, &sources.HintError{Err: fmt.Errorf("there is no backup in %s", s.name), Hint: "is the prefix right? ottla backup now makes a first point"}
	case len(found) == 0:
		return nil, &sources.HintError{Err: fmt.Errorf("%s holds no backup %s", s.name, o.wanted()), Hint: "it holds " + listed(every)}
	default:
		return found, nil
	}
}

// find finds the one backup that the flags mean.
func (s *openStore) find(ctx context.Context, o storeFlags) (*repository.Repository, error) {
	found, err := s.all(ctx, o)
	if err != nil {
		return nil, err
	}
	if len(found) == 1 {
		return s.open(ctx, found[0])
	}
	first := found[0]
	if slices.ContainsFunc(found, func(id format.Identity) bool { return id.Name != first.Name || id.Namespace != first.Namespace }) {
		return nil, &usageError{fmt.Errorf("%s holds %d backups", s.name, len(found)), "say which with --backup: " + listed(found)}
	}
	return nil, &usageError{
		fmt.Errorf("backup %s in %s is of %d source clusters: %s", first.Namespace+"/"+first.Name, s.name, len(found), clustersOf(found)),
		"say which with --source-cluster",
	}
}

// means tells whether the flags may mean that backup.
func (o storeFlags) means(id format.Identity) bool {
	namespace, name, both := strings.Cut(o.backup, "/")
	if !both {
		namespace, name = "", o.backup
	}
	return (namespace == "" || namespace == id.Namespace) && (name == "" || name == id.Name) && (o.cluster == "" || o.cluster == id.Cluster)
}

func (o storeFlags) wanted() string {
	text := o.backup
	if o.cluster != "" {
		text += " of cluster " + o.cluster
	}
	return strings.TrimSpace(text)
}

// identity is the backup that is written to: NAME, or NAMESPACE/NAME.
func (o storeFlags) identity(cluster, otherwise string) (format.Identity, error) {
	text := o.backup
	if text == "" {
		text = otherwise
	}
	namespace, name, both := strings.Cut(text, "/")
	if !both {
		namespace, name = "default", text
	}
	if namespace == "" || name == "" || strings.Contains(name, "/") {
		return format.Identity{}, &usageError{errors.New("--backup " + text + " is not a name"), "write NAME or NAMESPACE/NAME"}
	}
	return format.Identity{Namespace: namespace, Name: name, Cluster: cluster}, nil
}

func spelled(id format.Identity) string {
	return id.Namespace + "/" + id.Name + " of cluster " + id.Cluster
}

func listed(all []format.Identity) string {
	words := make([]string, len(all))
	for i, id := range all {
		words[i] = spelled(id)
	}
	return strings.Join(words, ", ")
}

func clustersOf(all []format.Identity) string {
	words := make([]string, len(all))
	for i, id := range all {
		words[i] = id.Cluster
	}
	return strings.Join(words, " and ")
}
