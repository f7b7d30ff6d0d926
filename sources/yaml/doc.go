// Package yaml turns YAML and JSON text into nodes that remember their lines,
// and nodes into documents. It is the one place that knows a YAML parser; what
// a document means is for the decoders.
//
// How text is read:
//
//   - Kinds follow the YAML 1.2 core schema, as kustomize reads it: yes, no, on
//     and off are strings, whether a document is read here or comes out of
//     kustomize. A date is a string.
//   - A scalar keeps the text as it was written. Whole numbers in another base
//     or with underscores (0644, 0x1f, 1_000) are the exception: they become the
//     decimal number that Kubernetes would see, so that nobody below has to know.
//   - Anchors, aliases and merge keys are resolved, within a bound.
//   - A key given twice, a key that is not a string and any tag outside the core
//     schema are errors.
//   - Lines are those of the file, also where only a part of it is parsed.
//
// No error holds a value: the text may be decrypted.
package yaml
