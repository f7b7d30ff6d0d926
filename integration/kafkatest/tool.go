package kafkatest

import "testing"

// Tool runs one of Kafka's own tools by its class, such as
// kafka.tools.DumpLogSegments, and returns what it prints.
func (c *Cluster) Tool(t testing.TB, class string, args ...string) string {
	t.Helper()
	out, err := c.Nodes[0].java(t.Context(), append([]string{"-XX:TieredStopAtLevel=1", class}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", class, args, err, out)
	}
	return string(out)
}
