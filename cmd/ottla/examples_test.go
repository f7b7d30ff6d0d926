package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ottla-io/ottla/docs/examples"
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sources"
)

// TestTheExampleOfAProofIsCarriedOutAsItIsWrittenAndShowsNoSecret decodes what
// production's overlay says of evidence and of who is told.
func TestTheExampleOfAProofIsCarriedOutAsItIsWrittenAndShowsNoSecret(t *testing.T) {
	key := filepath.Join(t.TempDir(), "demo.agekey")
	if err := os.WriteFile(key, []byte(examples.DemoKey()), 0o600); err != nil {
		t.Fatal(err)
	}
	read := reader{renderer: newRenderer(syncWithKey(key)), keys: keysOf(syncWithKey(key)), path: "overlays/production"}
	declared, err := read.read(t.Context(), sources.Snapshot{Tree: examples.Platform()})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(declared.Resources, func(r reconcile.Resource) bool {
		return r.ID == reconcile.ID{Kind: backup.KindPolicy, Name: "validation/default/shop-weekly"}
	})
	if i < 0 {
		t.Fatal("it declares no validation")
	}
	proof := declared.Resources[i]
	for field, want := range map[string]string{
		backup.FieldRefused: "", backup.FieldSlack: "hooks.slack.com", backup.FieldPagerDuty: "error", backup.FieldPDF: "true",
		backup.FieldEvidence: "s3://shop-audit/kafka", backup.FieldRetention: "17520h0m0s",
	} {
		if got := proof.Fields[field].Text(); got != want {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
	}
	if len(proof.Fields[backup.FieldSigner].Text()) != 44 {
		t.Errorf("signer %q", proof.Fields[backup.FieldSigner].Text())
	}
	for name, v := range proof.Means {
		secret, ok := v.Plaintext()
		if !ok || secret == "" {
			t.Errorf("%s is not at hand", name)
		}
		for _, printed := range panics(&declared) {
			if strings.Contains(printed, secret) {
				t.Errorf("%s is printed", name)
			}
		}
	}
	for _, r := range declared.Remarks {
		if strings.Contains(r.Text, "ignored") {
			t.Errorf("the example has what is of no use: %s", r.Text)
		}
	}
}
