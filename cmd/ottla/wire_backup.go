package main

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"os"

	"filippo.io/age"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/agent/journal"
	"github.com/ottla-io/ottla/sinks/backup/store"
	"github.com/ottla-io/ottla/sinks/kafka"
)

// storeOptions is a store's section as sinks/backup/store wants it.
func storeOptions(c agent.StoreConfig) store.Options {
	out := store.Options{URL: c.URL, Ambient: c.Ambient}
	if s := c.S3; s != nil {
		out.S3 = &store.S3{AccessKeyID: storeSecret(s.AccessKeyID()), SecretAccessKey: storeSecret(s.SecretAccessKey()), SessionToken: storeSecret(s.SessionToken())}
	}
	if g := c.GCS; g != nil {
		out.GCS = &store.GCS{ServiceAccountJSON: storeSecret(g.ServiceAccount())}
	}
	if a := c.Azure; a != nil {
		out.Azure = &store.Azure{
			AccountKey: storeSecret(a.AccountKey()), SASToken: storeSecret(a.SASToken()),
			TenantID: plainSecret(a.TenantID), ClientID: plainSecret(a.ClientID), ClientSecret: storeSecret(a.ClientSecret()),
		}
	}
	return out
}

func storeSecret(s agent.Secret) store.Secret {
	if s.IsZero() {
		return nil
	}
	return s.Read
}

// plainSecret is what the configuration itself may say; "" is none.
func plainSecret(text string) store.Secret {
	if text == "" {
		return nil
	}
	return func() (string, error) { return text, nil }
}

// encryption reads to whom a store's packs are encrypted, and who reads them
// here. No identity is needed to write.
func encryption(c agent.StoreConfig) ([]age.Recipient, []age.Identity, error) {
	if c.Encryption == nil {
		return nil, nil, nil
	}
	var recipients []age.Recipient
	for i, text := range c.Encryption.Recipients {
		r, err := age.ParseX25519Recipient(text)
		if err != nil {
			return nil, nil, fmt.Errorf("store %s: encryption.recipients[%d]: it is no age recipient (age1…): %w", c.Name, i, err)
		}
		recipients = append(recipients, r)
	}
	var identities []age.Identity
	for _, file := range c.Encryption.IdentityFiles {
		some, err := identitiesIn(file)
		if err != nil {
			return nil, nil, fmt.Errorf("store %s: %w", c.Name, err)
		}
		identities = append(identities, some...)
	}
	return recipients, identities, nil
}

// identitiesIn reads a file as age-keygen writes it. What the parser says may
// quote the key, so only the file is named.
func identitiesIn(file string) ([]age.Identity, error) {
	f, err := os.Open(file) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("read age identities: %w", err)
	}
	defer func() { _ = f.Close() }()
	identities, err := age.ParseIdentities(f)
	if err != nil {
		return nil, fmt.Errorf("read age identities: %s holds a line that is none", file)
	}
	return identities, nil
}

// signingKey signs manifests and evidence; it is made at its first use.
func signingKey(c *agent.Config) (ed25519.PrivateKey, error) {
	return journal.SigningKey(c.StateDir, c.Backups.SigningKeyFile)
}

// trustedKeys may have signed what is restored, besides our own; none are
// configured: whoever signed is only shown.
func trustedKeys(c *agent.Config, own ed25519.PrivateKey) ([]ed25519.PublicKey, error) {
	if len(c.Backups.TrustedKeys) == 0 {
		return nil, nil
	}
	keys := []ed25519.PublicKey{own.Public().(ed25519.PublicKey)}
	for i, text := range c.Backups.TrustedKeys {
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(key) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("backups.trustedKeys[%d] is not an ed25519 public key: 32 bytes in base64", i)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// dialer opens clients to a configured cluster.
func dialer(c agent.ClusterConfig) func(context.Context) (*kgo.Client, error) {
	return func(ctx context.Context) (*kgo.Client, error) { return kafka.Dial(ctx, kafkaOptions(c)) }
}
