package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/aws"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// dial connects, and reads certificates anew each time.
func (o Options) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := o.dialPlain(ctx, network, address)
	if err != nil || o.Hold == nil {
		return conn, err
	}
	return &heldConn{conn, o.Hold}, nil
}

func (o Options) dialPlain(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: o.dialTimeout()}
	if o.Hold != nil {
		dialer.Control = unsentFor(o.requestTimeout())
	}
	if o.TLS == nil {
		return dialer.DialContext(ctx, network, address)
	}
	config, err := o.TLS.config()
	if err != nil {
		return nil, err
	}
	return (&tls.Dialer{NetDialer: dialer, Config: config}).DialContext(ctx, network, address)
}

func (t TLS) config() (*tls.Config, error) {
	config := &tls.Config{ServerName: t.ServerName, MinVersion: tls.VersionTLS12}
	if t.CA != nil {
		ca, err := t.CA()
		if err != nil {
			return nil, fmt.Errorf("read the CA: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(ca)) {
			return nil, errors.New("read the CA: it holds no PEM certificate")
		}
	}
	if t.Certificate == nil {
		return config, nil
	}
	pair, err := t.pair()
	if err != nil {
		return nil, err
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

func (t TLS) pair() (tls.Certificate, error) {
	texts, err := readSecrets(t.Certificate, t.Key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("read the client certificate: %w", err)
	}
	pair, err := tls.X509KeyPair([]byte(texts[0]), []byte(texts[1]))
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("read the client certificate: %w", err)
	}
	return pair, nil
}

// readSecrets reads secrets in order; one that is nil reads as "".
func readSecrets(secrets ...Secret) ([]string, error) {
	out := make([]string, len(secrets))
	for i, s := range secrets {
		if s == nil {
			continue
		}
		text, err := s()
		if err != nil {
			return nil, err
		}
		out[i] = text
	}
	return out, nil
}

// mechanism is called at each connection: its secrets are read then.
func (s SASL) mechanism() sasl.Mechanism {
	switch s.Mechanism {
	case Plain:
		return plain.Plain(func(context.Context) (plain.Auth, error) {
			password, err := s.Password()
			return plain.Auth{User: s.Username, Pass: password}, err
		})
	case ScramSHA256:
		return scram.Sha256(s.scram)
	case ScramSHA512:
		return scram.Sha512(s.scram)
	case OAuthBearer:
		return oauth.Oauth(s.OAuth.token)
	default:
		return aws.ManagedStreamingIAM(s.AWS.auth)
	}
}

func (s SASL) scram(context.Context) (scram.Auth, error) {
	password, err := s.Password()
	return scram.Auth{User: s.Username, Pass: password}, err
}

func (o OAuth) token(ctx context.Context) (oauth.Auth, error) {
	secret, err := o.ClientSecret()
	if err != nil {
		return oauth.Auth{}, fmt.Errorf("read the client secret: %w", err)
	}
	ctx, err = o.trusting(ctx)
	if err != nil {
		return oauth.Auth{}, err
	}
	config := clientcredentials.Config{ClientID: o.ClientID, ClientSecret: secret, TokenURL: o.TokenURL, Scopes: o.Scopes}
	token, err := config.Token(ctx)
	if err != nil {
		return oauth.Auth{}, fmt.Errorf("get a token from %s: %w", o.TokenURL, err)
	}
	return oauth.Auth{Token: token.AccessToken, Extensions: o.Extensions}, nil
}

// trusting makes the token's request trust the configured authorities.
func (o OAuth) trusting(ctx context.Context) (context.Context, error) {
	if o.CA == nil {
		return ctx, nil
	}
	config, err := TLS{CA: o.CA}.config()
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, Proxy: http.ProxyFromEnvironment}}
	return context.WithValue(ctx, oauth2.HTTPClient, client), nil
}

func (a AWS) auth(context.Context) (aws.Auth, error) {
	texts, err := readSecrets(a.AccessKey, a.SecretKey, a.SessionToken)
	if err != nil {
		return aws.Auth{}, err
	}
	return aws.Auth{AccessKey: texts[0], SecretKey: texts[1], SessionToken: texts[2]}, nil
}

// client makes a client of the options; nothing is dialed yet.
func (o Options) client(more ...kgo.Opt) (*kgo.Client, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	id := o.ClientID
	if id == "" {
		id = "ottla"
	}
	opts := []kgo.Opt{
		kgo.SeedBrokers(o.Brokers...),
		kgo.ClientID(id),
		kgo.Dialer(o.dial),
		kgo.RequestTimeoutOverhead(o.requestTimeout()),
		kgo.RetryTimeout(o.requestTimeout()),
	}
	if o.SASL != nil {
		opts = append(opts, kgo.SASL(o.SASL.mechanism()))
	}
	return kgo.NewClient(append(opts, more...)...)
}

// ErrPassword is a login that the broker refused.
var ErrPassword = errors.New("the broker refuses this user and password")

// TestLogin proves a password by logging in with it, on the listener of o. It
// is ErrPassword where the broker refuses it, and another error where that
// could not be found out.
func TestLogin(ctx context.Context, o Options, user string, mechanism Mechanism, password string) error {
	o.SASL = &SASL{Mechanism: mechanism, Username: user, Password: func() (string, error) { return password, nil }}
	cl, err := o.client()
	if err != nil {
		return err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, o.requestTimeout())
	defer cancel()
	var last error
	for _, seed := range cl.SeedBrokers() {
		_, last = seed.Request(ctx, emptyMetadata())
		if last == nil {
			return nil
		}
		if errors.Is(last, kerr.SaslAuthenticationFailed) {
			return ErrPassword
		}
	}
	return fmt.Errorf("log in as %s: %w", user, last)
}
