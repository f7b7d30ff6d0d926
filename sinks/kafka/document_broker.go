package kafka

import (
	"strconv"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
)

type brokerConfigDocument struct {
	strict.Header
	Spec brokerConfigSpec `json:"spec" doc:"The configuration." required:"true"`
}

type brokerConfigSpec struct {
	Brokers    []int32                  `json:"brokers" doc:"Ids of the brokers it is for; without it every broker, also one that joins later." min:"1"`
	Config     map[string]strict.Scalar `json:"config" doc:"Dynamic broker configuration. Numbers, booleans and strings mean the same; null leaves the key alone. No passwords." secret:"true"`
	ConfigFrom []brokerSecret           `json:"configFrom" doc:"Configuration that nobody may read: passwords, keys and what brokers treat like them."`
}

type brokerSecret struct {
	Name      string             `json:"name" doc:"The key, for example listener.name.external.ssl.keystore.password." required:"true" min:"1"`
	ValueFrom brokerSecretSource `json:"valueFrom" doc:"Where the value comes from." required:"true"`
	Line      strict.Line
}

type brokerSecretSource struct {
	SecretKeyRef brokerSecretKey `json:"secretKeyRef" doc:"The key of a Secret that holds it." required:"true"`
}

type brokerSecretKey struct {
	Name string `json:"name" doc:"Name of the Secret." required:"true" min:"1" ref:"Secret"`
	Key  string `json:"key" doc:"Key in the Secret." required:"true" min:"1"`
}

// Check wants something to set.
func (s *brokerConfigSpec) Check(report func(path, text string)) {
	if len(s.Config)+len(s.ConfigFrom) == 0 {
		report("", "sets nothing: give config or configFrom")
	}
}

func brokerConfigKind() reconcile.DocumentKind {
	return reconcile.DocumentKind{
		APIVersions: ottlaVersions(), Kind: "BrokerConfig", CarriedOut: true, Spec: brokerConfigDocument{},
		Doc: "Dynamic configuration of the brokers, of all or of some.",
		Example: `apiVersion: ottla.io/v1alpha1
kind: BrokerConfig
metadata:
  name: cluster
spec:
  config:
    log.retention.ms: 604800000
    num.io.threads: 16
  configFrom:
    - name: listener.name.external.ssl.keystore.password
      valueFrom:
        secretKeyRef:
          name: broker-keystore
          key: password
`,
	}
}

// brokerDecoder turns a BrokerConfig into the live BrokerConfig of the whole
// cluster, or of each broker that it names.
type brokerDecoder struct{}

func (brokerDecoder) Reads() []string { return brokerConfigKind().Types() }

func (brokerDecoder) Decode(doc reconcile.Document, refs reconcile.Refs) (reconcile.Decoded, error) {
	var d brokerConfigDocument
	if err := strict.Document(doc, &d); err != nil {
		return reconcile.Decoded{}, err
	}
	report := strict.NewReport(doc)
	refuseIgnored(doc, report, brokerField, []string{configPrefix + "KEY"})
	fields := brokerFields{doc: doc, report: report, spec: d.Spec, refs: refs}
	var out reconcile.Decoded
	for i, id := range brokerIDs(d.Spec.Brokers, report) {
		broker := declare(doc, id.Kind, id.Name, "spec")
		notes := fields.into(broker, i == 0)
		if i == 0 {
			out.Notes = notes
		}
		out.Resources = append(out.Resources, broker.Resource)
	}
	if err := report.Err(); err != nil {
		return reconcile.Decoded{}, err
	}
	return out, nil
}

// brokerField tells the name of a field that a broker may have.
func brokerField(name string) bool {
	return name != configPrefix && len(name) > len(configPrefix) && name[:len(configPrefix)] == configPrefix
}

func brokerIDs(brokers []int32, report *strict.Report) []reconcile.ID {
	if len(brokers) == 0 {
		return []reconcile.ID{BrokerConfigID(DefaultEntity)}
	}
	named := map[int32]bool{}
	var out []reconcile.ID
	for _, id := range brokers {
		switch {
		case id < 0:
			report.Add("spec.brokers", "%d is no id of a broker", id)
		case named[id]:
			report.Add("spec.brokers", "names %d twice", id)
		}
		named[id] = true
		out = append(out, BrokerConfigID(strconv.Itoa(int(id))))
	}
	return out
}

// brokerFields declares the same configuration for each broker of a document.
type brokerFields struct {
	doc    reconcile.Document
	report *strict.Report
	spec   brokerConfigSpec
	refs   reconcile.Refs
}

// into declares the fields of one broker. What is wrong with them is reported
// at the first alone.
func (b brokerFields) into(d *declared, first bool) (notes []string) {
	for _, name := range strict.Keys(b.spec.Config) {
		given, path := b.spec.Config[name], "spec.config."+name
		switch key := lookupBrokerKey(name); {
		case key.moving:
			notes = append(notes, path+": belongs to a running reassignment and is left to it")
		case given.IsNull():
			d.set(configPrefix+name, reconcile.UnmanagedValue(), given.Line)
		case key.secret:
			b.complain(first, path, "is a secret, or treated like one by brokers: put it into a Secret, and name that in spec.configFrom")
		default:
			value := key.canonical(given.Canonical())
			b.complain(first, path, key.check(value))
			d.set(configPrefix+name, reconcile.TextOf(value), given.Line)
		}
	}
	for _, secret := range b.spec.ConfigFrom {
		b.secret(d, secret, first)
	}
	return notes
}

func (b brokerFields) complain(first bool, path, words string) {
	if first && words != "" {
		b.report.Add(path, "%s", words)
	}
}

// secret declares a value that nobody may read. Errors come from the
// references and name the Secret, never what is in it.
func (b brokerFields) secret(d *declared, given brokerSecret, first bool) {
	const path = "spec.configFrom"
	if _, twice := d.Fields[configPrefix+given.Name]; twice {
		b.complain(first, path, given.Name+" is declared twice")
		return
	}
	if !lookupBrokerKey(given.Name).mayBeSecret() {
		b.complain(first, path, given.Name+" can be read by whoever may describe the brokers: it is no secret, write it into spec.config")
		return
	}
	ref := given.ValueFrom.SecretKeyRef
	value, err := b.refs.Secret(b.doc.Namespace, ref.Name, ref.Key)
	if err != nil {
		b.complain(first, path, err.Error())
		return
	}
	d.set(configPrefix+given.Name, value, int(given.Line))
}
