package sops

import (
	"bytes"
	"io/fs"
	"testing"

	"filippo.io/age"
)

// fuzzKeys is the same key in every process that fuzzes, so that seeds can be
// opened by all of them. It opens nothing else.
func fuzzKeys(f *testing.F) (*Keys, string) {
	f.Helper()
	id, err := age.ParseX25519Identity("AGE-SECRET-KEY-" + "1444NXE6A7US32PM6PZ5AYZEJVX7YFDDJPNGT8U66VYS9YMMN8JZQ42WDG2")
	if err != nil {
		f.Fatal(err)
	}
	return &Keys{age: []age.Identity{id}}, id.Recipient().String()
}

// FuzzDecrypt feeds damaged SOPS files of every format: an error or plaintext,
// never a panic, and never anything but the input for a file that is not
// encrypted.
func FuzzDecrypt(f *testing.F) {
	keys, recipient := fuzzKeys(f)
	names := []string{"a.yaml", "a.json", "a.env", "a.ini", "a.txt"}
	formats := []format{yamlFormat, jsonFormat, dotenvFormat, iniFormat, binaryFormat}
	plain := []string{secretText + "---\n" + secretText, `{"a": {"b": [1, "x"]}}`, "A=b\n", "[a]\nb = c\n", "text"}
	for i := range formats {
		f.Add(i, seal(f, formats[i], plain[i], forAge(f, recipient)))
	}
	f.Add(0, []byte("sops:\n  mac: ENC[AES256_GCM,data:a,iv:b,tag:c,type:str]\n  age: [{enc: x}]\n"))
	f.Add(0, []byte("a: &a [*a]\nsops: {mac: ENC[}\n"))
	f.Fuzz(func(t *testing.T, which int, data []byte) {
		name := names[uint(which)%uint(len(names))]
		for _, o := range []Options{{}, {Placeholders: true}} {
			got, err := fs.ReadFile(Decrypted(tree(map[string][]byte{name: data}), keys, o), name)
			if err == nil && detect(name, data) == notEncrypted && !bytes.Equal(got, data) {
				t.Fatal("a plain file was changed")
			}
		}
	})
}
