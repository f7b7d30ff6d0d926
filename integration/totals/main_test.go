package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestFailuresAreShownInFullAndEverythingIsCounted(t *testing.T) {
	var out bytes.Buffer
	tot := newTotals(&out)
	err := tot.read(strings.NewReader(`{"Action":"output","Package":"a","Test":"TestX","Output":"it broke\n"}
{"Action":"fail","Package":"a","Test":"TestX"}
{"Action":"output","Package":"a","Test":"TestY","Output":"all well\n"}
{"Action":"pass","Package":"a","Test":"TestY"}
{"Action":"output","Package":"a","Test":"TestZ","Output":"    z_test.go:1: no java here\n"}
{"Action":"skip","Package":"a","Test":"TestZ"}
{"Action":"fail","Package":"a","Elapsed":1.5}
not JSON
{"Action":"build-output","ImportPath":"b","Output":"b.go:1: undefined\n"}
{"Action":"fail","Package":"b","FailedBuild":"b"}
`))
	if err != nil {
		t.Fatal(err)
	}
	if tot.passed != 1 || tot.failed != 2 || tot.skipped != 1 || tot.reasons[0] != "TestZ: z_test.go:1: no java here" {
		t.Errorf("%+v", tot)
	}
	for _, want := range []string{"it broke", "fail a 1.5s", "not JSON", "undefined"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not shown in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "all well") {
		t.Error("the output of a test that passed is shown")
	}
}
