package corpus

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/ottla-io/ottla/integration/kafkatest"
)

func TestMain(m *testing.M) { kafkatest.Main(m) }

func TestTheCorpusHoldsWhatItPromises(t *testing.T) {
	k := kafkatest.Shared(t)
	c := Write(t, k, kafkatest.Prefix(t))
	cl := k.Client(t)
	of := func(suffix string) Partitions {
		t.Helper()
		i := slices.IndexFunc(c.Topics, func(n string) bool { return strings.HasSuffix(n, suffix) })
		if i < 0 {
			t.Fatalf("no topic %s in %v", suffix, c.Topics)
		}
		return Read(t, cl, c.Topics[i])
	}
	for suffix, want := range map[string]int{
		"codecs": 2 * 6 * 3 * 300, "java-snappy": 4000, "nulls": 3 * 25, "headers": 6, "times": 4 + 1001, "big": 4,
		"log-append": 5 + 20*10, "open-transaction": 4, "empty-whole": 0, "empty-partly": 10, "deleted-records": 50, "recreated": 20,
	} {
		if got := of(suffix).Count(); got != want {
			t.Errorf("%s has %d records, want %d", suffix, got, want)
		}
	}
	sum := map[string]int{}
	for _, topic := range c.Topics {
		records := Read(t, cl, topic)
		t.Logf("%-40s %6d records, batches %v", strings.TrimPrefix(topic, c.Prefix), records.Count(), shapes(t, k, topic, sum))
	}
	for _, what := range []string{"hole before", "gaps", "empty", "control", "transactional", "horizon", "log append"} {
		if sum[what] == 0 {
			t.Errorf("no batch in the corpus is of the kind %q", what)
		}
	}
}

func TestDifferencesTellsNullFromEmptyAndOrderFromContent(t *testing.T) {
	r := Record{Timestamp: 1, Key: []byte("k"), Value: []byte("v")}
	null, empty, other := r, r, r
	null.Value, empty.Value, other.Key = nil, []byte{}, []byte("K")
	for name, pair := range map[string][2]Partitions{
		"null and empty": {{0: {null}}, {0: {empty}}},
		"order":          {{0: {r, other}}, {0: {other, r}}},
		"partition":      {{0: {r}}, {1: {r}}},
		"missing":        {{0: {r, r}}, {0: {r}}},
	} {
		if Differences(pair[0], pair[1]) == "" {
			t.Errorf("%s: no difference was seen", name)
		}
		if d := Differences(pair[0], pair[0]); d != "" {
			t.Errorf("%s: the same differs: %s", name, d)
		}
	}
}

// shapes counts what the batches of a log look like.
func shapes(t *testing.T, k *kafkatest.Cluster, topic string, sum map[string]int) map[string]int {
	t.Helper()
	out := map[string]int{}
	for p := range Read(t, k.Client(t), topic) {
		r := reader{cl: k.Client(t), topic: topic, partition: p}
		var err error
		if r.id, err = topicID(t.Context(), r.cl, topic); err != nil {
			t.Fatal(err)
		}
		got, err := r.fetch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		next := int64(-1)
		for b := got.RecordBatches; len(b) >= 61; {
			size := 12 + int(binary.BigEndian.Uint32(b[8:]))
			if size > len(b) {
				break
			}
			first, delta := int64(binary.BigEndian.Uint64(b)), int64(int32(binary.BigEndian.Uint32(b[23:])))
			attributes, n := binary.BigEndian.Uint16(b[21:]), int64(int32(binary.BigEndian.Uint32(b[57:])))
			out["all"]++
			count := func(what string, is bool) {
				if is {
					out[what]++
					sum[what]++
				}
			}
			count("hole before", next >= 0 && first > next)
			count("gaps", n > 0 && n != delta+1)
			count("empty", n == 0)
			count("control", attributes&0x20 != 0)
			count("transactional", attributes&0x10 != 0)
			count("log append", attributes&8 != 0)
			count("horizon", attributes&0x40 != 0)
			next = first + delta + 1
			b = b[size:]
		}
	}
	return out
}
