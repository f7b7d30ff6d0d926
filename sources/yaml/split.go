package yaml

import "bytes"

// Separators are the offsets of the lines that begin a document (---). Such a
// line is one everywhere: YAML allows it inside no value.
func Separators(data []byte) []int {
	var at []int
	for i := 0; i < len(data); {
		line := data[i:]
		if end := bytes.IndexByte(line, '\n'); end >= 0 {
			line = line[:end+1]
		}
		if IsSeparator(line) {
			at = append(at, i)
		}
		i += len(line)
	}
	return at
}

// IsSeparator tells a line that begins a document, with or without its newline.
func IsSeparator(line []byte) bool {
	line = bytes.TrimRight(line, "\r\n")
	return bytes.HasPrefix(line, []byte("---")) && (len(line) == 3 || line[3] == ' ' || line[3] == '\t')
}
