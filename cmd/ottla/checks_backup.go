package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/cmd/ottla/show"
	"github.com/ottla-io/ottla/sinks/backup/store"
	"github.com/ottla-io/ottla/sinks/kafka"
	"github.com/ottla-io/ottla/sources"
)

// backups tries what backups need on this machine and in the stores.
func (c *checks) backups(ctx context.Context) {
	if len(c.config.Stores) == 0 {
		return
	}
	c.signing()
	for _, s := range c.config.Stores {
		c.encryption(s)
		c.store(ctx, s)
	}
}

// signing reads the key that signs manifests. One that is not there yet is made
// by the first run, not by a check.
func (c *checks) signing() {
	const area, what = "backups", "the key that signs manifests can be read"
	own := filepath.Join(c.config.StateDir, "backup.key")
	if _, err := os.Stat(own); c.config.Backups.SigningKeyFile == "" && errors.Is(err, os.ErrNotExist) {
		c.add(area, "the key that signs manifests is made by the first run", own+": keep a copy where it survives this machine")
		return
	}
	key, err := signingKey(c.config)
	if !c.note(area, what, err) {
		return
	}
	c.done[len(c.done)-1].Lines = []string{"public key " + base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))}
	if len(c.config.Backups.TrustedKeys) > 0 {
		_, err = trustedKeys(c.config, key)
		c.note(area, "backups.trustedKeys are keys", err)
	}
}

// encryption holds that what is encrypted to the recipients can be read by the
// identities, if there are any here.
func (c *checks) encryption(s agent.StoreConfig) {
	if s.Encryption == nil {
		return
	}
	area, what := "store "+s.Name, "an identity reads what is encrypted to the recipients"
	recipients, identities, err := encryption(s)
	if err == nil && len(identities) == 0 {
		c.done = append(c.done, show.Checked{Area: area, What: what, Verdict: show.Skipped,
			Lines: []string{"no identityFiles: runs need none; restores, drills and reading verifications do"}})
		return
	}
	if err == nil {
		err = bothWays(recipients, identities)
	}
	c.note(area, what, err)
}

// bothWays encrypts a few bytes and reads them again.
func bothWays(recipients []age.Recipient, identities []age.Identity) error {
	const text = "Ottla has tried this key"
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, recipients...)
	if err != nil {
		return fmt.Errorf("encrypt to the recipients: %w", err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	r, err := age.Decrypt(&sealed, identities...)
	if err != nil {
		return &sources.HintError{
			Err:  errors.New("no identity of encryption.identityFiles belongs to one of encryption.recipients: nothing here could restore what is backed up"),
			Hint: "age-keygen -y FILE prints the recipient of an identity",
		}
	}
	got, err := io.ReadAll(r)
	if err == nil && string(got) != text {
		err = errors.New("what was decrypted is not what was encrypted")
	}
	return err
}

// store opens a store and probes it.
func (c *checks) store(ctx context.Context, s agent.StoreConfig) {
	area, what := "store "+s.Name, store.Name(s.URL)+" keeps what is written, and lets one of two writers win"
	dir, local := localStore(s.URL)
	if !local && c.skip(area, what) {
		return
	}
	if _, err := os.Stat(dir); local && errors.Is(err, os.ErrNotExist) && strings.Contains(s.URL, "create_dir=true") {
		c.note(area, dir+" can be made by the first run", writable(dir))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	err := probe(ctx, s)
	c.note(area, what, err, "a small object below .ottla-probe/ was written, read, listed and removed")
}

func probe(ctx context.Context, s agent.StoreConfig) error {
	bucket, err := store.Open(ctx, storeOptions(s))
	if err != nil {
		return err
	}
	return errors.Join(store.Probe(ctx, bucket), bucket.Close())
}

// localStore is the directory of a store that is one.
func localStore(raw string) (string, bool) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "file" {
		return "", false
	}
	return filepath.FromSlash(u.Path), true
}

// backupRights lists what backups and restores may do on a cluster. What only a
// restore lacks is told and is no failure: many agents never write.
func (c *checks) backupRights(ctx context.Context, area string, cluster *kafka.Cluster) {
	if len(c.config.Stores) == 0 {
		return
	}
	features, err := cluster.BackupRights(ctx)
	if err != nil {
		c.note(area, "brokers say what backups may do", err)
		return
	}
	for _, f := range features {
		one := show.Checked{Area: area, What: f.Kind + ": " + f.Does, Verdict: show.Good, Lines: append(f.Lacks, f.Doubt...)}
		switch {
		case len(f.Lacks) > 0 && f.Kind == kafka.KindBackup:
			one.Verdict, one.Hint = show.Lacking, "docs/security.md lists the rights of backups as kafka-acls commands"
		case len(one.Lines) > 0:
			one.Verdict = show.Unsure
		}
		c.done = append(c.done, one)
	}
}
