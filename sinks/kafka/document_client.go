package kafka

import (
	"fmt"
	"math"
	"net/netip"
	"slices"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
)

type clientQuotaDocument struct {
	strict.Header
	Spec clientQuotaSpec `json:"spec" doc:"The quotas." required:"true"`
}

type clientQuotaSpec struct {
	Entity clientQuotaEntity `json:"entity" doc:"Whom the quotas are for." required:"true"`
	Quotas clientQuotas      `json:"quotas" doc:"The quotas, changed in place." required:"true"`
}

type clientQuotaEntity struct {
	User     string   `json:"user" doc:"A user, by its principal without User:, for example CN=app,O=Shop."`
	ClientID string   `json:"clientId" doc:"A client id."`
	IP       string   `json:"ip" doc:"An address; stands alone."`
	Defaults []string `json:"defaults" doc:"Of these, every one that has no quota of its own." enum:"user,clientId,ip"`
}

type clientQuotas struct {
	userQuotas
	ConnectionCreationRate *float64 `json:"connectionCreationRate" doc:"Connections a second to each broker, a whole number; of an ip, which has no other quota; null leaves it alone." min:"0"`
}

// Check wants whole numbers where Kafka does.
func (q *clientQuotas) Check(report func(path, text string)) {
	q.userQuotas.Check(report)
	if r := q.ConnectionCreationRate; r != nil && *r != math.Trunc(*r) {
		report("connectionCreationRate", "wants a whole number of connections, is "+CanonicalQuota(*r))
	}
}

// Check wants an entity as Kafka knows them.
func (e *clientQuotaEntity) Check(report func(path, text string)) {
	named := map[string]bool{"user": e.User != "", "clientId": e.ClientID != "", "ip": e.IP != ""}
	for i, part := range e.Defaults {
		if named[part] {
			report("defaults", part+" stands there by name, too")
		}
		if slices.Contains(e.Defaults[:i], part) {
			report("defaults", part+" stands there twice")
		}
	}
	parts := e.parts()
	switch {
	case len(parts) == 0:
		report("", "names nobody: give user, clientId, ip or defaults")
	case len(parts) > 1 && e.ofAddress():
		report("ip", "stands alone: Kafka has no quota for an address and something else")
	}
	if e.User == DefaultEntity || e.ClientID == DefaultEntity {
		report("", fmt.Sprintf("%q is Kafka's word for every other one: write user or clientId into defaults", DefaultEntity))
	}
}

// ofAddress tells quotas of an address, or of all others.
func (e *clientQuotaEntity) ofAddress() bool { return e.IP != "" || slices.Contains(e.Defaults, "ip") }

func (e *clientQuotaEntity) parts() []QuotaPart {
	var parts []QuotaPart
	for _, p := range []struct{ kind, field, name string }{{"user", "user", e.User}, {"client-id", "clientId", e.ClientID}, {"ip", "ip", e.IP}} {
		switch {
		case p.name != "":
			parts = append(parts, QuotaPart{Type: p.kind, Name: &p.name})
		case slices.Contains(e.Defaults, p.field):
			parts = append(parts, QuotaPart{Type: p.kind})
		}
	}
	return parts
}

func clientQuotaKind() reconcile.DocumentKind {
	return reconcile.DocumentKind{
		APIVersions: ottlaVersions(), Kind: "ClientQuota", CarriedOut: true, Spec: clientQuotaDocument{},
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

// clientQuotaDecoder turns a ClientQuota into a QuotaEntity.
type clientQuotaDecoder struct{}

func (clientQuotaDecoder) Reads() []string { return clientQuotaKind().Types() }

func (clientQuotaDecoder) Decode(doc reconcile.Document, _ reconcile.Refs) (reconcile.Decoded, error) {
	var d clientQuotaDocument
	if err := strict.Document(doc, &d); err != nil {
		return reconcile.Decoded{}, err
	}
	report := strict.NewReport(doc)
	refuseIgnored(doc, report, quotaField, quotaKeys())
	id := QuotaEntityID(d.Spec.Entity.parts()...)
	entity := declare(doc, id.Kind, id.Name, "spec.entity")
	entity.rates(append(d.Spec.Quotas.rates(), rate{"connection_creation_rate", "connectionCreationRate", d.Spec.Quotas.ConnectionCreationRate}))
	entity.refuseMisplaced(d.Spec.Entity.ofAddress(), report)
	if err := report.Err(); err != nil {
		return reconcile.Decoded{}, err
	}
	return reconcile.Decoded{Resources: []reconcile.Resource{entity.Resource}, Notes: d.Spec.notes(entity.Resource)}, nil
}

// refuseMisplaced reports quotas that Kafka does not have for the entity.
func (d *declared) refuseMisplaced(address bool, report *strict.Report) {
	for _, q := range append((&userQuotas{}).rates(), rate{key: "connection_creation_rate", field: "connectionCreationRate"}) {
		_, given := d.Fields[q.key]
		switch ofAddress := q.key == "connection_creation_rate"; {
		case given && address && !ofAddress:
			report.Add("spec.quotas."+q.field, "belongs to users and client ids; an address has connectionCreationRate alone")
		case given && !address && ofAddress:
			report.Add("spec.quotas."+q.field, "belongs to an address: entity {ip: ADDRESS}, or {defaults: [ip]}")
		}
	}
}

func (s clientQuotaSpec) notes(entity reconcile.Resource) []string {
	var notes []string
	if _, err := netip.ParseAddr(s.Entity.IP); err != nil && s.Entity.IP != "" {
		notes = append(notes, fmt.Sprintf("spec.entity.ip: %q is no address: brokers look the name up once, when the quota is set", s.Entity.IP))
	}
	if len(entity.Fields) == 0 {
		notes = append(notes, "declares no quota: one that appears by hand is drift")
	}
	return notes
}
