package kafka

import (
	"strings"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
)

func ottlaVersions() []string { return []string{"ottla.io/v1alpha1"} }

type accessRuleDocument struct {
	strict.Header
	Spec accessRuleSpec `json:"spec" doc:"The rules." required:"true"`
}

type accessRuleSpec struct {
	Principals []string       `json:"principals" doc:"Who: User:alice, User:CN=app,O=Shop, User:* for everybody." required:"true" min:"1" pattern:"^User:.+$"`
	Acls       []aclRule      `json:"acls" doc:"Rules as Kafka knows them."`
	Intents    []accessIntent `json:"intents" doc:"What the principals do; expanded to exactly the rules it needs."`
}

type accessIntent struct {
	Role             string   `json:"role" doc:"What is done." required:"true" enum:"producer,transactional-producer,consumer,streams,connector,read-only"`
	Topics           []string `json:"topics" doc:"Topics; a name that ends in * is a prefix."`
	Groups           []string `json:"groups" doc:"Consumer groups; a name that ends in * is a prefix."`
	TransactionalIDs []string `json:"transactionalIds" doc:"Transactional ids; a name that ends in * is a prefix."`
	Host             string   `json:"host" doc:"Address they come from; * is any." default:"*" min:"1"`
}

// Check wants something to grant.
func (s *accessRuleSpec) Check(report func(path, text string)) {
	if len(s.Acls) == 0 && len(s.Intents) == 0 {
		report("", "grants nothing: give acls or intents")
	}
}

// Check wants what the role works on.
func (i *accessIntent) Check(report func(path, text string)) {
	if len(i.Topics) == 0 && i.Role != "read-only" {
		report("topics", "is missing: a "+i.Role+" works on topics")
	}
	if len(i.Groups) == 0 && (i.Role == "consumer" || i.Role == "connector") {
		report("groups", "is missing: a "+i.Role+" reads in a group")
	}
	if len(i.TransactionalIDs) == 0 && i.Role == "transactional-producer" {
		report("transactionalIds", "is missing: a "+i.Role+" needs one")
	}
}

func accessRuleKind() reconcile.DocumentKind {
	return reconcile.DocumentKind{
		APIVersions: ottlaVersions(), Kind: "AccessRule", Spec: accessRuleDocument{},
		Doc: "Access of principals that are not KafkaUsers.",
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
  acls:
    - type: deny
      resource: {type: topic, name: secrets}
      operations: [All]
`,
	}
}

type clientQuotaDocument struct {
	strict.Header
	Spec clientQuotaSpec `json:"spec" doc:"The quotas." required:"true"`
}

type clientQuotaSpec struct {
	Entity clientQuotaEntity `json:"entity" doc:"Whom the quotas are for." required:"true"`
	Quotas clientQuotas      `json:"quotas" doc:"The quotas." required:"true"`
}

type clientQuotaEntity struct {
	User     string   `json:"user" doc:"A user, by its principal without User:."`
	ClientID string   `json:"clientId" doc:"A client id."`
	IP       string   `json:"ip" doc:"An address; stands alone."`
	Defaults []string `json:"defaults" doc:"Of these, every one that has no quota of its own." enum:"user,clientId,ip"`
}

type clientQuotas struct {
	userQuotas
	ConnectionCreationRate *float64 `json:"connectionCreationRate" doc:"Connections a second; of an ip only." min:"0"`
}

// Check wants an entity as Kafka knows them.
func (e *clientQuotaEntity) Check(report func(path, text string)) {
	named := map[string]bool{"user": e.User != "", "clientId": e.ClientID != "", "ip": e.IP != ""}
	parts := 0
	for _, given := range named {
		if given {
			parts++
		}
	}
	for _, part := range e.Defaults {
		if named[part] {
			report("defaults", part+" stands there by name, too")
		}
	}
	switch {
	case parts+len(e.Defaults) == 0:
		report("", "names nobody: give user, clientId, ip or defaults")
	case parts+len(e.Defaults) > 1 && (e.IP != "" || strings.Contains(strings.Join(e.Defaults, ","), "ip")):
		report("ip", "stands alone: Kafka has no quota for an address and something else")
	}
}

func clientQuotaKind() reconcile.DocumentKind {
	return reconcile.DocumentKind{
		APIVersions: ottlaVersions(), Kind: "ClientQuota", Spec: clientQuotaDocument{},
		Doc: "Quotas of any entity: user, client id, both, address, and their defaults.",
		Example: `apiVersion: ottla.io/v1alpha1
kind: ClientQuota
metadata:
  name: everybody
spec:
  entity:
    defaults: [user]
  quotas:
    producerByteRate: 1048576
    consumerByteRate: 1048576
`,
	}
}

type brokerConfigDocument struct {
	strict.Header
	Spec brokerConfigSpec `json:"spec" doc:"The configuration." required:"true"`
}

type brokerConfigSpec struct {
	Brokers []int32                  `json:"brokers" doc:"Ids of the brokers it is for; without it the whole cluster." min:"1"`
	Config  map[string]strict.Scalar `json:"config" doc:"Dynamic broker configuration; null leaves the key alone." required:"true" min:"1" secret:"true"`
}

func brokerConfigKind() reconcile.DocumentKind {
	return reconcile.DocumentKind{
		APIVersions: ottlaVersions(), Kind: "BrokerConfig", Spec: brokerConfigDocument{},
		Doc: "Dynamic configuration of the brokers, of all or of some.",
		Example: `apiVersion: ottla.io/v1alpha1
kind: BrokerConfig
metadata:
  name: cluster
spec:
  config:
    log.retention.hours: 168
    num.io.threads: 16
`,
	}
}
