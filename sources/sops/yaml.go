package sops

import (
	"errors"

	"github.com/getsops/sops/v3"
)

// section is one document of a YAML file, with its text.
type section struct {
	text   []byte // its lines, the separator before it included
	branch sops.TreeBranch
	mac    string // "" where it is not encrypted
}

// yaml decrypts the documents of a file. Those that bear the same MAC were
// encrypted together and are checked together.
func (o opener) yaml(data []byte) ([]byte, error) {
	sections, err := split(data)
	if err != nil {
		return nil, err
	}
	done := make(map[string]bool)
	for i, s := range sections {
		if s.mac == "" || done[s.mac] {
			continue
		}
		done[s.mac] = true
		if err := o.group(sections[i:], s.mac); err != nil {
			return nil, err
		}
	}
	var out []byte
	for _, s := range sections {
		out = append(out, s.text...)
	}
	return out, nil
}

// group opens all sections with this MAC as one tree and puts their plaintext
// in place.
func (o opener) group(sections []section, mac string) error {
	var members []int
	var encrypted [][]any
	tree := sops.Tree{}
	for i, s := range sections {
		if s.mac != mac {
			continue
		}
		members = append(members, i)
		tree.Branches = append(tree.Branches, s.branch)
	}
	if err := extractMetadata(&tree); err != nil {
		return err
	}
	for _, branch := range tree.Branches {
		encrypted = append(encrypted, listLeaves(branch))
	}
	if err := o.open(&tree); err != nil {
		return err
	}
	for n, i := range members {
		plain, err := o.section(sections[i].text, encrypted[n], tree.Branches[n])
		if err != nil {
			return err
		}
		sections[i].text = plain
	}
	return nil
}

func listLeaves(branches ...sops.TreeBranch) []any {
	var list []any
	for _, branch := range branches {
		leaves(branch, func(v any) { list = append(list, v) })
	}
	return list
}

// section is the plaintext of one document: in place where it is one that
// people would look up by line, else as sops writes it.
func (o opener) section(text []byte, before []any, branch sops.TreeBranch) ([]byte, error) {
	if isDocument(branch) {
		if plain, ok := inPlace(text, before, listLeaves(branch)); ok && sameValues(plain, branch) {
			return plain, nil
		}
	}
	plain, err := o.emit(yamlFormat.store(), sops.TreeBranches{branch}, before)
	if err != nil {
		return nil, err
	}
	if !isDocument(branch) {
		return withSeparator(text, plain), nil
	}
	return padded(text, plain), nil
}

func isDocument(branch sops.TreeBranch) bool {
	var version, kind bool
	for _, item := range branch {
		version = version || item.Key == "apiVersion"
		kind = kind || item.Key == "kind"
	}
	return version && kind
}

var errYAML = errors.New("it is not valid YAML")
