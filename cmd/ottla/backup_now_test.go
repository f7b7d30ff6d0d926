package main

import (
	"testing"

	"github.com/ottla-io/ottla/sinks/backup"
)

func TestAPointOfADeclaredBackupHoldsWhatItsDocumentSays(t *testing.T) {
	spec := backup.Spec{backup.FieldTopics: "orders*,pay", backup.FieldExclude: "*.tmp", "codec": "lz4", "archive": "48h0m0s"}
	o := nowFlags{topics: []string{"*"}, codec: "none", level: 3, given: func(flag string) bool { return flag == "codec" }}
	o.asDeclared(spec)
	got := o.options(&app{}, &dialed{}, nil, nil)
	if len(got.Topics) != 2 || got.Topics[0] != "orders*" || len(got.Exclude) != 1 || got.Level != 0 || got.Archive.Hours() != 48 {
		t.Errorf("not as declared: %+v", got)
	}
	if got.Codec != "" {
		t.Errorf("--codec none was given, and it is %q", got.Codec)
	}
}
