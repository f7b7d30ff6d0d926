package sops

import (
	"errors"
	"slices"

	"github.com/getsops/sops/v3"
)

// plaintext decrypts a file of the given format.
func (o opener) plaintext(f format, data []byte) (plain []byte, err error) {
	err = guard(func() error {
		if f == yamlFormat {
			plain, err = o.yaml(data)
			return err
		}
		plain, err = o.whole(f.store(), data)
		return err
	})
	return plain, err
}

// whole decrypts a file that is one tree and writes it as sops would.
func (o opener) whole(store sops.Store, data []byte) ([]byte, error) {
	tree, err := store.LoadEncryptedFile(data)
	if err != nil {
		return nil, errMetadata
	}
	before := listLeaves(tree.Branches...)
	if err := o.open(&tree); err != nil {
		return nil, err
	}
	return o.emit(store, tree.Branches, before)
}

// emit writes what was decrypted. The text as a whole was encrypted if any
// value in it was.
func (o opener) emit(store sops.Store, branches sops.TreeBranches, before []any) ([]byte, error) {
	plain, err := store.EmitPlainFile(branches)
	if err != nil {
		return nil, errors.New("what was decrypted cannot be written in the file's own format")
	}
	if slices.ContainsFunc(before, wasEncrypted) {
		o.seen(string(plain))
	}
	return plain, nil
}

var errMetadata = errors.New("its SOPS metadata is incomplete or damaged (recipients, lastmodified, mac): encrypt it again with sops")
