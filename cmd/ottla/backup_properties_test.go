package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ottla-io/ottla/sinks/kafka"
)

const wordOfMouth = "open=sesame;\"\\" // what a password may look like

// escaped is the word in a JAAS value in a properties file: each takes the
// backslash once.
const escaped = `open=sesame;\\"\\\\`

func readProperties(t *testing.T, text string) (kafka.Options, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "client.properties")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return clientProperties(file)
}

func TestClientPropertiesAreReadAsKafkasOwnToolsReadThem(t *testing.T) {
	o, err := readProperties(t, `# a comment
bootstrap.servers = one:9093, two:9093
security.protocol=SASL_SSL
sasl.mechanism : SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \
   username="billing" \
   password="`+strings.ReplaceAll(escaped, `\`, `\`)+`";
ssl.truststore.type=PEM
ssl.truststore.certificates=-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----
group.id=left-alone-${not-expanded}
`)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(o.Brokers, " ") != "one:9093 two:9093" {
		t.Errorf("brokers %q", o.Brokers)
	}
	if o.SASL.Mechanism != kafka.ScramSHA512 || o.SASL.Username != "billing" {
		t.Errorf("%s as %s", o.SASL.Mechanism, o.SASL.Username)
	}
	if password, _ := o.SASL.Password(); password != wordOfMouth {
		t.Errorf("the password is %q, want %q", password, wordOfMouth)
	}
	if ca, _ := o.TLS.CA(); !strings.HasPrefix(ca, "-----BEGIN CERTIFICATE-----\nabc\n") {
		t.Errorf("the CA is %q", ca)
	}
	if err := o.Validate(); err != nil {
		t.Error(err)
	}
}

func TestEveryWayToLogInHasItsProperties(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	for name, text := range map[string]string{
		"plaintext": "",
		"TLS":       "security.protocol=SSL",
		"mutual":    "security.protocol=SSL\nssl.keystore.type=PEM\nssl.keystore.location=client.pem",
		"plain":     "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username=a password=b;",
		"oauth": "security.protocol=SASL_SSL\nsasl.mechanism=OAUTHBEARER\nsasl.oauthbearer.token.endpoint.url=https://id/token\n" +
			`sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required clientId="a" clientSecret="b" scope="x y";`,
		"iam": "security.protocol=SASL_SSL\nsasl.mechanism=AWS_MSK_IAM\nsasl.jaas.config=software.amazon.msk.auth.iam.IAMLoginModule required;",
	} {
		t.Run(name, func(t *testing.T) {
			o, err := readProperties(t, "bootstrap.servers=b:9092\n"+text)
			if err == nil {
				err = o.Validate()
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPropertiesThatCannotBeMeantAreRefusedInWordsWithoutTheirSecrets(t *testing.T) {
	const login = "\nsasl.jaas.config=M required username=\"u\" password=\"hush-hush\";"
	for _, one := range []struct{ name, text, want string }{
		{"protocol", "security.protocol=TLS", `"TLS" is none`},
		{"kerberos", "security.protocol=SASL_SSL\nsasl.mechanism=GSSAPI" + login, "GSSAPI"},
		{"kerberos is Kafka's default", "security.protocol=SASL_SSL" + login, "GSSAPI"},
		{"names unchecked", "security.protocol=SSL\nssl.endpoint.identification.algorithm=", "always checked"},
		{"encrypted key", "security.protocol=SSL\nssl.keystore.type=PEM\nssl.keystore.location=c.pem\nssl.key.password=hush-hush", "ssl.key.password"},
		{"open quote", "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.jaas.config=M required password=\"hush-hush;", "not closed"},
		{"no semicolon", "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.jaas.config=M required password=hush-hush", "semicolon"},
		{"modules mixed up", "security.protocol=SASL_SSL\nsasl.mechanism=OAUTHBEARER\nsasl.jaas.config=a.PlainLoginModule required password=\"hush-hush\";", "do not go together"},
		{"bad escape", "a=\\uZZZZ hush-hush", "not a properties file"},
	} {
		t.Run(one.name, func(t *testing.T) {
			o, err := readProperties(t, one.text+"\nbootstrap.servers=b:9092")
			if err == nil {
				err = o.Validate()
			}
			if err == nil || !strings.Contains(err.Error(), one.want) {
				t.Fatalf("got %v, want %q", err, one.want)
			}
			if strings.Contains(err.Error(), "hush-hush") {
				t.Errorf("it tells the secret: %v", err)
			}
		})
	}
}

func FuzzJAAS(f *testing.F) {
	f.Add(`org.apache.kafka.common.security.scram.ScramLoginModule required username="a" password="b";`)
	f.Add(`M required a=b /* c */ d="\"\\";`)
	f.Add(`M required a="`)
	f.Fuzz(func(t *testing.T, text string) {
		_, options, err := jaas(text)
		if err == nil && options == nil {
			t.Error("neither options nor an error")
		}
	})
}
