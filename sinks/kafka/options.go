package kafka

import (
	"errors"
	"fmt"
	"time"
)

// Secret reads a secret. It is called at each connection that is made, so that
// a rotated file is used without a restart. Its error must not hold the secret.
type Secret func() (string, error)

// Options says how a cluster is reached.
type Options struct {
	Brokers  []string // host:port to begin with; at least one
	ClientID string   // as it shows in broker logs and quotas; "" is "ottla"
	TLS      *TLS     // nil is a plaintext connection
	SASL     *SASL    // nil is none
	Login    *Login   // where passwords are proven; nil is Brokers, if SASL is used there
	// OpenWithoutACL says that the brokers run with
	// allow.everyone.if.no.acl.found=true: Apache Kafka does not tell.
	OpenWithoutACL bool
	DialTimeout    time.Duration // of one connection, TLS included; 0 is 10 s
	RequestTimeout time.Duration // of one request; 0 is 30 s
	// Hold is asked right before each request that changes something leaves: an
	// error keeps it from leaving. It may be nil.
	Hold func() error
}

// TLS says how brokers prove who they are, and we to them. All parts are PEM.
type TLS struct {
	CA          Secret // nil trusts the system's authorities
	Certificate Secret // with Key: mutual TLS
	Key         Secret
	ServerName  string // "" is the host that is dialed
}

// Mechanism is a SASL mechanism by its registered name.
type Mechanism string

// The mechanisms.
const (
	Plain       Mechanism = "PLAIN"
	ScramSHA256 Mechanism = "SCRAM-SHA-256"
	ScramSHA512 Mechanism = "SCRAM-SHA-512"
	OAuthBearer Mechanism = "OAUTHBEARER"
	AWSMSKIAM   Mechanism = "AWS_MSK_IAM"
)

// SASL says how we log in.
type SASL struct {
	Mechanism Mechanism
	Username  string // PLAIN and SCRAM
	Password  Secret // PLAIN and SCRAM
	OAuth     *OAuth // OAUTHBEARER
	AWS       *AWS   // AWS_MSK_IAM
}

// OAuth gets a token by client credentials (RFC 6749, section 4.4).
type OAuth struct {
	TokenURL     string
	ClientID     string
	ClientSecret Secret
	Scopes       []string
	CA           Secret            // PEM of the authorities to trust at TokenURL; nil trusts the system's
	Extensions   map[string]string // SASL extensions (KIP-342)
}

// AWS are the credentials of AWS MSK IAM.
type AWS struct {
	AccessKey    Secret
	SecretKey    Secret
	SessionToken Secret // may be nil
}

func (o Options) dialTimeout() time.Duration { return positive(o.DialTimeout, 10*time.Second) }

func (o Options) requestTimeout() time.Duration { return positive(o.RequestTimeout, 30*time.Second) }

func positive(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

// Validate says all that is wrong with the options, without a connection.
func (o Options) Validate() error {
	var errs []error
	if len(o.Brokers) == 0 {
		errs = append(errs, errors.New("no brokers: name at least one host:port"))
	}
	if o.TLS != nil && (o.TLS.Certificate == nil) != (o.TLS.Key == nil) {
		errs = append(errs, errors.New("a client certificate needs its key, and a key its certificate"))
	}
	if o.SASL != nil {
		errs = append(errs, o.SASL.validate())
	}
	return errors.Join(errs...)
}

func (s SASL) validate() error {
	switch s.Mechanism {
	case Plain, ScramSHA256, ScramSHA512:
		if s.Username == "" || s.Password == nil {
			return fmt.Errorf("%s needs a user name and a password", s.Mechanism)
		}
	case OAuthBearer:
		if s.OAuth == nil || s.OAuth.TokenURL == "" || s.OAuth.ClientID == "" || s.OAuth.ClientSecret == nil {
			return errors.New("OAUTHBEARER needs a token URL, a client id and a client secret")
		}
	case AWSMSKIAM:
		if s.AWS == nil || s.AWS.AccessKey == nil || s.AWS.SecretKey == nil {
			return errors.New("AWS_MSK_IAM needs an access key and a secret key")
		}
	case "GSSAPI":
		return errors.New("GSSAPI (Kerberos) is not supported: use SCRAM-SHA-512, OAUTHBEARER or mutual TLS")
	default:
		return fmt.Errorf("%q is not a SASL mechanism we know: use PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER or AWS_MSK_IAM", s.Mechanism)
	}
	return nil
}
