package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
)

func TestAClusterOfTheConfigurationIsRecognisedByAnyOfItsAddresses(t *testing.T) {
	two, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.ClusterID("the-one"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(two.Close)
	other, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ClusterID("another"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	file := filepath.Join(t.TempDir(), "ottla.yaml")
	text := strings.NewReplacer("$DIR", filepath.Dir(file), "$ONE", two.ListenAddrs()[0]).Replace(`stateDir: $DIR/state
repositories: [{name: platform, url: $DIR/repo}]
clusters:
  - {name: away, bootstrapServers: ["127.0.0.1:1"]}
  - {name: test, bootstrapServers: ["$ONE"]}
syncs: [{name: test, repository: platform, path: ., cluster: test}]
`)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, one := range map[string]struct{ config, address, want string }{
		"the same address":                {file, two.ListenAddrs()[0], "test"},
		"another address of it":           {file, two.ListenAddrs()[1], "test"},
		"an address where nobody answers": {file, "127.0.0.1:1", "away"},
		"another cluster":                 {file, other.ListenAddrs()[0], ""},
		"no configuration":                {file + ".none", two.ListenAddrs()[0], ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := &app{out: io.Discard, err: io.Discard, config: one.config}
			target, err := clusterFlags{bootstrap: []string{one.address}, what: "target"}.byAddress()
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if known := a.recognised(context.Background(), target); known.config != nil {
				got = known.config.Name
			}
			if got != one.want {
				t.Errorf("it is %q, want %q", got, one.want)
			}
		})
	}
}

func TestAConfigurationThatCannotBeReadIsSaidWhereItWouldGuard(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ottla.yaml")
	if err := os.WriteFile(file, []byte("clusters: 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	a := &app{out: io.Discard, err: &said, config: file}
	a.recognised(context.Background(), &dialed{brokers: []string{"127.0.0.1:1"}})
	if !strings.Contains(said.String(), "nobody looks whether an agent keeps this cluster") {
		t.Errorf("it says %q", said.String())
	}
}
