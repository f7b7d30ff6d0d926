package kafka

import (
	"slices"
	"strings"
	"testing"
)

func TestCanonicalConfigMakesEqualWhatMeansTheSame(t *testing.T) {
	tests := []struct {
		key, want string
		spellings []string
	}{
		{"retention.ms", "604800000", []string{"604800000", "6.048e8", "604800000.0", " 604800000 ", "+604800000"}},
		{"retention.ms", "-1", []string{"-1", "-1.0"}},
		{"retention.bytes", "10", []string{"010", "10"}},
		{"retention.bytes", "9223372036854775807", []string{"9223372036854775807"}},
		{"preallocate", "true", []string{"true", "True", "TRUE"}},
		{"min.cleanable.dirty.ratio", "0.5", []string{"0.5", "0.50", ".5", "5e-1"}},
		{"cleanup.policy", "compact,delete", []string{"compact,delete", "delete, compact", "delete,compact,delete"}},
		{"cleanup.policy", "", []string{"", " "}},
		{"compression.type", "zstd", []string{"zstd", " zstd"}},
		{"confluent.value.schema.validation", "True", []string{"True"}},
		{"retention.ms", "a week", []string{"a week"}},
	}
	for _, test := range tests {
		for _, spelling := range test.spellings {
			if got := CanonicalConfig(test.key, spelling); got != test.want {
				t.Errorf("%s %q is spelled %q, want %q", test.key, spelling, got, test.want)
			}
		}
	}
}

func TestConfigValuesNoBrokerTakesAreRefusedInWords(t *testing.T) {
	for _, test := range [][3]string{
		{"retention.ms", "a week", `wants a whole number, is "a week"`},
		{"min.cleanable.dirty.ratio", "half", `wants a number, is "half"`},
		{"preallocate", "yes", `wants true or false, is "yes"`},
		{"cleanup.policy", "compacted", `"compacted" is not one of compact, delete (did you mean "compact"?)`},
		{"compression.type", "lz5", `"lz5" is not one of gzip, lz4, producer, snappy, uncompressed, zstd (did you mean "lz4"?)`},
		{"retention.ms", "-1", ""}, {"cleanup.policy", "compact,delete", ""}, {"message.format.version", "2.8", ""},
	} {
		key, ok := LookupConfig(test[0])
		if got := key.Check(test[1]); !ok || got != test[2] {
			t.Errorf("%s %q: %s, want %s", test[0], test[1], got, test[2])
		}
	}
}

func TestConfigKeysAreSorted(t *testing.T) {
	if !slices.IsSortedFunc(knownConfigKeys, func(a, b ConfigKey) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("LookupConfig needs them sorted")
	}
}
