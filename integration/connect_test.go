package integration

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/sinks/kafka"
)

func text(s string) kafka.Secret { return func() (string, error) { return s, nil } }

func TestConnectByEveryWayToLogIn(t *testing.T) {
	r := kafkatest.Shared(t)
	cert, key := r.Certificate(t, "client")
	tokens := tokenServer(t)
	for name, o := range map[string]kafka.Options{
		"PLAINTEXT":  {Brokers: r.Plain()},
		"TLS":        {Brokers: r.TLS(), TLS: &kafka.TLS{CA: text(r.CA())}},
		"mutual TLS": {Brokers: r.TLS(), TLS: &kafka.TLS{CA: text(r.CA()), Certificate: text(cert), Key: text(key), ServerName: "localhost"}},
		"PLAIN": {Brokers: r.SASL(), SASL: &kafka.SASL{
			Mechanism: kafka.Plain, Username: kafkatest.PlainUser, Password: text(kafkatest.PlainPassword)}},
		"SCRAM-SHA-256": {Brokers: r.SASL(), SASL: &kafka.SASL{
			Mechanism: kafka.ScramSHA256, Username: kafkatest.AdminUser, Password: text(kafkatest.AdminPassword)}},
		"SCRAM-SHA-512": {Brokers: r.SASL(), SASL: &kafka.SASL{
			Mechanism: kafka.ScramSHA512, Username: kafkatest.AdminUser, Password: text(kafkatest.AdminPassword)}},
		"OAUTHBEARER": {Brokers: r.SASL(), SASL: &kafka.SASL{
			Mechanism: kafka.OAuthBearer, OAuth: &kafka.OAuth{TokenURL: tokens, ClientID: "ottla", ClientSecret: text("s3cret")}}},
	} {
		t.Run(name, func(t *testing.T) {
			o.RequestTimeout = 10 * time.Second
			c := connect(t, o)
			if id, err := c.ID(t.Context()); err != nil || id != r.ID {
				t.Errorf("the cluster is %q, not %q: %v", id, r.ID, err)
			}
		})
	}
}

func TestAWrongPasswordOrAuthorityIsAnErrorAtOnce(t *testing.T) {
	r := kafkatest.Shared(t)
	for name, o := range map[string]kafka.Options{
		"password":  saslOptions(r, kafkatest.AdminUser, "canary-wrong"),
		"authority": {Brokers: r.TLS(), TLS: &kafka.TLS{}},
		"port":      {Brokers: []string{"127.0.0.1:1"}},
	} {
		t.Run(name, func(t *testing.T) {
			o.RequestTimeout = 3 * time.Second
			began := time.Now()
			c, err := kafka.Connect(t.Context(), o)
			if err == nil {
				c.Close()
				t.Fatal("it connected")
			}
			t.Logf("%s: %v", time.Since(began), err)
			if strings.Contains(err.Error(), "canary") {
				t.Error("the error holds the password")
			}
		})
	}
}

func TestARefusedTokenNeverShowsWhatWasSent(t *testing.T) {
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, secret, _ := r.BasicAuth()
		http.Error(w, "you sent "+secret, http.StatusUnauthorized)
	}))
	t.Cleanup(echo.Close)
	o := kafka.Options{Brokers: kafkatest.Shared(t).SASL(), RequestTimeout: 3 * time.Second}
	o.SASL = &kafka.SASL{Mechanism: kafka.OAuthBearer, OAuth: &kafka.OAuth{
		TokenURL: echo.URL, ClientID: "ottla", ClientSecret: text("canary-secret"),
	}}
	_, err := kafka.Connect(t.Context(), o)
	if err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "401") {
		t.Errorf("%v", err)
	}
}

// tokenServer hands out unsecured tokens (RFC 7515, appendix A.5), which the
// test's broker takes for who they say they are.
func tokenServer(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, secret, _ := r.BasicAuth()
		if user != "ottla" || secret != "s3cret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		part := base64.RawURLEncoding.EncodeToString
		now := time.Now().Unix()
		claims := fmt.Sprintf(`{"sub":"ottla","iat":%d,"exp":%d}`, now, now+3600)
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"access_token":"%s.%s.","token_type":"Bearer","expires_in":3600}`, part([]byte(`{"alg":"none"}`)), part([]byte(claims)))
	}))
	t.Cleanup(s.Close)
	return s.URL
}
