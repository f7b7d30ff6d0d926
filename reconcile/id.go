package reconcile

import (
	"cmp"
	"fmt"
	"strings"
)

// ID names a live thing: Topic/orders, AclSet/User:bob,
// ScramCredential/bob|SCRAM-SHA-512, QuotaEntity/user=bob.
// It is the identity everything hangs on: a document that is renamed but names
// the same live thing is the same resource.
type ID struct{ Kind, Name string }

// String is Kind/Name, the spelling people type.
func (id ID) String() string { return id.Kind + "/" + id.Name }

// IsZero tells an ID that names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// MarshalText makes an ID usable as a JSON object key.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *ID) UnmarshalText(text []byte) error {
	kind, name, ok := strings.Cut(string(text), "/")
	if !ok {
		return fmt.Errorf("%q is not an id", text)
	}
	*id = ID{Kind: kind, Name: name} // a whole kind has no name
	return nil
}

// ParseID reads Kind/Name; the name may itself hold slashes.
func ParseID(s string) (ID, error) {
	kind, name, ok := strings.Cut(s, "/")
	if !ok || kind == "" || name == "" {
		return ID{}, fmt.Errorf("%q is not an id: write Kind/name, for example Topic/orders", s)
	}
	return ID{Kind: kind, Name: name}, nil
}

// CompareID orders by kind, then name.
func CompareID(a, b ID) int {
	return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
}
