package kafka

import (
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
)

func ottlaVersions() []string { return []string{"ottla.io/v1alpha1"} }

type accessRuleDocument struct {
	strict.Header
	Spec accessRuleSpec `json:"spec" doc:"The rules." required:"true"`
}

type accessRuleSpec struct {
	Principals []string       `json:"principals" doc:"Who: User:alice, User:CN=app,O=Shop, User:* for everybody." required:"true" min:"1" pattern:"^[A-Za-z][A-Za-z0-9]*:.+$"`
	Acls       []aclRule      `json:"acls" doc:"Rules as Kafka knows them. Equal ones, also from several documents, are one."`
	Intents    []accessIntent `json:"intents" doc:"What the principals do; expanded to exactly the rules it takes, which plan shows."`
}

type accessIntent struct {
	Role             string   `json:"role" doc:"What is done. Write and Read bring Describe along in Kafka; nothing is granted that Git declares itself, such as creating topics." required:"true" enum:"producer,transactional-producer,consumer,streams,connector,read-only"`
	Topics           []string `json:"topics" doc:"Topics a producer writes, and all others read; a name that ends in * is a prefix, * alone is every topic. Of read-only: those it sees, all where none is named."`
	OutputTopics     []string `json:"outputTopics" doc:"Of streams and connector: topics that are written."`
	Groups           []string `json:"groups" doc:"Of consumer and connector: consumer groups, spelled as topics are. Of read-only: those it sees."`
	TransactionalIDs []string `json:"transactionalIds" doc:"Of transactional-producer, and of a connector that writes exactly once: transactional ids, spelled as topics are."`
	ApplicationID    string   `json:"applicationId" doc:"Of streams: its application.id, which names its group and begins the names of its own topics and transactional ids."`
	Connector        string   `json:"connector" doc:"Of connector: its name; it reads in the group connect-NAME."`
	Hosts            []string `json:"hosts" doc:"Addresses they come from; every one where none is named."`
	Line             strict.Line
}

// Check wants something to grant.
func (s *accessRuleSpec) Check(report func(path, text string)) {
	if len(s.Acls) == 0 && len(s.Intents) == 0 {
		report("", "grants nothing: give acls or intents")
	}
}

func accessRuleKind() reconcile.DocumentKind {
	return reconcile.DocumentKind{
		APIVersions: ottlaVersions(), Kind: "AccessRule", CarriedOut: true, Spec: accessRuleDocument{},
		Doc: "Access of principals that are not KafkaUsers; of one that is, both together are its access.",
		Example: `apiVersion: ottla.io/v1alpha1
kind: AccessRule
metadata:
  name: billing
spec:
  principals: ["User:CN=billing,O=Shop"]
  intents:
    - role: consumer
      topics: [orders]
      groups: ["billing-*"]
    - role: streams
      applicationId: billing-totals
      topics: [orders]
      outputTopics: [totals]
  acls:
    - type: deny
      resource: {type: topic, name: secrets}
      operations: [All]
`,
	}
}

// accessDecoder turns an AccessRule into an AclSet for each of its principals.
type accessDecoder struct{}

func (accessDecoder) Reads() []string { return accessRuleKind().Types() }

func (accessDecoder) Decode(doc reconcile.Document, _ reconcile.Refs) (reconcile.Decoded, error) {
	var d accessRuleDocument
	if err := strict.Document(doc, &d); err != nil {
		return reconcile.Decoded{}, err
	}
	report := strict.NewReport(doc)
	refuseIgnored(doc, report, aclFieldName, []string{"allow|topic|literal|NAME|read|*"})
	named := map[string]bool{}
	var out reconcile.Decoded
	for _, principal := range d.Spec.Principals {
		if named[principal] {
			report.Add("spec.principals", "names %s twice", principal)
		}
		named[principal] = true
		set := declare(doc, KindACLSet, principal, "spec.principals")
		notes := set.acls("spec.acls", d.Spec.Acls)
		if len(out.Resources) == 0 {
			out.Notes = notes
		}
		for _, intent := range d.Spec.Intents {
			for _, entry := range intent.entries() {
				set.set(ACLField(entry), reconcile.TextOf(""), int(intent.Line))
			}
		}
		out.Resources = append(out.Resources, set.Resource)
	}
	if err := report.Err(); err != nil {
		return reconcile.Decoded{}, err
	}
	return out, nil
}

func aclFieldName(name string) bool {
	_, err := ParseACLField(name)
	return err == nil
}
