package capture

import (
	"slices"
	"strings"
	"testing"
)

func TestSelectMatchesAsFileNamesDo(t *testing.T) {
	topics := []string{"audit.events", "auditXevents", "orders", "orders-eu", "orders.[a]", "__consumer_offsets", "__transaction_state", "__mine", "weird\\*"}
	internal := func(name string) bool { return strings.HasPrefix(name, "__c") || name == "orders-eu" && false }
	for _, c := range []struct {
		name             string
		include, exclude []string
		want             string
	}{
		{"a dot is a dot", []string{"audit.events"}, nil, "audit.events"},
		{"a star is any run", []string{"orders*"}, nil, "orders orders-eu orders.[a]"},
		{"a question mark is one", []string{"audit?events"}, nil, "audit.events auditXevents"},
		{"brackets are brackets", []string{"orders.[a]"}, nil, "orders.[a]"},
		{"a backslash is a backslash", []string{"weird\\?"}, nil, "weird\\*"},
		{"all leaves out what begins with __", []string{"*"}, nil, "audit.events auditXevents orders orders-eu orders.[a] weird\\*"},
		{"__ by name", []string{"__mine"}, nil, "__mine"},
		{"internal by name", []string{"__consumer_offsets"}, nil, "__consumer_offsets"},
		{"__ by a glob that says so", []string{"__*"}, nil, "__consumer_offsets __transaction_state __mine"},
		{"a leading star does not name __", []string{"*mine"}, nil, ""},
		{"exclude wins", []string{"orders*"}, []string{"*-eu"}, "orders orders.[a]"},
		{"exclude of __ by a glob", []string{"__mine"}, []string{"*"}, ""},
		{"none", nil, nil, ""},
		{"the empty glob", []string{""}, nil, ""},
		{"many stars", []string{"*o*r*d*s*"}, nil, "orders orders-eu orders.[a]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := strings.Join(Select(topics, internal, c.include, c.exclude), " ")
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestSelectHidesWhatTheClusterCallsInternal(t *testing.T) {
	internal := func(name string) bool { return name == "state" }
	if got := Select([]string{"state"}, internal, []string{"st*"}, nil); len(got) != 0 {
		t.Errorf("a glob chose %v", got)
	}
	if got := Select([]string{"state"}, internal, []string{"state"}, nil); !slices.Equal(got, []string{"state"}) {
		t.Errorf("its name chose %v", got)
	}
}
