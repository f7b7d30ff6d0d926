package kustomize

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sources"
)

func backupRefs() []NameRef {
	return []NameRef{{Kind: "KafkaBackup", APIGroup: "kafka.oso.sh", Path: "spec/kafkaCluster/saslSecret/name", Refers: "Secret"}}
}

func render(t testing.TB, tree fs.FS, dir string, o Options) (sources.Rendered, error) {
	t.Helper()
	return New(o).Render(context.Background(), tree, dir)
}

func mustRender(t testing.TB, tree fs.FS, dir string, o Options) sources.Rendered {
	t.Helper()
	out, err := render(t, tree, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// files is a tree of files.
func files(pairs ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1]), Mode: 0o644}
	}
	return m
}

func find(t testing.TB, docs []reconcile.Document, kind, name string) reconcile.Document {
	t.Helper()
	for _, d := range docs {
		if d.Kind == kind && strings.HasPrefix(d.Name, name) {
			return d
		}
	}
	t.Fatalf("no %s %s among %d documents", kind, name, len(docs))
	return reconcile.Document{}
}

// at follows a path of keys.
func at(t testing.TB, n reconcile.Node, keys ...string) reconcile.Node {
	t.Helper()
	for _, k := range keys {
		next, ok := n.Get(k)
		if !ok {
			t.Fatalf("no %s in %v", k, keys)
		}
		n = next
	}
	return n
}

// dump spells documents out, lines included.
func dump(docs []reconcile.Document) string {
	var b strings.Builder
	for _, d := range docs {
		fmt.Fprintf(&b, "%s %s %s/%s %s %v %v\n", d.Origin.Document, d.Origin, d.Namespace, d.Name, d.APIVersion, d.Labels, d.Annotations)
		dumpNode(&b, d.Body, "  ")
	}
	return b.String()
}

func dumpNode(b *strings.Builder, n reconcile.Node, indent string) {
	for _, f := range n.Fields {
		fmt.Fprintf(b, "%s%s@%d: %s %q\n", indent, f.Key, f.Line, f.Value.Kind, f.Value.Text())
		dumpNode(b, f.Value, indent+"  ")
	}
	for _, i := range n.Items {
		fmt.Fprintf(b, "%s- @%d %s %q\n", indent, i.Line, i.Kind, i.Text())
		dumpNode(b, i, indent+"  ")
	}
}

func TestThePublishedBackupLayoutRenders(t *testing.T) {
	tree := os.DirFS("testdata/platform")
	for _, env := range []string{"dev", "staging", "production"} {
		docs := mustRender(t, tree, "overlays/"+env, Options{NameRefs: backupRefs()}).Documents
		secret := find(t, docs, "Secret", "kafka-credentials-")
		if secret.Namespace != "kafka-backup" || secret.Origin.File != "overlays/"+env+"/kustomization.yaml" || secret.Origin.Line != 0 {
			t.Errorf("%s: %+v", env, secret)
		}
		backup := find(t, docs, "KafkaBackup", env+"-backup")
		if backup.Origin.File != "overlays/"+env+"/kafka-backup.yaml" || backup.Origin.Line != 1 || len(backup.Annotations) != 0 {
			t.Errorf("%s: %+v", env, backup)
		}
		find(t, docs, "ConfigMap", "backup-config-")
		if sa := find(t, docs, "ServiceAccount", "kafka-backup-operator"); sa.Origin.String() != "base/operator/service-account.yaml:1" {
			t.Errorf("%s: %v", env, sa.Origin)
		}
		find(t, docs, "Namespace", "kafka-backup")
	}
}

func TestANamedSecretIsFoundUnderItsHashedName(t *testing.T) {
	docs := mustRender(t, os.DirFS("testdata/platform"), "overlays/production", Options{NameRefs: backupRefs()}).Documents
	backup := find(t, docs, "KafkaBackup", "production-backup")
	name := at(t, backup.Body, "spec", "kafkaCluster", "saslSecret", "name").Text()
	if secret := find(t, docs, "Secret", "kafka-credentials-"); name != secret.Name {
		t.Errorf("the backup names %s, the secret is %s", name, secret.Name)
	}
	if tls := at(t, backup.Body, "spec", "kafkaCluster", "tlsSecret", "name"); tls.Text() != "kafka-tls" || tls.Line == 0 {
		t.Errorf("a name of nothing here was changed: %v", tls.Text())
	}
	find(t, docs, "SealedSecret", "kafka-credentials")
	find(t, docs, "ExternalSecret", "kafka-credentials")
}

func TestArgoAndFluxDocumentsAreDocumentsLikeAnyOther(t *testing.T) {
	tree := os.DirFS("testdata/platform")
	argo := mustRender(t, tree, "argocd", Options{}).Documents
	find(t, argo, "Application", "kafka-backup-production")
	find(t, argo, "ApplicationSet", "kafka-backup")
	flux := mustRender(t, tree, "flux", Options{}).Documents
	find(t, flux, "GitRepository", "kafka-backup")
	find(t, flux, "Kustomization", "kafka-backup-production")
}

func TestAPathAboveTheOverlaysNamesThem(t *testing.T) {
	_, err := render(t, os.DirFS("testdata/platform"), "", Options{})
	var hint *sources.HintError
	if !errors.As(err, &hint) || !strings.Contains(err.Error(), "overlays/production") || !strings.Contains(hint.Hint, "path") {
		t.Errorf("got %v", err)
	}
}

func TestRenderingTwiceGivesTheSame(t *testing.T) {
	tree := os.DirFS("testdata/platform")
	for _, dir := range []string{"overlays/production", "argocd"} {
		one := dump(mustRender(t, tree, dir, Options{NameRefs: backupRefs()}).Documents)
		two := dump(mustRender(t, tree, dir, Options{NameRefs: backupRefs()}).Documents)
		if one != two || one == "" {
			t.Errorf("%s renders differently the second time", dir)
		}
	}
}
