package reconcile

// NameRef says that a field of a kind of document holds the name of another
// document, so that a renderer that renames one (a generated Secret with its
// hash suffix) renames the reference too.
type NameRef struct {
	Group, Kind string // the document that refers
	Path        string // its field, kustomize's spelling: spec/authentication/password/valueFrom/secretKeyRef/name
	Refers      string // the kind referred to: Secret, ConfigMap, KafkaBackup
}
