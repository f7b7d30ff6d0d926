package main

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/sinks/kafka"
	"github.com/ottla-io/ottla/sources/git"
)

// gitOptions is a repository's section as sources/git wants it.
func gitOptions(r agent.RepositoryConfig, dir string) git.Options {
	a := r.Auth
	return git.Options{
		URL: r.URL, Dir: dir, Timeout: r.Timeout,
		User: a.Username, Password: gitSecret(a.Password()), Token: gitSecret(a.Token()),
		CAFile: a.CAFile, CertFile: a.CertFile, KeyFile: a.KeyFile,
		Proxy: a.Proxy, ProxyUser: a.ProxyUsername, ProxyPassword: gitSecret(a.ProxyPassword()),
		SSHKeyFile: a.SSHKeyFile, Passphrase: gitSecret(a.Passphrase()), KnownHostsFile: a.KnownHostsFile,
	}
}

func gitSecret(s agent.Secret) git.SecretFunc {
	if s.IsZero() {
		return nil
	}
	return s.Read
}

// kafkaOptions is a cluster's section as sinks/kafka wants it.
func kafkaOptions(c agent.ClusterConfig) kafka.Options {
	out := kafka.Options{
		Brokers: c.BootstrapServers, TLS: tlsOptions(c.TLS), SASL: saslOptions(c.SASL), OpenWithoutACL: c.OpenWithoutACL,
	}
	if l := c.LoginListener; l != nil {
		out.Login = &kafka.Login{Brokers: l.BootstrapServers, TLS: tlsOptions(l.TLS)}
	}
	return out
}

// heldOptions are a cluster's, of whom several agents keep it: no change leaves
// without the lease, and none is under way for longer than a new leader waits.
func heldOptions(c agent.ClusterConfig, shared *sharedLedger) kafka.Options {
	return held(kafkaOptions(c), shared)
}

func held(o kafka.Options, shared *sharedLedger) kafka.Options {
	if shared != nil {
		o.RequestTimeout, o.Hold = sharedRequest, shared.hold
	}
	return o
}

func tlsOptions(t agent.TLSClient) *kafka.TLS {
	if !t.Enabled {
		return nil
	}
	return &kafka.TLS{CA: fileSecret(t.CAFile), Certificate: fileSecret(t.CertFile), Key: fileSecret(t.KeyFile), ServerName: t.ServerName}
}

func fileSecret(file string) kafka.Secret { return kafkaSecret(agent.Secret{File: file}) }

func kafkaSecret(s agent.Secret) kafka.Secret {
	if s.IsZero() {
		return nil
	}
	return s.Read
}

func saslOptions(s *agent.SASLConfig) *kafka.SASL {
	if s == nil {
		return nil
	}
	out := &kafka.SASL{Mechanism: kafka.Mechanism(s.Mechanism), Username: s.Username, Password: kafkaSecret(s.Password())}
	if o := s.OAuth; o != nil {
		out.OAuth = &kafka.OAuth{TokenURL: o.TokenURL, ClientID: o.ClientID, ClientSecret: kafkaSecret(o.ClientSecret()), Scopes: o.Scopes, CA: fileSecret(o.CAFile)}
	}
	if w := s.AWS; w != nil {
		out.AWS = &kafka.AWS{AccessKey: kafkaSecret(w.AccessKey()), SecretKey: kafkaSecret(w.SecretKey()), SessionToken: kafkaSecret(w.SessionToken())}
	}
	return out
}

// ownPrincipals is who we are to the brokers, as far as the configuration says:
// the user we log in as, and the subject of our client certificate.
func ownPrincipals(c agent.ClusterConfig) ([]string, error) {
	var own []string
	if c.SASL != nil && c.SASL.Username != "" {
		own = append(own, "User:"+c.SASL.Username)
	}
	if c.TLS.Enabled && c.TLS.CertFile != "" {
		subject, err := subjectOf(c.TLS.CertFile)
		if err != nil {
			return nil, fmt.Errorf("read client certificate %s: %w", c.TLS.CertFile, err)
		}
		own = append(own, "User:"+subject)
	}
	return own, nil
}

// subjectOf is a certificate's subject as Kafka's default principal builder
// spells it (RFC 2253).
func subjectOf(file string) (string, error) {
	data, err := os.ReadFile(file) //nolint:gosec // the operator names the file
	if err != nil {
		return "", err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return "", errors.New("no PEM block in it")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return "", err
	}
	return certificate.Subject.String(), nil
}
