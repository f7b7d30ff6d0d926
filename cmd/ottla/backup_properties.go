package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/magiconair/properties"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/sinks/kafka"
	"github.com/ottla-io/ottla/sources"
)

// clientProperties reads a file as Kafka's own tools take it with
// --command-config: bootstrap.servers, client.id, security.protocol, sasl.* and
// ssl.*. What says nothing about the way to a cluster is left alone. Errors
// name the file and the property, never a value that may be secret.
func clientProperties(file string) (kafka.Options, error) {
	data, err := os.ReadFile(file) //nolint:gosec // the caller names the file
	if err != nil {
		return kafka.Options{}, fmt.Errorf("read --command-config: %w", err)
	}
	loader := properties.Loader{Encoding: properties.UTF8, DisableExpansion: true}
	p, err := loader.LoadBytes(data)
	if err != nil { // the parser's words may quote a line
		return kafka.Options{}, fmt.Errorf("read --command-config: %s is not a properties file", file)
	}
	options, err := propertiesOptions(p)
	if err != nil {
		return kafka.Options{}, fmt.Errorf("%s: %w", file, err)
	}
	return options, nil
}

func propertiesOptions(p *properties.Properties) (kafka.Options, error) {
	o := kafka.Options{ClientID: p.GetString("client.id", "")}
	for _, one := range strings.Split(p.GetString("bootstrap.servers", ""), ",") {
		if one = strings.TrimSpace(one); one != "" {
			o.Brokers = append(o.Brokers, one)
		}
	}
	withTLS, withSASL := false, false
	switch protocol := strings.ToUpper(p.GetString("security.protocol", "PLAINTEXT")); protocol {
	case "PLAINTEXT":
	case "SSL":
		withTLS = true
	case "SASL_PLAINTEXT":
		withSASL = true
	case "SASL_SSL":
		withTLS, withSASL = true, true
	default:
		return o, fmt.Errorf("security.protocol %q is none: use PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL", protocol)
	}
	var err error
	if withTLS {
		if o.TLS, err = propertiesTLS(p); err != nil {
			return o, err
		}
	}
	if withSASL {
		o.SASL, err = propertiesSASL(p)
	}
	return o, err
}

func propertiesTLS(p *properties.Properties) (*kafka.TLS, error) {
	if text, ok := p.Get("ssl.endpoint.identification.algorithm"); ok && !strings.EqualFold(text, "https") {
		return nil, errors.New("ssl.endpoint.identification.algorithm: names of brokers are always checked; take the line out, and give the brokers a certificate for their names")
	}
	out := &kafka.TLS{}
	var err error
	if out.CA, err = pemOf(p, "ssl.truststore", "ssl.truststore.certificates"); err != nil {
		return nil, err
	}
	if p.GetString("ssl.keystore.location", "")+p.GetString("ssl.keystore.key", "") == "" {
		return out, nil
	}
	if p.GetString("ssl.key.password", "") != "" {
		return nil, &sources.HintError{Err: errors.New("ssl.key.password: encrypted keys are not read"), Hint: "decrypt it into a file that only you can read: openssl pkey -in key.pem -out plain.pem"}
	}
	if out.Certificate, err = pemOf(p, "ssl.keystore", "ssl.keystore.certificate.chain"); err != nil {
		return nil, err
	}
	out.Key, err = pemOf(p, "ssl.keystore", "ssl.keystore.key")
	return out, err
}

// pemOf is PEM that stands in a property, or in the file that another names.
// With a file, certificate and key stand in it together (KIP-651).
func pemOf(p *properties.Properties, of, inline string) (kafka.Secret, error) {
	location, text := p.GetString(of+".location", ""), p.GetString(inline, "")
	switch {
	case text != "":
		return func() (string, error) { return text, nil }, nil
	case location == "":
		return nil, nil //nolint:nilnil // the system's authorities are trusted
	}
	kind := strings.ToUpper(cmp.Or(p.GetString(of+".type", ""), "JKS"))
	if kind != "PEM" {
		return nil, &sources.HintError{Err: fmt.Errorf("%s.type %s: only PEM is read", of, kind), Hint: toPEM(of, location)}
	}
	return fileSecret(location), nil
}

// toPEM is the command that makes PEM of a Java keystore, with the JDK's own tool.
func toPEM(of, location string) string {
	if of == "ssl.truststore" {
		return fmt.Sprintf("keytool -exportcert -rfc -keystore %s -alias ALIAS > ca.pem, then ssl.truststore.type=PEM and ssl.truststore.location=ca.pem", location)
	}
	return fmt.Sprintf("keytool -importkeystore -srckeystore %s -destkeystore c.p12 -deststoretype PKCS12, openssl pkcs12 -in c.p12 -nodes -out client.pem, then ssl.keystore.type=PEM and ssl.keystore.location=client.pem", location)
}

func propertiesSASL(p *properties.Properties) (*kafka.SASL, error) {
	module, options, err := jaas(p.GetString("sasl.jaas.config", ""))
	if err != nil {
		return nil, fmt.Errorf("sasl.jaas.config: %w", err)
	}
	secret := func(name string) kafka.Secret {
		if options[name] == "" {
			return nil
		}
		return func() (string, error) { return options[name], nil }
	}
	out := &kafka.SASL{Mechanism: kafka.Mechanism(p.GetString("sasl.mechanism", "GSSAPI"))}
	switch out.Mechanism {
	case kafka.Plain, kafka.ScramSHA256, kafka.ScramSHA512:
		out.Username, out.Password = options["username"], secret("password")
	case kafka.OAuthBearer:
		out.OAuth = &kafka.OAuth{
			TokenURL: p.GetString("sasl.oauthbearer.token.endpoint.url", ""), ClientID: options["clientId"],
			ClientSecret: secret("clientSecret"), Scopes: strings.Fields(options["scope"]),
		}
	case kafka.AWSMSKIAM:
		out.AWS = &kafka.AWS{AccessKey: environment("AWS_ACCESS_KEY_ID"), SecretKey: environment("AWS_SECRET_ACCESS_KEY")}
		if os.Getenv("AWS_SESSION_TOKEN") != "" {
			out.AWS.SessionToken = environment("AWS_SESSION_TOKEN")
		}
	}
	if out.Username == "" && module != "" && strings.HasSuffix(module, "PlainLoginModule") && out.Mechanism != kafka.Plain {
		return nil, fmt.Errorf("sasl.mechanism %s and the login module %s do not go together", out.Mechanism, module)
	}
	return out, nil
}

func environment(name string) kafka.Secret { return kafkaSecret(agent.Secret{Env: name}) }
