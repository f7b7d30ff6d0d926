package backup

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/nodetest"
	"github.com/ottla-io/ottla/reconcile/strict"
)

// together are documents in which every field has its parents: a field is tried
// in the first of its kind that has the place for it.
func together() map[string][]string {
	return map[string][]string{
		"KafkaBackup": {
			`{kafkaCluster: {bootstrapServers: [a:9092], securityProtocol: SASL_SSL, saslSecret: {name: s, mechanism: PLAIN}, tlsSecret: {name: s, certKey: a, keyKey: b}, connection: {}},
			topics: [t], storage: {storageType: s3, s3: {bucket: b, region: r, endpoint: "http://a:1", allowHttp: true, credentialsSecret: {name: s}}}, schedule: "0 2 * * *",
			checkpoint: {}, rateLimiting: {}, circuitBreaker: {}, retention: {maxAgeDays: 3}, resources: {}}`,
			`{kafkaCluster: {bootstrapServers: [a:9092], securityProtocol: SSL, caSecret: {name: s}}, topics: [t], continuous: true, rateLimit: {},
			storage: {storageType: azure, azure: {container: c, accountName: a, credentialsSecret: {name: s}}}}`,
			`{topics: [t], schedule: "0 2 * * *", storage: {storageType: azure, azure: {container: c, accountName: a, sasTokenSecret: {name: s}}}}`,
			`{topics: [t], schedule: "0 2 * * *", storage: {storageType: azure, azure: {container: c, accountName: a, servicePrincipalSecret: {name: s}}}}`,
			`{topics: [t], schedule: "0 2 * * *", storage: {storageType: gcs, gcs: {bucket: b, credentialsSecret: {name: s}}}}`,
			`{topics: [t], schedule: "0 2 * * *", storage: {pvc: {claimName: c}}}`,
		},
		"KafkaRestore": {
			`{backupRef: {name: n, storage: {pvc: {claimName: c}}}, kafkaCluster: {bootstrapServers: [a:9092], connection: {}}, topics: [t], pitr: {},
			repartitioning: {a: {targetPartitions: 3}}, offsetReset: {enabled: true, consumerGroups: [g]}, rollback: {}, rateLimiting: {}, circuitBreaker: {}}`,
		},
		"KafkaOffsetReset": {
			`{kafkaCluster: {bootstrapServers: [a:9092]}, consumerGroups: [g], resetStrategy: from-mapping, offsetMappingRef: {restoreName: r}}`,
		},
		"KafkaOffsetRollback": {`{kafkaCluster: {bootstrapServers: [a:9092]}, snapshotRef: {name: s}}`},
		"KafkaBackupValidation": {
			`{backupRef: {name: n}, kafkaCluster: {bootstrapServers: [a:9092]}, schedule: "0 2 * * *", checks: {messageCount: {enabled: true}, offsetRange: {enabled: true},
			consumerGroupOffsets: {enabled: true}, customWebhooks: [{name: w, url: "https://a"}]},
			evidence: {storage: {pvc: {claimName: e}}, signing: {enabled: true, keySecret: {name: s, privateKeyKey: private.pem, publicKeyKey: public.pem}}}, notifications: {slack: {webhookSecret: {name: s, key: hook}}, pagerduty: {routingKeySecret: {name: s, key: a}}}}`,
		},
	}
}

// signingPEM and publicPEM are a pair that signs nothing but tests, as openssl
// writes it, with line ends as YAML does.
const (
	signingPEM = `-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIFYYpocASVahKAcmoRJUMGFu/Fe8Njjfco7elu8iJQ9B\n-----END PRIVATE KEY-----\n`
	publicPEM  = `-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAoxqr2Kmw8Usrako8pDOyKrA6ej95j1htSiW8SUyPA4E=\n-----END PUBLIC KEY-----\n`
)

// always is the field that asks for what is done anyway.
const always = "KafkaBackup spec.consumerGroupSnapshot"

func TestEveryFieldHasAnEffectOrANote(t *testing.T) {
	for _, kind := range Documents() {
		all := strict.Fields(reflect.TypeOf(kind.Spec))
		for i, f := range all {
			leaf := i+1 == len(all) || !strings.HasPrefix(all[i+1].Path, f.Path+".") && !strings.HasPrefix(all[i+1].Path, f.Path+"[")
			if !leaf || !strings.HasPrefix(f.Path, "spec.") || kind.Kind+" "+f.Path == always || heldElsewhere(kind.Kind, f.Path) {
				continue
			}
			t.Run(kind.Kind+"/"+f.Path, func(t *testing.T) { hasEffect(t, kind.Kind, f) })
		}
	}
}

// heldElsewhere leaves out what another kind holds: stores and clusters are the
// same in all of them, and a note speaks of what is below it.
func heldElsewhere(kind, path string) bool {
	return kind != "KafkaBackup" && (strings.Contains(path, "torage.") || strings.Contains(path, "luster.")) ||
		strings.Contains(path, "checkpoint.storage.")
}

