package reconcile

import (
	"fmt"
	"testing"
)

// tenThousand topics of five fields: as Git wants them, as they live, as the
// ledger has them.
func tenThousand() Input {
	in := Input{Sync: "main", Now: noon, Binding: home, Scope: Scope{Full: true}, State: NewState(), Rules: testRules()}
	section := in.State.Section("main")
	section.Binding = home
	for i := range 10_000 {
		id := ID{"Topic", fmt.Sprintf("topic-%05d", i)}
		fields := map[string]Value{"partitions": TextOf("12")}
		for _, key := range []string{"retention.ms", "cleanup.policy", "compression.type", "max.message.bytes"} {
			fields["config."+key] = TextOf("1000")
		}
		in.Want = append(in.Want, Resource{ID: id, Fields: fields, Origins: map[string][]Origin{"": {{File: "topics.yaml", Line: i}}}})
		in.Have = append(in.Have, Live{ID: id, Fields: fields, Whole: true, UID: id.Name})
		section.Owned[id] = &Owned{Created: true, Cluster: home.Cluster, UID: id.Name, Last: fields}
	}
	return in
}

func BenchmarkDiffOfTenThousandTopicsInSync(b *testing.B) {
	in := tenThousand()
	b.ReportAllocs()
	for b.Loop() {
		if p := Diff(in); len(p.Changes) != 0 {
			b.Fatal("not in sync")
		}
	}
}

func BenchmarkDiffOfTenThousandNewTopics(b *testing.B) {
	in := tenThousand()
	in.Have, in.State = nil, NewState()
	b.ReportAllocs()
	for b.Loop() {
		if p := Diff(in); len(p.Changes) != 10_000 {
			b.Fatal("not all new")
		}
	}
}
