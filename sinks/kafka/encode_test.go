package kafka_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/kafka"
)

func live(kind, name string, fields ...string) reconcile.Live {
	l := reconcile.Live{ID: reconcile.ID{Kind: kind, Name: name}, Whole: true, Fields: map[string]reconcile.Value{}}
	for pair := range slices.Chunk(fields, 2) {
		l.Fields[pair[0]] = reconcile.TextOf(pair[1])
	}
	return l
}

func scram(user string, m kafka.Mechanism) reconcile.Live {
	l := live(kafka.KindScramCredential, kafka.ScramID(user, m).Name, "iterations", "4096")
	l.Fields["password"] = reconcile.WriteOnlyValue()
	return l
}

func nobody(reconcile.ID) string { return "" }

// redecoded is what documents declare, merged.
func redecoded(t *testing.T, docs []kafka.Written) map[reconcile.ID]reconcile.Resource {
	t.Helper()
	var all []reconcile.Resource
	seen := map[string]bool{}
	for _, d := range docs {
		if seen[d.Kind+"/"+d.Name] {
			t.Errorf("%s %s is written twice", d.Kind, d.Name)
		}
		seen[d.Kind+"/"+d.Name] = true
		data, err := json.Marshal(d.Body)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, decodeOne(t, string(data))...)
	}
	merged, err := reconcile.Merge(all, func(kind string) bool { return kafka.Rules()[kind].Bag })
	if err != nil {
		t.Fatal(err)
	}
	out := map[reconcile.ID]reconcile.Resource{}
	for _, r := range merged {
		out[r.ID] = r
	}
	return out
}

// declaresExactly holds documents against what lives.
func declaresExactly(t *testing.T, docs []kafka.Written, lives []reconcile.Live) {
	t.Helper()
	want := redecoded(t, docs)
	for _, l := range lives {
		r, ok := want[l.ID]
		if !ok {
			t.Errorf("%s is not declared", l.ID)
			continue
		}
		delete(want, l.ID)
		for name, v := range r.Fields {
			if !v.Is(reconcile.Unmanaged) && !v.Same(l.Field(name)) {
				t.Errorf("%s %s is declared as %v, and lives as %v", l.ID, name, v, l.Field(name))
			}
		}
		for name, v := range l.Fields {
			if _, declared := r.Fields[name]; !declared && v.Is(reconcile.Text) && name != "iterations" {
				t.Errorf("%s %s is not declared", l.ID, name)
			}
		}
	}
	for id := range want {
		t.Errorf("%s is declared, and there is none", id)
	}
}

func TestWhatLivesBecomesDocumentsThatDeclareIt(t *testing.T) {
	lives := []reconcile.Live{
		live("Topic", "orders", "partitions", "3", "replicas", "2", "config.retention.ms", "604800000", "config.cleanup.policy", "compact,delete", "config.min.cleanable.dirty.ratio", "0.25"),
		live("Topic", "Orders_V2", "partitions", "1", "replicas", "1"), live("Topic", "orders-v2", "partitions", "1", "replicas", "1"),
		live("Topic", "kustomization", "partitions", "1", "replicas", "1"), live("Topic", "null", "partitions", "1", "replicas", "1"), live("Topic", "0x1F", "partitions", "1", "replicas", "1"),
		scram("bob", kafka.ScramSHA512), scram("eve", kafka.ScramSHA256), scram("yes", kafka.ScramSHA512),
		live("AclSet", "User:bob", "allow|topic|literal|orders|read|*", "", "allow|topic|literal|orders|write|*", "", "deny|group|prefixed|g|alter-configs|10.0.0.1", ""),
		live("AclSet", "User:CN=shop", "allow|transactional-id|literal|*|write|*", ""),
		live("AclSet", "User:CN=bob", "allow|user|literal|User:x|create-tokens|*", ""), // a user with a password has that name
		live("AclSet", "User:CN=a,O=b", "allow|cluster|literal|kafka-cluster|idempotent-write|*", "", "allow|delegation-token|literal|a%7Cb|describe|*", ""),
		live("AclSet", "User:*", "allow|topic|literal|*|describe|*", ""), live("AclSet", "User:plain", "allow|topic|literal|orders|all|*", ""),
		live("AclSet", "Group:admins", "allow|topic|literal|orders|read|*", ""),
		live("QuotaEntity", "user=bob", "producer_byte_rate", "1048576", "request_percentage", "12.5"),
		live("QuotaEntity", "user=CN%3Dshop", "consumer_byte_rate", "1000000000000"),
		live("QuotaEntity", "user=plain", "controller_mutation_rate", "0.5"),
		live("QuotaEntity", "user=bob,client-id=a%2Cb", "producer_byte_rate", "1"), live("QuotaEntity", "user=bob,client-id=<default>", "producer_byte_rate", "1"),
		live("QuotaEntity", "user=<default>", "producer_byte_rate", "1"), live("QuotaEntity", "client-id=x", "producer_byte_rate", "1"),
		live("QuotaEntity", "user=<default>,client-id=<default>", "producer_byte_rate", "1"),
		live("QuotaEntity", "ip=10.0.0.1", "connection_creation_rate", "5"), live("QuotaEntity", "ip=<default>", "connection_creation_rate", "7"),
		live("BrokerConfig", kafka.DefaultEntity, "config.log.retention.ms", "604800000", "config.log.cleaner.io.buffer.load.factor", "0.9"),
		live("BrokerConfig", "1", "config.background.threads", "12"),
	}
	encoded := kafka.Encode(slices.Clone(lives), nobody)
	declaresExactly(t, encoded.Documents, lives)
	if len(encoded.Notes) > 0 {
		t.Errorf("notes: %q", encoded.Notes)
	}
	kinds := map[string]int{}
	for _, d := range encoded.Documents {
		kinds[d.Kind]++
	}
	if want := map[string]int{"KafkaTopic": 6, "KafkaUser": 4, "AccessRule": 5, "ClientQuota": 8, "BrokerConfig": 2}; !maps.Equal(kinds, want) {
		t.Errorf("documents: %v", kinds)
	}
}

