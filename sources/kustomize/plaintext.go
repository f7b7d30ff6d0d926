package kustomize

import (
	"encoding/base64"
	"io/fs"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
)

// plaintextSecrets lists the Secrets of which a value stands unencrypted in
// Git. The tree knows what it decrypted; a tree that decrypts nothing has only
// plain ones.
func plaintextSecrets(tree fs.FS, docs []reconcile.Document) []reconcile.Origin {
	decrypts, _ := tree.(interface{ WasEncrypted(value string) bool })
	var found []reconcile.Origin
	for _, d := range docs {
		if d.APIVersion != "v1" || d.Kind != "Secret" {
			continue
		}
		if decrypts == nil && hasValues(d.Body) || decrypts != nil && !allEncrypted(d.Body, decrypts.WasEncrypted) {
			found = append(found, d.Origin)
		}
	}
	return found
}

func hasValues(secret reconcile.Node) bool {
	return !allEncrypted(secret, func(value string) bool { return value == "" })
}

func allEncrypted(secret reconcile.Node, was func(string) bool) bool {
	texts, _ := secret.Get("stringData")
	for _, f := range texts.Fields {
		if !was(f.Value.Text()) {
			return false
		}
	}
	data, _ := secret.Get("data")
	for _, f := range data.Fields {
		decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(f.Value.Text()), ""))
		if !was(f.Value.Text()) && (err != nil || !was(string(decoded))) {
			return false
		}
	}
	return true
}
