package agent

import (
	"fmt"
	"net"
	"net/url"
)

// ClusterConfig is one Kafka cluster.
type ClusterConfig struct {
	Name             string        `json:"name" doc:"Its name in this file, in messages and in metrics; documents may name it by the label strimzi.io/cluster." required:"true" pattern:"^[a-z0-9][a-z0-9._-]*$" max:"63"`
	BootstrapServers []string      `json:"bootstrapServers" doc:"host:port of some brokers, to begin with." required:"true" min:"1"`
	TLS              TLSClient     `json:"tls" doc:"How brokers prove who they are, and we to them."`
	SASL             *SASLConfig   `json:"sasl" doc:"How we log in."`
	Protected        Protected     `json:"protected" doc:"What no commit may change. The agent's own principal always is."`
	AllowDeletion    AllowDeletion `json:"allowDeletion" doc:"Whether what left Git may be deleted. One of three keys: the others are Git and the ledger."`
	Confirm          string        `json:"confirm" doc:"irreversible: what cannot be undone waits for ottla confirm, also where a commit declares it." enum:"irreversible"`
	OpenWithoutACL   bool          `json:"openWithoutACL" doc:"The brokers run with allow.everyone.if.no.acl.found=true, which Apache Kafka does not tell: the first ACL on a resource then locks others out, the last one removed opens it, and plans say so."`
	BrokerLogins     bool          `json:"brokerLogins" doc:"Whether a BrokerConfig may set listeners, certificates and how clients log in (listeners, sasl.*, ssl.*, listener.name.*). Without it those are refused: who sets them decides who is who."`
	Ledger           string        `json:"ledger" doc:"Where the ledger is. kafka: in a compacted topic of the cluster itself, so that two or three agents can keep it: one leads, the others take over. ottla ledger move takes it from one to the other." enum:"file,kafka" default:"file"`
	LedgerTopic      string        `json:"ledgerTopic" doc:"Name of the ledger's topic, and of its consumer group and transactional id. Agents that keep other documents on the same cluster need another one." pattern:"^__ottla[a-zA-Z0-9._-]*$" max:"200" default:"__ottla_ledger"`
	LoginListener    *LoginConfig  `json:"loginListener" doc:"A SASL listener on which declared passwords are proven by logging in, now and then, so that one changed by hand is seen."`
}

// TLSClient is the client's side of TLS.
type TLSClient struct {
	Enabled    bool   `json:"enabled" doc:"Speak TLS."`
	CAFile     string `json:"caFile" doc:"PEM file of the authorities to trust; the system's if not given."`
	CertFile   string `json:"certFile" doc:"PEM client certificate, for mutual TLS."`
	KeyFile    string `json:"keyFile" doc:"PEM key of the client certificate."`
	ServerName string `json:"serverName" doc:"Name that the brokers' certificates must have; the host that is dialed if not given."`
}

// Check wants a certificate with its key, and nothing that goes unused.
func (t *TLSClient) Check(report func(path, text string)) {
	pair(report, "", t.CertFile, t.KeyFile)
	if !t.Enabled && t.CAFile+t.CertFile+t.KeyFile+t.ServerName != "" {
		report("enabled", "is not true: the other fields would have no effect")
	}
}

// SASLConfig is how we log in to brokers.
type SASLConfig struct {
	Mechanism    string       `json:"mechanism" doc:"The SASL mechanism." required:"true" enum:"PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER,AWS_MSK_IAM"`
	Username     string       `json:"username" doc:"For PLAIN and SCRAM."`
	PasswordFile string       `json:"passwordFile" doc:"File that holds the password for PLAIN and SCRAM."`
	PasswordEnv  string       `json:"passwordEnv" doc:"Environment variable that holds the password."`
	OAuth        *OAuthConfig `json:"oauth" doc:"For OAUTHBEARER: a token by client credentials (RFC 6749, 4.4)."`
	AWS          *AWSConfig   `json:"aws" doc:"For AWS_MSK_IAM: the keys. The region is taken from the brokers' names."`
}

// Password is for PLAIN and SCRAM.
func (s SASLConfig) Password() Secret { return Secret{s.PasswordFile, s.PasswordEnv} }

// Check wants what the mechanism needs, and nothing of another one.
func (s *SASLConfig) Check(report func(path, text string)) {
	user := s.Username != "" || !s.Password().IsZero()
	switch s.Mechanism {
	case "OAUTHBEARER":
		exclude(report, s.Mechanism, user, s.AWS != nil, false)
		if s.OAuth == nil {
			report("oauth", "is missing: OAUTHBEARER needs it")
		}
	case "AWS_MSK_IAM":
		exclude(report, s.Mechanism, user, false, s.OAuth != nil)
		if s.AWS == nil {
			report("aws", "is missing: AWS_MSK_IAM needs it")
		}
	default:
		exclude(report, s.Mechanism, false, s.AWS != nil, s.OAuth != nil)
		if s.Username == "" || s.Password().IsZero() {
			report("", s.Mechanism+" needs username and passwordFile or passwordEnv")
		}
	}
}

