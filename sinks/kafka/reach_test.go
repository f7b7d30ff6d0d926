package kafka_test

import (
	"net"
	"strings"
	"testing"

	"github.com/ottla-io/ottla/sinks/kafka"
)

func TestWhatStandsBetweenUsAndTheBrokersIsOneSentence(t *testing.T) {
	for want, o := range map[string]kafka.Options{
		"no broker answers at 127.0.0.1": {Brokers: []string{deaf(t)}},
		"no brokers":                     {},
	} {
		_, err := kafka.Connect(t.Context(), o)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not said: %v", want, err)
		}
	}
}

// deaf is an address that nobody listens on.
func deaf(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