func hasEffect(t *testing.T, kind string, f strict.FieldDoc) {
	for _, text := range together()[kind] {
		var spec map[string]any
		if err := yaml.Unmarshal([]byte(text), &spec); err != nil {
			t.Fatal(err)
		}
		before, err := outcome(t, kind, spec)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		sample, ok := put(spec, strings.Split(strings.TrimPrefix(f.Path, "spec."), "."), f)
		if !ok {
			continue
		}
		after, err := outcome(t, kind, spec)
		if err == nil && after == before && !ignored(after, f.Path) {
			t.Errorf("%v has no effect, and nothing says so:\n%s", sample, after)
		}
		name := f.Path[strings.LastIndex(f.Path, ".")+1:]
		if err != nil && !strings.Contains(err.Error(), name) && !strings.Contains(err.Error(), fmt.Sprint(sample)) {
			t.Errorf("%v is refused for another reason: %v", sample, err)
		}
		return
	}
	t.Error("no document has a place for it")
}

// ignored tells a note that speaks of a field, or of what it stands in.
func ignored(out, path string) bool {
	for line := range strings.SplitSeq(out, "\n") {
		at, words, _ := strings.Cut(strings.TrimPrefix(line, "note: "), ": ")
		if strings.HasPrefix(path+".", at+".") && strings.HasSuffix(words, ", ignored") {
			return true
		}
	}
	return false
}

// put sets a field to another value than it has, where its parents are there.
func put(at map[string]any, path []string, f strict.FieldDoc) (any, bool) {
	name := path[0]
	if len(path) == 1 {
		if old, ok := at[name]; ok {
			f.Default = fmt.Sprint(old)
		}
		at[name] = sampleOf(f)
		return at[name], true
	}
	list := strings.HasSuffix(name, "[]")
	next := at[strings.TrimSuffix(name, "[]")]
	if all, ok := next.([]any); ok && list && len(all) > 0 {
		next = all[0]
	}
	below, ok := next.(map[string]any)
	if ok && path[1] == "*" {
		path = append([]string{path[0], "a"}, path[2:]...)
	}
	if !ok {
		return nil, false
	}
	return put(below, path[1:], f)
}

// sampleOf is a value that is not the default.
func sampleOf(f strict.FieldDoc) any {
	special := map[string]any{
		"schedule": "0 3 * * *", "timeZone": "Europe/Helsinki", "startTime": "2026-11-20T10:00:00Z", "endTime": "2026-11-20T11:00:00Z",
		"url": "https://b", "backupId": "7", "compressionLevel": 9, "produceAcks": 1, "topicMapping": map[string]any{"t": "u"},
		"partitionMapping": map[string]any{"0": 1}, "endpoint": "http://b:1", "resetTimestamp": 7, "formats": []string{"pdf"},
	}
	if v, ok := special[f.Path[strings.LastIndex(f.Path, ".")+1:]]; ok {
		return v
	}
	switch {
	case len(f.Enum) > 0:
		return f.Enum[slices.IndexFunc(f.Enum, func(e string) bool { return e != f.Default })]
	case strings.HasPrefix(f.Type, "list"):
		return []string{"other"}
	case f.Type == "boolean":
		return f.Default != "true"
	case strings.Contains(f.Type, "number"):
		n, _ := strconv.Atoi(f.Default)
		return n + 5
	case f.Type == "string":
		return "other"
	}
	return map[string]any{"a": "b"}
}

// outcome is all that a document says, without where it says it.
func outcome(t *testing.T, kind string, spec map[string]any) (string, error) {
	text, err := json.Marshal(map[string]any{"apiVersion": "kafka.oso.sh/v1alpha1", "kind": kind, "metadata": map[string]any{"name": "n"}, "spec": spec})
	if err != nil {
		t.Fatal(err)
	}
	secret := `{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {a: "1", b: "2", other: "3", ca.crt: "4", username: u, password: p,
		hook: "https://hooks.slack.com/services/x", private.pem: "` + signingPEM + `", public.pem: "` + publicPEM + `",
		AWS_ACCESS_KEY_ID: i, AWS_SECRET_ACCESS_KEY: k, AZURE_STORAGE_KEY: k, AZURE_SAS_TOKEN: k, AZURE_CLIENT_ID: k, AZURE_TENANT_ID: k, AZURE_CLIENT_SECRET: k, SERVICE_ACCOUNT_JSON: k}}`
	refs, docs, err := reconcile.NewReferences(nodetest.Documents(t, "a.yaml", secret+"\n---\n"+string(text)+"\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range Decoders() {
		if !slices.Contains(d.Reads(), docs[0].Type()) {
			continue
		}
		decoded, err := d.Decode(docs[0], refs)
		if err != nil {
			return "", err
		}
		return spoken(decoded), nil
	}
	t.Fatal("nothing reads " + kind)
	return "", nil
}

func spoken(d reconcile.Decoded) string {
	var out strings.Builder
	for _, r := range d.Resources {
		fmt.Fprintln(&out, r.ID, r.Claims)
		for _, name := range strict.Keys(r.Fields) {
			fmt.Fprintln(&out, name, r.Fields[name])
		}
		for _, name := range strict.Keys(r.Means) {
			plain, _ := r.Means[name].Plaintext()
			fmt.Fprintln(&out, name, plain)
		}
	}
	for _, note := range d.Notes {
		fmt.Fprintln(&out, "note: "+note)
	}
	return out.String()
}
