package kafka

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/nodetest"
)

// BenchmarkDecode shows what one document costs; a large repository has ten
// thousand of them.
func BenchmarkDecode(b *testing.B) {
	for _, kind := range []struct {
		name    string
		decoder reconcile.Decoder
		text    string
	}{{"topic", topicDecoder{}, topicKind().Example}, {"user", userDecoder{}, userKind().Example}} {
		b.Run(kind.name, func(b *testing.B) {
			doc := nodetest.Documents(b, "x.yaml", kind.text)[0]
			b.ReportAllocs()
			for b.Loop() {
				if _, err := kind.decoder.Decode(doc, anySecret{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestAThousandRulesOfOneUserAreOneSet(t *testing.T) {
	var text strings.Builder
	text.WriteString("kind: KafkaUser\napiVersion: kafka.strimzi.io/v1\nmetadata: {name: shop}\nspec:\n  authorization:\n    type: simple\n    acls:\n")
	for i := range 1000 {
		fmt.Fprintf(&text, "    - {resource: {type: topic, name: t%d}, operations: [Read]}\n", i)
	}
	decoded, err := userDecoder{}.Decode(nodetest.Documents(t, "x.yaml", text.String())[0], anySecret{})
	if err != nil || len(decoded.Resources) != 1 || len(decoded.Resources[0].Fields) != 1000 {
		t.Fatalf("decoded %d resources, %v", len(decoded.Resources), err)
	}
}
