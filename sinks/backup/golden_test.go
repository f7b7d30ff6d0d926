package backup

import (
	"flag"
	"testing"

	"github.com/ottla-io/ottla/reconcile/nodetest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestDocumentsAreReadStrictlyAndNoted(t *testing.T) {
	nodetest.Golden(t, "testdata/*.txtar", Decoders(), *update)
}

func TestEveryKindIsDescribed(t *testing.T) {
	nodetest.Kinds(t, Documents(), Decoders())
}
