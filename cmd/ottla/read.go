package main

import (
	"context"
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

// render decrypts a revision and turns it into documents.
func (r reader) render(ctx context.Context, snap sources.Snapshot) (sources.Rendered, error) {
	var keys *sops.Keys
	if r.keys != nil {
		var err error
		if keys, err = r.keys(); err != nil {
			return sources.Rendered{}, err
		}
	}
	tree := sops.Decrypted(snap.Tree, keys, sops.Options{Placeholders: r.keys == nil})
	return r.renderer.Render(ctx, tree, r.path)
}

// read is what agent.Sync.Read wants.
func (r reader) read(ctx context.Context, snap sources.Snapshot) (reconcile.Declarations, error) {
	rendered, err := r.render(ctx, snap)
	if err != nil {
		return reconcile.Declarations{}, err
	}
	return r.declare(rendered)
}

func (r reader) declare(rendered sources.Rendered) (reconcile.Declarations, error) {
	options := reconcile.DeclareOptions{
		Cluster: r.cluster, Decoders: decoders(), NotOurs: reconcile.NotOurs, Encrypted: sops.IsEncrypted,
		Bags: func(kind string) bool { return kafka.Rules()[kind].Bag },
	}
	if r.encryptedOnly {
		options.Secret = func(doc reconcile.Document) []error { return refusePlain(doc, rendered.Plaintext) }
	}
	declared, err := reconcile.Declare(rendered.Documents, options)
	if err != nil {
		return declared, err
	}
	for _, note := range rendered.Notes {
		declared.Remarks = append(declared.Remarks, reconcile.Remark{Text: note})
	}
	if !r.encryptedOnly {
		declared.Remarks = append(declared.Remarks, remarkPlain(rendered.Plaintext)...)
	}
	return declared, nil
}

// refusePlain is an error for each key of a Secret that stands in Git in plain
// text.
func refusePlain(doc reconcile.Document, plain []sources.PlainSecret) []error {
	var errs []error
	for _, secret := range plain {
		if secret.Origin != doc.Origin {
			continue
		}
		for _, key := range secret.Keys {
			errs = append(errs, reconcile.Mistake{Origin: doc.Origin, Text: fmt.Sprintf(
				"key %s of Secret %s is in plain text (secrets: encrypted-only)", key, doc.Name)})
		}
	}
	return errs
}

func remarkPlain(plain []sources.PlainSecret) []reconcile.Remark {
	var remarks []reconcile.Remark
	for _, secret := range plain {
		remarks = append(remarks, reconcile.Remark{Origin: secret.Origin, Text: fmt.Sprintf(
			"Secret %s is in plain text in the repository: encrypt it with SOPS", secret.Name)})
	}
	return remarks
}
