package sops

import (
	"bytes"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/getsops/sops/v3"

	"github.com/ottla-io/ottla/sources/yaml"
)

// inPlace writes the plaintext where the encrypted values stand and blanks the
// metadata, so that no line moves. It is false where that cannot be done.
func inPlace(text []byte, before, after []any) ([]byte, bool) {
	if len(before) != len(after) {
		return nil, false
	}
	out := bytes.Clone(text)
	for i, v := range before {
		encrypted, ok := v.(string)
		if !ok || !IsEncrypted(encrypted) {
			continue
		}
		plain, ok := spell(after[i])
		if !ok {
			return nil, false
		}
		if out, ok = replaceScalar(out, encrypted, plain); !ok {
			return nil, false
		}
	}
	return blankMetadata(blankComments(out))
}

// blankComments empties encrypted comments: nobody can read them, and no MAC
// covers them.
func blankComments(text []byte) []byte {
	return regexp.MustCompile(`#ENC\[AES256_GCM,[^\]\n]*\]`).ReplaceAll(text, []byte("#"))
}

// spell writes a value as one line of YAML.
func spell(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return strconv.QuoteToASCII(v), utf8.ValidString(v)
	case int:
		return strconv.Itoa(v), true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		s := strconv.FormatFloat(v, 'e', -1, 64)
		return s, !math.IsInf(v, 0) && !math.IsNaN(v)
	case time.Time:
		return v.Format(time.RFC3339Nano), true
	default:
		return "", false
	}
}

// replaceScalar replaces the one scalar with this text, its quotes included.
func replaceScalar(text []byte, encrypted, plain string) ([]byte, bool) {
	start := bytes.Index(text, []byte(encrypted))
	if start <= 0 {
		return nil, false
	}
	end := start + len(encrypted)
	if q := text[start-1]; (q == '"' || q == '\'') && end < len(text) && text[end] == q {
		start, end = start-1, end+1
	}
	out := make([]byte, 0, len(text)+len(plain))
	out = append(append(append(out, text[:start]...), plain...), text[end:]...)
	return out, true
}

// blankMetadata empties the lines of the top-level sops block.
func blankMetadata(text []byte) ([]byte, bool) {
	var out []byte
	found, inside := false, false
	for _, line := range bytes.SplitAfter(text, []byte("\n")) {
		bare := bytes.TrimRight(line, "\r\n")
		if len(bare) > 0 && bare[0] != ' ' && bare[0] != '#' {
			inside = isMetadataKey(bare)
			found = found || inside
		}
		if inside {
			line = line[len(bare):]
		}
		out = append(out, line...)
	}
	return out, found
}

func isMetadataKey(line []byte) bool {
	for _, key := range []string{"sops:", `"sops":`, "'sops':"} {
		if bytes.HasPrefix(line, []byte(key)) {
			return true
		}
	}
	return false
}

// sameValues proves that the text reads as what was decrypted and checked.
func sameValues(text []byte, want sops.TreeBranch) bool {
	got, err := yamlFormat.store().LoadPlainFile(text)
	return err == nil && len(got) == 1 && reflect.DeepEqual(bare(got[0]), bare(want))
}

// bare is a value without comments.
func bare(value any) any {
	switch v := value.(type) {
	case sops.TreeBranch:
		out := sops.TreeBranch{}
		for _, item := range v {
			if _, comment := item.Key.(sops.Comment); !comment {
				out = append(out, sops.TreeItem{Key: item.Key, Value: bare(item.Value)})
			}
		}
		return out
	case []any:
		out := []any{}
		for _, item := range v {
			if _, comment := item.(sops.Comment); !comment {
				out = append(out, bare(item))
			}
		}
		return out
	default:
		return v
	}
}

// withSeparator keeps the line that begins the document.
func withSeparator(text, plain []byte) []byte {
	if !yaml.IsSeparator(firstLine(text)) {
		return plain
	}
	return append([]byte("---\n"), plain...)
}

// padded gives the plaintext as many lines as the document had, so that the
// next one begins where it did, and lets it begin where its own did.
func padded(text, plain []byte) []byte {
	lines := bytes.Count(text, []byte("\n"))
	out := withSeparator(text, nil)
	rest := text[len(firstLine(text)):]
	if len(out) == 0 {
		rest = text
	}
	for range bytes.Count(rest[:leading(rest)], []byte("\n")) {
		out = append(out, '\n')
	}
	out = append(out, plain[leading(plain):]...)
	for n := bytes.Count(out, []byte("\n")); n < lines; n++ {
		out = append(out, '\n')
	}
	return out
}

// leading is the length of the empty and comment lines a text begins with.
func leading(text []byte) int {
	n := 0
	for n < len(text) {
		line := firstLine(text[n:])
		if trimmed := bytes.TrimSpace(line); len(trimmed) > 0 && trimmed[0] != '#' {
			break
		}
		n += len(line)
	}
	return n
}

func firstLine(text []byte) []byte {
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		return text[:i+1]
	}
	return text
}
