package sops

import (
	"bytes"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/stores"

	"github.com/ottla-io/ottla/sources/yaml"
)

// split cuts a YAML file at its document separators. A line that begins with
// three dashes is one everywhere: YAML allows it in no value.
func split(data []byte) ([]section, error) {
	var sections []section
	start := 0
	for _, line := range append(yaml.Separators(data), len(data)) {
		if line == start {
			continue
		}
		s, err := newSection(data[start:line])
		if err != nil {
			return nil, err
		}
		sections, start = append(sections, s), line
	}
	return sections, nil
}

// newSection parses a document only if it may be encrypted.
func newSection(text []byte) (section, error) {
	s := section{text: text}
	if !bytes.Contains(text, []byte("sops")) {
		return s, nil
	}
	branches, err := yamlFormat.store().LoadPlainFile(text)
	if err != nil {
		return s, errYAML
	}
	if len(branches) != 1 {
		return s, nil
	}
	s.branch = branches[0]
	for _, item := range s.branch {
		if item.Key == stores.SopsMetadataKey {
			s.mac = macOf(item.Value, text)
		}
	}
	return s, nil
}

// macOf is the MAC in SOPS metadata. Metadata without one is still a group of
// its own, so that it is refused, where the document has encrypted values; a
// field that is merely called sops is left alone.
func macOf(metadata any, text []byte) string {
	if branch, ok := metadata.(sops.TreeBranch); ok {
		for _, item := range branch {
			if mac, isText := item.Value.(string); item.Key == "mac" && isText && mac != "" {
				return mac
			}
		}
	}
	if bytes.Contains(text, []byte(encryptedPrefix)) {
		return "none"
	}
	return ""
}

func extractMetadata(tree *sops.Tree) error {
	branches, metadata, err := stores.ExtractMetadata(tree.Branches, stores.MetadataOpts{})
	if err != nil {
		return errMetadata
	}
	tree.Branches, tree.Metadata = branches, metadata
	return nil
}
