package kafkatest

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The users every broker knows.
const (
	AdminUser     = "admin" // a super user, by SCRAM-SHA-256, SCRAM-SHA-512 and PLAIN
	AdminPassword = "admin-secret"
	PlainUser     = "plain-user" // by PLAIN, without any right
	PlainPassword = "plain-secret"
)

// ports are one node's listeners on 127.0.0.1.
type ports struct{ plain, sasl, ssl, controller int }

// freePorts asks the kernel for n ports that nobody listens on. Somebody may
// take one before the broker does; Start then tries again with others.
func freePorts(n int) ([]int, error) {
	var out []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer func() { _ = l.Close() }()
		out = append(out, l.Addr().(*net.TCPAddr).Port)
	}
	return out, nil
}

// clusterID is a random id as Kafka spells them.
func clusterID() string {
	id := make([]byte, 16)
	_, _ = rand.Read(id)
	id[0] = 'O' // a leading dash would be taken for a flag
	return base64.RawURLEncoding.EncodeToString(id)
}

// properties are one node's server.properties.
func (c *Cluster) properties(n *Node, o Options) map[string]string {
	p := map[string]string{
		"process.roles":                                "broker,controller",
		"node.id":                                      fmt.Sprint(n.id),
		"controller.quorum.voters":                     c.voters(),
		"controller.listener.names":                    "CONTROLLER",
		"inter.broker.listener.name":                   "PLAINTEXT",
		"listener.security.protocol.map":               "PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,SSL:SSL,CONTROLLER:PLAINTEXT",
		"log.dirs":                                     filepath.Join(n.dir, "data"),
		"authorizer.class.name":                        "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"super.users":                                  "User:ANONYMOUS;User:" + AdminUser,
		"auto.create.topics.enable":                    "false",
		"group.initial.rebalance.delay.ms":             "0",
		"log.cleaner.backoff.ms":                       "500",
		"offsets.topic.num.partitions":                 "1",
		"transaction.state.log.num.partitions":         "1",
		"transaction.state.log.min.isr":                "1",
		"share.coordinator.state.topic.num.partitions": "1",
		"share.coordinator.state.topic.min.isr":        "1",
	}
	for _, key := range []string{"offsets.topic", "transaction.state.log", "share.coordinator.state.topic"} {
		p[key+".replication.factor"] = "1"
	}
	for _, key := range []string{"listeners", "advertised.listeners"} {
		p[key] = fmt.Sprintf("PLAINTEXT://127.0.0.1:%d,SASL://127.0.0.1:%d,SSL://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d",
			n.ports.plain, n.ports.sasl, n.ports.ssl, n.ports.controller)
	}
	if o.Beyond != "" {
		p["listeners"] += ",BEYOND://" + o.Beyond
		p["advertised.listeners"] += ",BEYOND://" + o.Beyond
		p["listener.security.protocol.map"] += ",BEYOND:PLAINTEXT"
	}
	maps.Copy(p, saslProperties())
	maps.Copy(p, tlsProperties(n, o))
	maps.Copy(p, o.Properties)
	return p
}

func saslProperties() map[string]string {
	const security = "org.apache.kafka.common.security."
	return map[string]string{
		"sasl.enabled.mechanisms":                                  "SCRAM-SHA-256,SCRAM-SHA-512,PLAIN,OAUTHBEARER",
		"listener.name.sasl.scram-sha-256.sasl.jaas.config":        security + "scram.ScramLoginModule required;",
		"listener.name.sasl.scram-sha-512.sasl.jaas.config":        security + "scram.ScramLoginModule required;",
		"listener.name.sasl.oauthbearer.sasl.jaas.config":          security + "oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"broker\";",
		"listener.name.sasl.plain.sasl.jaas.config":                fmt.Sprintf("%splain.PlainLoginModule required user_%s=%q user_%s=%q;", security, AdminUser, AdminPassword, PlainUser, PlainPassword),
		"listener.name.sasl.oauthbearer.connections.max.reauth.ms": "0",
	}
}

func tlsProperties(n *Node, o Options) map[string]string {
	auth := "requested"
	if o.MutualTLS {
		auth = "required"
	}
	return map[string]string{
		"listener.name.ssl.ssl.keystore.type":       "PEM",
		"listener.name.ssl.ssl.keystore.location":   filepath.Join(n.dir, "broker.pem"),
		"listener.name.ssl.ssl.truststore.type":     "PEM",
		"listener.name.ssl.ssl.truststore.location": filepath.Join(n.dir, "ca.pem"),
		"listener.name.ssl.ssl.client.auth":         auth,
	}
}

func (c *Cluster) voters() string {
	var v []string
	for _, n := range c.Nodes {
		v = append(v, fmt.Sprintf("%d@127.0.0.1:%d", n.id, n.ports.controller))
	}
	return strings.Join(v, ",")
}

// write puts a node's properties and certificates into its folder.
func (c *Cluster) write(n *Node, o Options) error {
	var b strings.Builder
	p := c.properties(n, o)
	for _, key := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&b, "%s=%s\n", key, p[key])
	}
	cert, key, err := c.ca.issue("broker")
	if err != nil {
		return err
	}
	for name, text := range map[string]string{"server.properties": b.String(), "broker.pem": key + cert, "ca.pem": c.ca.PEM} {
		if err := os.WriteFile(filepath.Join(n.dir, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}
