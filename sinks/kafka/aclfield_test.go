package kafka

import (
	"strings"
	"testing"
)

func FuzzACLFieldComesBackAsItWas(f *testing.F) {
	f.Add("allow", "topic", "literal", "orders", "read", "*")
	f.Add("deny", "group", "prefixed", "a|b%7C%", "all", "10.0.0.1")
	f.Fuzz(func(t *testing.T, permission, resource, pattern, name, operation, host string) {
		entry := ACLEntry{permission, resource, pattern, name, operation, host}
		field := ACLField(entry)
		if got, err := ParseACLField(field); err != nil || got != entry {
			t.Fatalf("%q became %+v, %v", field, got, err)
		}
	})
}

func TestACLFieldIsSpelledAsPeopleReadIt(t *testing.T) {
	if got := ACLField(ACLEntry{"allow", "topic", "literal", "orders", "read", "*"}); got != "allow|topic|literal|orders|read|*" {
		t.Error(got)
	}
	if got := ACLField(ACLEntry{"allow", "topic", "literal", "a|b%", "read", "*"}); got != "allow|topic|literal|a%7Cb%25|read|*" {
		t.Error(got)
	}
	if _, err := ParseACLField("allow|topic"); err == nil || !strings.Contains(err.Error(), "six parts") {
		t.Error(err)
	}
}
