package agent

import (
	"errors"
	"fmt"
	"os"
)

// Where a ledger is.
const (
	LedgerFile  = "file"
	LedgerKafka = "kafka"
)

// leastSealKey is how long a key must be that nobody guesses.
const leastSealKey = 32

// ledgers holds that agents which share a ledger share what it takes.
func (k *checker) ledgers(c *Config) {
	for i, l := range c.Clusters {
		if l.Ledger != LedgerKafka {
			continue
		}
		if c.SealKeyFile == "" {
			k.addf(fmt.Sprintf("clusters[%d].ledger", i), "kafka needs sealKeyFile, the same file on all agents: they compare passwords by prints that it keys")
		}
		if len(c.Backups.TrustedKeys) > 0 && c.Backups.SigningKeyFile == "" {
			k.addf("backups.signingKeyFile", "is needed with trustedKeys where a ledger is in Kafka: agents would not trust what another one signed")
		}
		return
	}
}

// SealKey reads the key of SealKeyFile.
func (c *Config) SealKey() ([]byte, error) {
	key, err := os.ReadFile(c.SealKeyFile)
	if err != nil {
		return nil, fmt.Errorf("read sealKeyFile: %w", err)
	}
	if len(key) < leastSealKey {
		return nil, fmt.Errorf("sealKeyFile %s: %w", c.SealKeyFile, errShortKey)
	}
	return key, nil
}

var errShortKey = errors.New("it holds less than 32 bytes: make one with: openssl rand -out FILE 32")
