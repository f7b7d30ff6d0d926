package reconcile

// DocumentKind describes one kind of document that people write: what its JSON
// Schema and its page in the reference are made from.
type DocumentKind struct {
	APIVersions []string // newest first: kafka.strimzi.io/v1, kafka.strimzi.io/v1beta2
	Kind        string
	Doc         string // one line
	Spec        any    // a zero value of the struct a whole document is read into
	Example     string // YAML that decodes
	CarriedOut  bool   // false: read strictly, and noted as not carried out
}

// Types lists the kind as Decoder.Reads spells it.
func (k DocumentKind) Types() []string {
	types := make([]string, len(k.APIVersions))
	for i, version := range k.APIVersions {
		types[i] = version + "/" + k.Kind
	}
	return types
}
