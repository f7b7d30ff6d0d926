package groups_test

import (
	"strings"
	"testing"

	"github.com/ottla-io/ottla/sinks/backup/restore/groups"
)

func TestTheGroupThatElectsIsNeverTouched(t *testing.T) {
	for name, err := range map[string]error{
		"commit": groups.Commit(t.Context(), nil, "__ottla_ledger", nil), "forget": groups.Forget(t.Context(), nil, "__ottla_ledger", nil),
	} {
		if err == nil || !strings.Contains(err.Error(), "never touched") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
