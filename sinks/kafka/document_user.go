package kafka

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
)

type userDocument struct {
	strict.Header
	Spec userSpec `json:"spec" doc:"The user."`
}

type userSpec struct {
	Authentication *userAuthentication `json:"authentication" doc:"How the user proves who it is. Without it no credential is kept, and the principal is User:<name>."`
	Authorization  *userAuthorization  `json:"authorization" doc:"What the user may do. Without it its access is not looked at; with it, rules that appear by hand are drift."`
	Quotas         *userQuotas         `json:"quotas" doc:"How much the user may use. Without it its quotas are not looked at."`
	Template       strict.Any          `json:"template" doc:"Of use to Strimzi only; ignored with a note."`
}

type userAuthentication struct {
	Type         string        `json:"type" doc:"scram-sha-512: a password. tls: principal User:CN=<name>, the certificate is issued elsewhere. tls-external: the same." required:"true" enum:"tls,tls-external,scram-sha-512"`
	Password     *userPassword `json:"password" doc:"Where the password is; without it the password is not managed, and the credential must exist. Never a random one."`
	ValidityDays *int          `json:"validityDays" doc:"Of tls: for whoever issues the certificate; ignored with a note." min:"1"`
	RenewalDays  *int          `json:"renewalDays" doc:"Of tls: for whoever issues the certificate; ignored with a note." min:"1"`
}

type userPassword struct {
	ValueFrom userPasswordSource `json:"valueFrom" doc:"Where the password comes from." required:"true"`
}

type userPasswordSource struct {
	SecretKeyRef userSecretKey `json:"secretKeyRef" doc:"The key of a Secret that holds it." required:"true"`
}

type userSecretKey struct {
	Name     string `json:"name" doc:"Name of the Secret." required:"true" min:"1" ref:"Secret"`
	Key      string `json:"key" doc:"Key in the Secret." required:"true" min:"1"`
	Optional *bool  `json:"optional" doc:"Accepted; a Secret that is not there is an error all the same."`
}

// Check refuses what has no meaning for the way of authentication.
func (a *userAuthentication) Check(report func(path, text string)) {
	scram := a.Type == authScram512
	if a.Password != nil && !scram {
		report("password", "belongs to type: "+authScram512+", not to "+a.Type)
	}
	if a.ValidityDays != nil && a.Type != authTLS {
		report("validityDays", "belongs to type: "+authTLS+", not to "+a.Type)
	}
	if a.RenewalDays != nil && a.Type != authTLS {
		report("renewalDays", "belongs to type: "+authTLS+", not to "+a.Type)
	}
}

// The types of authentication.
const (
	authTLS         = "tls"
	authTLSExternal = "tls-external"
	authScram512    = "scram-sha-512"
)

func userKind() reconcile.DocumentKind {
	return reconcile.DocumentKind{
		APIVersions: strimziVersions(), Kind: "KafkaUser", CarriedOut: true, Spec: userDocument{},
		Doc: "A user: its SCRAM credential, its access and its quotas.",
		Example: `apiVersion: kafka.strimzi.io/v1
kind: KafkaUser
metadata:
  name: shop
spec:
  authentication:
    type: scram-sha-512
    password:
      valueFrom:
        secretKeyRef:
          name: shop-password
          key: password
  authorization:
    type: simple
    acls:
      - resource:
          type: topic
          name: orders
        operations: [Read, Describe]
      - resource:
          type: group
          name: shop-
          patternType: prefix
        operations: [Read]
  quotas:
    producerByteRate: 1048576
    consumerByteRate: 2097152
    requestPercentage: 50
`,
	}
}

// userDecoder turns a KafkaUser into a ScramCredential, an AclSet and a
// QuotaEntity, as far as it declares them.
type userDecoder struct{}

func (userDecoder) Reads() []string { return userKind().Types() }

func (userDecoder) Decode(doc reconcile.Document, refs reconcile.Refs) (reconcile.Decoded, error) {
	var d userDocument
	if err := strict.Document(doc, &d); err != nil {
		return reconcile.Decoded{}, err
	}
	report := strict.NewReport(doc)
	u := userReader{doc: doc, spec: d.Spec, name: d.Metadata.Name, report: report}
	if words := u.refusedName(); words != "" {
		report.Add("metadata.name", "%s", words)
	}
	refuseIgnored(doc, report, userField, append([]string{fieldPassword, fieldIterations, "allow|topic|literal|NAME|read|*"}, userQuotaKeys()...))
	u.credential(refs)
	u.access()
	u.quotas()
	if len(u.out) == 0 {
		u.note("declares neither a credential, nor access, nor quotas: nothing is kept")
	}
	if err := report.Err(); err != nil {
		return reconcile.Decoded{}, err
	}
	return reconcile.Decoded{Resources: u.out, Notes: append(u.notes, d.Spec.notes()...)}, nil
}

// userReader reads one KafkaUser.
type userReader struct {
	doc    reconcile.Document
	name   string
	spec   userSpec
	report *strict.Report
	out    []reconcile.Resource
	notes  []string
}

// principal is the name Kafka knows the user by, without "User:".
func (u *userReader) principal() string {
	if u.byCertificate() {
		return "CN=" + u.name
	}
	return u.name
}

func (u *userReader) byCertificate() bool {
	a := u.spec.Authentication
	return a != nil && (a.Type == authTLS || a.Type == authTLSExternal)
}

// refusedName says in words why a user cannot be called so: a principal that
// means everybody, or nobody in particular, is never one user's.
func (u *userReader) refusedName() string {
	switch {
	case u.name == "*":
		return `"*" would be every user: declare access for all with an AccessRule`
	case strings.EqualFold(u.name, "ANONYMOUS"):
		return `"ANONYMOUS" is whoever does not log in: declare its access with an AccessRule`
	case u.name == "<default>":
		return `"<default>" is Kafka's word for every other user: declare default quotas with a ClientQuota`
	case strings.HasPrefix(u.name, "User:"):
		return fmt.Sprintf("write %q: Kafka's prefix User: is put before it", strings.TrimPrefix(u.name, "User:"))
	case strings.ContainsFunc(u.name, unicode.IsControl) || strings.TrimSpace(u.name) != u.name:
		return fmt.Sprintf("%q is no user name: Kafka takes no control characters, and no spaces around it", u.name)
	case u.byCertificate() && strings.ContainsAny(u.name, `,+"\<>;=#`):
		return fmt.Sprintf("%q is no common name: none of , + \" \\ < > ; = # may stand in it", u.name)
	}
	return ""
}

func (s userSpec) notes() []string {
	var notes []string
	if s.Template.Node.Kind != reconcile.NullNode {
		notes = append(notes, "spec.template: has no meaning outside Kubernetes, ignored")
	}
	a := s.Authentication
	if a == nil {
		return notes
	}
	if a.Type == authTLS {
		notes = append(notes, "spec.authentication: only the principal of tls is used; certificates are issued elsewhere")
	}
	if a.ValidityDays != nil || a.RenewalDays != nil {
		notes = append(notes, "spec.authentication: validityDays and renewalDays are for whoever issues the certificate, ignored")
	}
	if a.Password != nil && a.Password.ValueFrom.SecretKeyRef.Optional != nil {
		notes = append(notes, "spec.authentication.password.valueFrom.secretKeyRef.optional: a Secret that is not there is an error all the same")
	}
	return notes
}
