package glob

import (
	"strings"
	"testing"
)

func TestALongGlobDoesNotTakeForEver(t *testing.T) {
	if Match(strings.Repeat("*a", 100)+"b", strings.Repeat("a", 249)) {
		t.Error("it matches")
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("a*b?", "axxbc")
	f.Add("**", "")
	f.Fuzz(func(t *testing.T, glob, name string) {
		if len(glob) > 20 || len(name) > 40 {
			return
		}
		if got, want := Match(glob, name), byDefinition(glob, name); got != want {
			t.Errorf("%q on %q: %t, want %t", glob, name, got, want)
		}
	})
}

// byDefinition says the same by its definition.
func byDefinition(glob, name string) bool {
	if glob == "" {
		return name == ""
	}
	if glob[0] == '*' {
		return byDefinition(glob[1:], name) || name != "" && byDefinition(glob, name[1:])
	}
	return name != "" && (glob[0] == '?' || glob[0] == name[0]) && byDefinition(glob[1:], name[1:])
}

func TestWhatIsHiddenMustBeNamed(t *testing.T) {
	for _, c := range []struct {
		globs    []string
		topic    string
		internal bool
		want     bool
	}{
		{nil, "orders", false, true},
		{nil, "__offsets", false, false},
		{nil, "state", true, false},
		{[]string{"*"}, "__offsets", false, false},
		{[]string{"__*"}, "__offsets", true, true},
		{[]string{"st*"}, "state", true, false},
		{[]string{"state"}, "state", true, true},
	} {
		if got := Among(c.globs, c.topic, c.internal); got != c.want {
			t.Errorf("%v on %s: %t", c.globs, c.topic, got)
		}
	}
}

func TestAGlobThatMatchesNothingIsFound(t *testing.T) {
	if got := Idle([]string{"team/*", "ordres*"}, []string{"team/billing", "orders"}); got != "ordres*" {
		t.Errorf("got %q", got)
	}
	if got := Idle([]string{"*"}, []string{"team/billing"}); got != "" {
		t.Errorf("got %q", got)
	}
}