func exclude(report func(path, text string), mechanism string, user, aws, oauth bool) {
	if user {
		report("", "username and password have no meaning for "+mechanism)
	}
	if aws {
		report("aws", "has no meaning for "+mechanism)
	}
	if oauth {
		report("oauth", "has no meaning for "+mechanism)
	}
}

// OAuthConfig gets a token by client credentials.
type OAuthConfig struct {
	TokenURL         string   `json:"tokenURL" doc:"Where tokens are given out." required:"true"`
	ClientID         string   `json:"clientID" doc:"Our id there." required:"true" min:"1"`
	ClientSecretFile string   `json:"clientSecretFile" doc:"File that holds the client's secret."`
	ClientSecretEnv  string   `json:"clientSecretEnv" doc:"Environment variable that holds the client's secret."`
	Scopes           []string `json:"scopes" doc:"What is asked for."`
	CAFile           string   `json:"caFile" doc:"PEM file of authorities to trust there; the system's if not given."`
}

// ClientSecret proves who we are.
func (o OAuthConfig) ClientSecret() Secret { return Secret{o.ClientSecretFile, o.ClientSecretEnv} }

// Check wants a secret that does not travel in the clear.
func (o *OAuthConfig) Check(report func(path, text string)) {
	if o.ClientSecret().IsZero() {
		report("", "give clientSecretFile or clientSecretEnv")
	}
	checkURL(report, "tokenURL", o.TokenURL, "http", "https")
	if u, err := url.Parse(o.TokenURL); err == nil && u.Scheme == "http" && !loopback(u.Hostname()) {
		report("tokenURL", "the secret would travel unencrypted over http: use https")
	}
}

// AWSConfig holds the keys for IAM.
type AWSConfig struct {
	AccessKeyFile    string `json:"accessKeyFile" doc:"File that holds the access key id."`
	AccessKeyEnv     string `json:"accessKeyEnv" doc:"Environment variable that holds the access key id."`
	SecretKeyFile    string `json:"secretKeyFile" doc:"File that holds the secret access key."`
	SecretKeyEnv     string `json:"secretKeyEnv" doc:"Environment variable that holds the secret access key."`
	SessionTokenFile string `json:"sessionTokenFile" doc:"File that holds a session token, for temporary keys."`
	SessionTokenEnv  string `json:"sessionTokenEnv" doc:"Environment variable that holds a session token."`
}

// AccessKey is the key's id.
func (a AWSConfig) AccessKey() Secret { return Secret{a.AccessKeyFile, a.AccessKeyEnv} }

// SecretKey signs.
func (a AWSConfig) SecretKey() Secret { return Secret{a.SecretKeyFile, a.SecretKeyEnv} }

// SessionToken belongs to temporary keys; zero for lasting ones.
func (a AWSConfig) SessionToken() Secret { return Secret{a.SessionTokenFile, a.SessionTokenEnv} }

// Check wants both halves of a key.
func (a *AWSConfig) Check(report func(path, text string)) {
	if a.AccessKey().IsZero() || a.SecretKey().IsZero() {
		report("", "needs an access key (accessKeyFile or accessKeyEnv) and a secret key (secretKeyFile or secretKeyEnv)")
	}
}

// LoginConfig is the listener on which passwords are proven.
type LoginConfig struct {
	BootstrapServers []string  `json:"bootstrapServers" doc:"host:port of the SASL/SCRAM listener." required:"true" min:"1"`
	TLS              TLSClient `json:"tls" doc:"How its brokers prove who they are."`
}

// Check wants addresses.
func (l *LoginConfig) Check(report func(path, text string)) { addresses(report, l.BootstrapServers) }

// Protected names what is never changed or given less, whatever Git says.
type Protected struct {
	Principals []string `json:"principals" doc:"Principals such as User:admin; * and ? match."`
	Topics     []string `json:"topics" doc:"Topics; * and ? match. Internal ones always are."`
}

// Check wants patterns that can be read: an empty one would protect nothing.
func (p *Protected) Check(report func(path, text string)) {
	globs(report, "principals", p.Principals)
	globs(report, "topics", p.Topics)
}

// AllowDeletion is the operator's key to deletion.
type AllowDeletion struct {
	Topics bool  `json:"topics" doc:"Topics and their data."`
	Users  *bool `json:"users" doc:"Credentials, access rules and quotas." default:"true"`
}

// Check wants addresses.
func (c *ClusterConfig) Check(report func(path, text string)) {
	addresses(report, c.BootstrapServers)
}

func addresses(report func(path, text string), servers []string) {
	for i, s := range servers {
		if host, _, err := net.SplitHostPort(s); err != nil || host == "" {
			report(fmt.Sprintf("bootstrapServers[%d]", i), fmt.Sprintf("%q is not host:port", s))
		}
	}
}
