package work

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ottla-io/ottla/reconcile"
)

func text(v any) string { return fmt.Sprintf("%v", v) }

func TestAJobThatIsOverSaysAllThatItHasToSayInOneLine(t *testing.T) {
	r := record{Text: []string{"group billing is set in 3 partitions", "group live has 1 members"}}
	if got := newJob(reconcile.ID{}, r, time.Now, nil).view().Text; got != "group billing is set in 3 partitions; group live has 1 members" {
		t.Errorf("it says %q", got)
	}
	r.Text = slices.Repeat([]string{"one topic"}, 5000)
	if got := newJob(reconcile.ID{}, r, time.Now, nil).view().Text; !strings.HasSuffix(got, "; and 4990 more") || len(got) > 200 {
		t.Errorf("of many lines it says %q", got)
	}
}
