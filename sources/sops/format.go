package sops

import (
	"bytes"
	"path"
	"regexp"
	"strings"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/config"
	"github.com/getsops/sops/v3/stores/dotenv"
	"github.com/getsops/sops/v3/stores/ini"
	"github.com/getsops/sops/v3/stores/json"
	"github.com/getsops/sops/v3/stores/yaml"
)

// What every value that SOPS encrypted begins with.
const encryptedPrefix = "ENC[AES256_GCM,"

// IsEncrypted tells a value that is still encrypted.
func IsEncrypted(value string) bool {
	return strings.HasPrefix(value, encryptedPrefix) && strings.HasSuffix(value, "]")
}

// format is how SOPS wrapped a file.
type format int

const (
	notEncrypted format = iota
	yamlFormat
	jsonFormat
	binaryFormat
	dotenvFormat
	iniFormat
)

// marker finds a format's metadata. A document that merely has a field of its
// own called sops is told apart later, by its MAC.
type marker struct {
	format format
	found  func([]byte) bool
}

func markers() []marker {
	return []marker{
		{iniFormat, regexp.MustCompile(`(?m)^\[sops\]`).Match},
		{dotenvFormat, regexp.MustCompile(`(?m)^sops_\w+=`).Match},
		{jsonFormat, regexp.MustCompile(`\A\s*\{(?s:.*)"sops"\s*:`).Match},
		{yamlFormat, regexp.MustCompile(`(?m)(^|[\s{,"'])sops["']?\s*:`).Match},
	}
}

// detect says how the file is encrypted, if at all. Plain files, nearly all
// there are, cost one scan. .sops.yaml configures the sops program.
func detect(name string, data []byte) format {
	if path.Base(name) == ".sops.yaml" || !bytes.Contains(data, []byte("sops")) || !bytes.Contains(data, []byte("ENC[")) {
		return notEncrypted
	}
	found := notEncrypted
	for _, m := range markers() {
		if m.found(data) {
			found = m.format
			break
		}
	}
	switch path.Ext(name) {
	case ".yaml", ".yml":
		if found == jsonFormat { // JSON is YAML
			return yamlFormat
		}
	case ".json":
	default:
		if found == jsonFormat { // the envelope of any other file
			return binaryFormat
		}
	}
	return found
}

func (f format) store() sops.Store {
	switch f {
	case yamlFormat:
		return yaml.NewStore(&config.YAMLStoreConfig{Indent: 2})
	case jsonFormat:
		return json.NewStore(&config.JSONStoreConfig{Indent: 2})
	case dotenvFormat:
		return dotenv.NewStore(&config.DotenvStoreConfig{})
	case iniFormat:
		return ini.NewStore(&config.INIStoreConfig{})
	default:
		return json.NewBinaryStore(&config.JSONBinaryStoreConfig{Indent: 2})
	}
}
