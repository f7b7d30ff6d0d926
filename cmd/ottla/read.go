package main

import (
	"context"
	"encoding/base64"
	"fmt"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/kafka"
	"github.com/ottla-io/ottla/sources"
	"github.com/ottla-io/ottla/sources/sops"
)

// reader turns a snapshot into what it declares: decrypt, render, decode.
type reader struct {
	renderer      sources.Renderer
	keys          func() (*sops.Keys, error) // read at each revision; nil: placeholders stand for secrets
	path          string
	cluster       string // its name, "" takes documents of every cluster
	encryptedOnly bool
}

// opened is a revision on its way: its documents, and the tree that knows what
// was encrypted. The fields are exported because fmt asks no other field how it
// wants to be printed, and documents may hold secrets.
type opened struct {
	Tree     *sops.Tree
	Rendered sources.Rendered
}

func (r reader) open(ctx context.Context, snap sources.Snapshot) (opened, error) {
	var keys *sops.Keys
	if r.keys != nil {
		var err error
		if keys, err = r.keys(); err != nil {
			return opened{}, err
		}
	}
	tree := sops.Decrypted(snap.Tree, keys, sops.Options{Placeholders: r.keys == nil})
	rendered, err := r.renderer.Render(ctx, tree, r.path)
	return opened{tree, rendered}, err
}

// read is what agent.Sync.Read wants.
func (r reader) read(ctx context.Context, snap sources.Snapshot) (reconcile.Declarations, error) {
	o, err := r.open(ctx, snap)
	if err != nil {
		return reconcile.Declarations{}, err
	}
	return r.declare(o)
}

func (r reader) declare(o opened) (reconcile.Declarations, error) {
	options := reconcile.DeclareOptions{
		Cluster: r.cluster, Decoders: decoders(), NotOurs: reconcile.NotOurs, Encrypted: sops.IsEncrypted,
		Bags: func(kind string) bool { return kafka.Rules()[kind].Bag },
	}
	if r.encryptedOnly {
		options.Secret = func(doc reconcile.Document) []error { return refusePlain(doc, o.Tree) }
	}
	declared, err := reconcile.Declare(o.Rendered.Documents, options)
	if err != nil {
		return declared, err
	}
	for _, note := range o.Rendered.Notes {
		declared.Remarks = append(declared.Remarks, reconcile.Remark{Text: note})
	}
	if !r.encryptedOnly {
		declared.Remarks = append(declared.Remarks, remarkPlain(o)...)
	}
	return declared, nil
}

// refusePlain is an error for each key of a Secret that stands in Git in plain
// text.
func refusePlain(doc reconcile.Document, tree *sops.Tree) []error {
	var errs []error
	for _, key := range plainKeys(doc, tree) {
		errs = append(errs, reconcile.Mistake{Origin: doc.Origin, Text: fmt.Sprintf(
			"key %s of Secret %s is in plain text (secrets: encrypted-only)", key, doc.Name)})
	}
	return errs
}

func remarkPlain(o opened) []reconcile.Remark {
	var remarks []reconcile.Remark
	for _, doc := range o.Rendered.Documents {
		if doc.Type() == "v1/Secret" && len(plainKeys(doc, o.Tree)) > 0 {
			remarks = append(remarks, reconcile.Remark{Origin: doc.Origin, Text: fmt.Sprintf(
				"Secret %s is in plain text in the repository: encrypt it with SOPS", doc.Name)})
		}
	}
	return remarks
}

// plainKeys lists the keys whose values were not encrypted in Git. A generated
// Secret holds whole files, in base64.
func plainKeys(doc reconcile.Document, tree *sops.Tree) []string {
	var keys []string
	for _, section := range []string{"data", "stringData"} {
		node, _ := doc.Body.Get(section)
		for _, f := range node.Fields {
			if !wasEncrypted(tree, section, f.Value.Text()) {
				keys = append(keys, f.Key)
			}
		}
	}
	return keys
}

func wasEncrypted(tree *sops.Tree, section, text string) bool {
	if tree.WasEncrypted(text) || sops.IsEncrypted(text) {
		return true
	}
	if section != "data" {
		return false
	}
	plain, err := base64.StdEncoding.DecodeString(text)
	return err == nil && tree.WasEncrypted(string(plain))
}
