package kafka

import (
	"flag"
	"slices"
	"testing"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/nodetest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestDocumentsBecomeWhatTheLiveSideShows(t *testing.T) {
	nodetest.Golden(t, "testdata/document_*.txtar", Decoders(), *update)
}

func TestEveryKindIsDescribed(t *testing.T) {
	nodetest.Kinds(t, Documents(), Decoders())
}

func TestThePasswordsSecretIsANameReference(t *testing.T) {
	want := reconcile.NameRef{
		Group: "kafka.strimzi.io", Kind: "KafkaUser",
		Path: "spec/authentication/password/valueFrom/secretKeyRef/name", Refers: "Secret",
	}
	if refs := NameRefs(); !slices.Contains(refs, want) {
		t.Errorf("name references are %v", refs)
	}
}

func FuzzTopicDocument(f *testing.F) {
	f.Add(topicKind().Example)
	f.Add("kind: KafkaTopic\nmetadata: {name: a}\nspec: {partitions: 1, config: {retention.ms: 6.048e8, cleanup.policy: null}}\n")
	f.Add("metadata: []\nspec: {config: 1}\n")
	f.Fuzz(func(t *testing.T, text string) { decodesAlike(t, topicDecoder{}, text) })
}

func FuzzUserDocument(f *testing.F) {
	f.Add(userKind().Example)
	f.Add("kind: KafkaUser\nmetadata: {name: a}\nspec: {authorization: {type: simple, acls: [{resource: {type: topic, name: 'a|%'}, operation: Read}]}}\n")
	f.Add("metadata: {name: '*', annotations: {ottla.io/scram-iterations: x}}\nspec: {quotas: {producerByteRate: null}}\n")
	f.Fuzz(func(t *testing.T, text string) { decodesAlike(t, userDecoder{}, text) })
}

// decodesAlike holds what must be so for any document: no panic, the same
// answer twice, values of a declared form in fields that have a place.
func decodesAlike(t *testing.T, decoder reconcile.Decoder, text string) {
	node, err := nodetest.Parse(text)
	if err != nil {
		return
	}
	doc := nodetest.Document("fuzz.yaml", node)
	first, err := decoder.Decode(doc, anySecret{})
	second, again := decoder.Decode(doc, anySecret{})
	if a, b := nodetest.Print(first, err), nodetest.Print(second, again); a != b {
		t.Fatalf("decodes to\n%s and to\n%s", a, b)
	}
	for _, r := range first.Resources {
		for field, value := range r.Fields {
			if value.Is(reconcile.Absent) || len(r.Origins[field]) == 0 {
				t.Fatalf("%s %s is %s, from %v", r.ID, field, value.Form(), r.Origins[field])
			}
		}
	}
}

type anySecret struct{}

func (anySecret) Secret(_, _, _ string) (reconcile.Value, error) {
	return reconcile.SecretOf("hunter2"), nil
}
func (anySecret) ConfigMap(_, _, _ string) (string, error) { return "", nil }

func FuzzAccessDocument(f *testing.F) {
	f.Add(accessRuleKind().Example)
	f.Add("kind: AccessRule\nmetadata: {name: a}\nspec: {principals: ['User:a|%'], intents: [{role: connector, connector: '*', topics: ['a*'], hosts: ['|']}]}\n")
	f.Fuzz(func(t *testing.T, text string) { decodesAlike(t, accessDecoder{}, text) })
}

func FuzzClientQuotaDocument(f *testing.F) {
	f.Add(clientQuotaKind().Example)
	f.Add("metadata: {name: a}\nspec: {entity: {user: 'a,b=%', defaults: [clientId]}, quotas: {producerByteRate: null}}\n")
	f.Fuzz(func(t *testing.T, text string) { decodesAlike(t, clientQuotaDecoder{}, text) })
}

func FuzzBrokerDocument(f *testing.F) {
	f.Add(brokerConfigKind().Example)
	f.Add("metadata: {name: a}\nspec: {brokers: [1], config: {log.retention.ms: 1e3, x: null}, configFrom: [{name: x, valueFrom: {secretKeyRef: {name: a, key: b}}}]}\n")
	f.Fuzz(func(t *testing.T, text string) { decodesAlike(t, brokerDecoder{}, text) })
}
