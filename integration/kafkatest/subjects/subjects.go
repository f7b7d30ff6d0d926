// Package subjects is what the laws of a kind are tried on: the same examples
// for the fake and for a real Kafka.
package subjects

import (
	"slices"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/kindtest"
	"github.com/ottla-io/ottla/sinks/kafka"
)

// Secret is the password that must never be printed.
const Secret = "canary-4f1d-pass|word"

// All are the subjects of a cluster's kinds by name. prefix keeps their names
// apart from other tests'; validates is false for a fake that takes everything.
func All(c *kafka.Cluster, prefix string, validates bool) map[string]kindtest.Subject {
	out := map[string]kindtest.Subject{
		kafka.KindTopic:           topics(prefix),
		kafka.KindScramCredential: credentials(prefix),
		kafka.KindACLSet:          acls(prefix),
		kafka.KindQuotaEntity:     quotas(prefix),
		kafka.KindBrokerConfig:    brokers(),
	}
	for _, k := range c.Kinds() {
		if k.Name() == kafka.KindBrokerConfig && !validates {
			delete(out, k.Name()) // a fake has one configuration, whichever broker is asked
			continue
		}
		s := out[k.Name()]
		s.Kind = k
		// Iterations, access rules and quotas are validated before they are sent.
		s.Validates = validates || k.Name() != kafka.KindTopic
		out[k.Name()] = s
	}
	return out
}

func resource(kind, name string, fields ...string) reconcile.Resource {
	r := reconcile.Resource{ID: reconcile.ID{Kind: kind, Name: name}, Fields: make(map[string]reconcile.Value)}
	for pair := range slices.Chunk(fields, 2) {
		r.Fields[pair[0]] = reconcile.TextOf(pair[1])
	}
	return r
}

func topics(prefix string) kindtest.Subject {
	of := func(name string, fields ...string) reconcile.Resource {
		return resource(kafka.KindTopic, prefix+name, append(fields, "replicas", "1")...)
	}
	return kindtest.Subject{
		Examples: []kindtest.Example{
			{
				Name:  "with configuration",
				First: of("orders", "partitions", "2", "config.retention.ms", "3600000", "config.cleanup.policy", "compact,delete"),
				Next:  of("orders", "partitions", "4", "config.retention.ms", "7200000", "config.max.message.bytes", "100000"),
			},
			{
				Name:  "bare",
				First: of("payments", "partitions", "1"),
				Next:  of("payments", "partitions", "1", "config.compression.type", "zstd", "config.min.cleanable.dirty.ratio", "0.25"),
			},
			{
				Name:  "partitions only",
				First: of("a.topic_with-signs", "partitions", "1", "config.preallocate", "false"),
				Next:  of("a.topic_with-signs", "partitions", "2", "config.preallocate", "false"),
			},
		},
		Bad: of("bad", "partitions", "1", "config.retention.ms", "soon"),
	}
}

func credentials(prefix string) kindtest.Subject {
	of := func(user string, m kafka.Mechanism, iterations string) reconcile.Resource {
		r := resource(kafka.KindScramCredential, kafka.ScramID(prefix+user, m).Name, "iterations", iterations)
		r.Fields["password"] = reconcile.SecretOf(Secret)
		return r
	}
	return kindtest.Subject{
		Examples: []kindtest.Example{
			{Name: "512", First: of("bob", kafka.ScramSHA512, "8192"), Next: of("bob", kafka.ScramSHA512, "4096")},
			{Name: "256 of the same user", First: of("bob", kafka.ScramSHA256, "4096"), Next: of("bob", kafka.ScramSHA256, "4097")},
			{Name: "a name with a bar", First: of("a|b", kafka.ScramSHA512, "4096"), Next: of("a|b", kafka.ScramSHA512, "16384")},
		},
		Bad:    of("bad", kafka.ScramSHA512, "100"),
		Secret: Secret,
	}
}

