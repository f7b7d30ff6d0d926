package kustomize

import (
	"encoding/base64"
	"io/fs"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sources"
)

// plaintextSecrets lists the Secrets of which a value stands unencrypted in
// Git. The tree knows what it decrypted; a tree that decrypts nothing has only
// plain ones.
func plaintextSecrets(tree fs.FS, docs []reconcile.Document) []sources.PlainSecret {
	was := func(value string) bool { return value == "" }
	if decrypts, ok := tree.(interface{ WasEncrypted(value string) bool }); ok {
		was = decrypts.WasEncrypted
	}
	var found []sources.PlainSecret
	for _, d := range docs {
		if d.Type() != "v1/Secret" {
			continue
		}
		if keys := plainKeys(d.Body, was); len(keys) > 0 {
			found = append(found, sources.PlainSecret{Name: d.Name, Origin: d.Origin, Keys: keys})
		}
	}
	return found
}

// plainKeys lists the keys whose values were not encrypted in Git.
func plainKeys(secret reconcile.Node, was func(string) bool) []string {
	var keys []string
	data, _ := secret.Get("data")
	for _, f := range data.Fields {
		if !was(f.Value.Text()) && !decodedWas(f.Value.Text(), was) {
			keys = append(keys, f.Key)
		}
	}
	texts, _ := secret.Get("stringData")
	for _, f := range texts.Fields {
		if !was(f.Value.Text()) {
			keys = append(keys, f.Key)
		}
	}
	return keys
}

// decodedWas looks at what a generator encoded: it holds whole files, in base64.
func decodedWas(text string, was func(string) bool) bool {
	decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	return err == nil && was(string(decoded))
}
