package work

import (
	"strings"
	"testing"

	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/restore"
)

func TestOnlyWhatTheDocumentNamesIsEmptied(t *testing.T) {
	w := newWorld(t)
	spec := w.spec(backup.FieldTopics, "orders", backup.FieldExisting, "purge")
	for target, says := range map[string]string{"orders": "", "orders-ledger": "does not name it"} {
		err := w.emptied(spec, restore.Plan{Topics: []restore.TopicPlan{{Target: target, Action: "purge"}}})
		if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("%s: %v", target, err)
		}
	}
	if err := w.emptied(spec, restore.Plan{Topics: []restore.TopicPlan{{Target: "other", Action: "create"}}}); err != nil {
		t.Errorf("nothing is emptied: %v", err)
	}
	w.Service.o.AllowPurge = nil
	if err := w.emptied(spec, restore.Plan{Topics: []restore.TopicPlan{{Target: "orders", Action: "purge"}}}); err == nil {
		t.Error("it is not allowed any more, and emptied")
	}
}
