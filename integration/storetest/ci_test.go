package storetest

import (
	"os"
	"strings"
	"testing"
)

func TestTheMachineThatProvesInstallsTheSameVersions(t *testing.T) {
	script, err := os.ReadFile("../../.ci/run")
	if err != nil {
		t.Fatal(err)
	}
	for name, version := range map[string]string{"versitygw": VersitygwVersion, "fakegcs": FakeGCSVersion, "azurite": AzuriteVersion} {
		if !strings.Contains(string(script), "\n"+name+"="+version+"\n") {
			t.Errorf(".ci/run does not say %s=%s", name, version)
		}
	}
}