func acls(prefix string) kindtest.Subject {
	of := func(principal string, rules ...kafka.ACLEntry) reconcile.Resource {
		r := resource(kafka.KindACLSet, principal)
		for _, e := range rules {
			r.Fields[kafka.ACLField(e)] = reconcile.TextOf("")
		}
		return r
	}
	rule := func(permission, kind, pattern, name, operation, host string) kafka.ACLEntry {
		return kafka.ACLEntry{Permission: permission, Resource: kind, Pattern: pattern, Name: name, Operation: operation, Host: host}
	}
	read := rule("allow", "topic", "literal", prefix+"orders", "read", "*")
	bad := of("User:"+prefix+"bad", read)
	bad.Fields["allow|topic|match|x|read|*"] = reconcile.TextOf("")
	return kindtest.Subject{
		Examples: []kindtest.Example{
			{
				Name:  "a user",
				First: of("User:"+prefix+"bob", read, rule("allow", "group", "prefixed", prefix, "read", "*")),
				Next:  of("User:"+prefix+"bob", read, rule("deny", "topic", "prefixed", prefix, "describe-configs", "10.0.0.1")),
			},
			{
				Name:  "a certificate, and names to escape",
				First: of("User:CN="+prefix+"x,O=y", rule("allow", "transactional-id", "literal", "a|b%7Cc", "write", "*")),
				Next:  of("User:CN="+prefix+"x,O=y", rule("allow", "cluster", "literal", kafka.ClusterName, "idempotent-write", "*")),
			},
		},
		Bad: bad,
	}
}

func quotas(prefix string) kindtest.Subject {
	name := func(s string) *string { s = prefix + s; return &s }
	of := func(id reconcile.ID, fields ...string) reconcile.Resource {
		return resource(id.Kind, id.Name, fields...)
	}
	user := kafka.QuotaEntityID(kafka.QuotaPart{Type: "user", Name: name("bob")})
	both := kafka.QuotaEntityID(kafka.QuotaPart{Type: "client-id", Name: name("x=y")}, kafka.QuotaPart{Type: "user", Name: name("CN=a,O=b")})
	rest := kafka.QuotaEntityID(kafka.QuotaPart{Type: "user", Name: name("c")}, kafka.QuotaPart{Type: "client-id"})
	return kindtest.Subject{
		Examples: []kindtest.Example{
			{
				Name:  "a user",
				First: of(user, "producer_byte_rate", "1048576", "request_percentage", "12.5"),
				Next:  of(user, "producer_byte_rate", "2097152", "controller_mutation_rate", "10"),
			},
			{
				Name:  "a user's client",
				First: of(both, "consumer_byte_rate", "1000000000"),
				Next:  of(both, "consumer_byte_rate", "1"),
			},
			{
				Name:  "a user's other clients",
				First: of(rest, "consumer_byte_rate", "1024"),
				Next:  of(rest, "producer_byte_rate", "1024"),
			},
		},
		Bad: of(kafka.QuotaEntityID(kafka.QuotaPart{Type: "user", Name: name("bad")}), "producer_byte_rate", "lots"),
	}
}

// brokers are the one broker there is, and all of them. Nothing that other tests
// rely on is set.
func brokers() kindtest.Subject {
	of := func(name string, fields ...string) reconcile.Resource {
		return resource(kafka.KindBrokerConfig, name, fields...)
	}
	secret := func(r reconcile.Resource) reconcile.Resource {
		r.Fields["config.plugin.of.tests.password"] = reconcile.SecretOf(Secret)
		return r
	}
	return kindtest.Subject{
		Examples: []kindtest.Example{
			{
				Name:  "all brokers",
				First: secret(of(kafka.DefaultEntity, "config.log.retention.ms", "604800001", "config.log.cleaner.io.buffer.load.factor", "0.85")),
				Next:  secret(of(kafka.DefaultEntity, "config.log.retention.ms", "604800002", "config.log.index.interval.bytes", "4097")),
			},
			{
				Name:  "one broker",
				First: of("1", "config.background.threads", "11"),
				Next:  of("1", "config.background.threads", "12", "config.log.cleanup.policy", "compact,delete"),
			},
		},
		Bad:    of("1", "config.log.retention.ms", "soon"),
		Secret: Secret,
	}
}
