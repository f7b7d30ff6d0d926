package proof_test

import (
	"testing"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/proof"
	"github.com/ottla-io/ottla/sinks/backup/restore"
)

func TestARestoreIsProvenByDigestsAlone(t *testing.T) {
	equal := []format.Digest{{Topic: "orders", Records: 3, Digest: "aa"}}
	for name, c := range map[string]struct {
		report restore.Report
		passed bool
	}{
		"equal":          {restore.Report{Proof: equal}, true},
		"unequal":        {restore.Report{Proof: equal, Unequal: []string{"orders/1: other records"}}, false},
		"nothing read":   {restore.Report{}, false},
		"something left": {restore.Report{Proof: equal, Left: []string{"group billing has members"}}, false},
	} {
		if e := proof.Restored(format.Identity{Name: "nightly"}, c.report); e.Passed != c.passed || e.Kind != "restore" {
			t.Errorf("%s: %+v", name, e)
		}
	}
}