func TestWhatIsNotWrittenIsNoted(t *testing.T) {
	internal := live("Topic", "__consumer_offsets", "partitions", "50", "replicas", "3")
	internal.Internal = "Kafka keeps its own state in it"
	secret := live("BrokerConfig", "1")
	secret.Fields["config.ssl.keystore.password"] = reconcile.WriteOnlyValue()
	lives := []reconcile.Live{
		internal, live("Topic", "__other", "partitions", "1", "replicas", "1"), live("Topic", "uneven", "partitions", "2", "replicas", "1..2"),
		scram("both", kafka.ScramSHA256), scram("both", kafka.ScramSHA512), scram("ANONYMOUS", kafka.ScramSHA512), scram("admin", kafka.ScramSHA512),
		live("AclSet", "User:odd", "allow|topic|prefixed|*|read|*", "", "allow|unknown-9|literal|x|read|*", ""), secret,
	}
	encoded := kafka.Encode(lives, func(id reconcile.ID) string {
		if kafka.PrincipalOf(id) == "User:admin" {
			return "it is protected"
		}
		return ""
	})
	all := strings.Join(encoded.Notes, "\n")
	for _, words := range []string{
		"Topic/__consumer_offsets is left out", "Topic/__other is left out", "Topic/uneven: its partitions have 1..2", "both|SCRAM-SHA-256 is left out",
		"ScramCredential/ANONYMOUS|SCRAM-SHA-512 is left out", "ScramCredential/admin|SCRAM-SHA-512 is left out: it is protected",
		"topics that begin with *", "unknown-9", "do not show ssl.keystore.password",
	} {
		if !strings.Contains(all, words) {
			t.Errorf("nothing says %q:\n%s", words, all)
		}
	}
	if docs := redecoded(t, encoded.Documents); len(docs) != 2 {
		t.Errorf("it declares %v", docs)
	}
}

// TestAnyAccessAndQuotasComeBack encodes what chance makes up.
func TestAnyAccessAndQuotasComeBack(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 7))
	names := []string{"a", "A", "a.b", "a_b", "a|b", "100%", "*", "-", "CN=a", "CN=a,O=b", "<default>", "é", "true", "1e3", "x y", strings.Repeat("long.", 60)}
	pick := func(all []string) string { return all[chance.IntN(len(all))] }
	for range 300 {
		byID := map[reconcile.ID]reconcile.Live{}
		for range 1 + chance.IntN(12) {
			principal := "User:" + pick(names)
			entry := kafka.ACLEntry{
				Permission: pick([]string{"allow", "deny"}), Resource: pick(kafka.ACLResources()), Pattern: pick([]string{"literal", "prefixed"}),
				Name: pick(names), Operation: pick(kafka.ACLOperations()), Host: pick([]string{"*", "10.0.0.1", "fe80::1"}),
			}
			if entry.Resource == "cluster" {
				entry.Name, entry.Pattern = kafka.ClusterName, "literal"
			}
			if entry.Pattern == "prefixed" && strings.HasPrefix(entry.Name, "*") {
				continue
			}
			l := live(kafka.KindACLSet, principal, kafka.ACLField(entry), "")
			if had, ok := byID[l.ID]; ok {
				maps.Copy(l.Fields, had.Fields)
			}
			byID[l.ID] = l
			user := pick(names)
			quota := live(kafka.KindQuotaEntity, kafka.QuotaEntityID(kafka.QuotaPart{Type: pick([]string{"user", "client-id"}), Name: &user}).Name, "producer_byte_rate", fmt.Sprint(1+chance.IntN(1e9)))
			if user != kafka.DefaultEntity {
				byID[quota.ID] = quota
			}
			if chance.IntN(3) == 0 {
				credential := scram(pick([]string{"a", "A", "a.b", "true"}), kafka.ScramSHA512)
				byID[credential.ID] = credential
			}
		}
		lives := slices.Collect(maps.Values(byID))
		encoded := kafka.Encode(slices.Clone(lives), nobody)
		declaresExactly(t, encoded.Documents, lives)
		if t.Failed() {
			t.Fatal(encoded.Notes)
		}
	}
}
