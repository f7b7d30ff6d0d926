package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/integration/kafkatest"
)

// shell is a person with the binary, a directory and a bootstrap address: no
// configuration, no agent.
type shell struct {
	t     *testing.T
	dir   string
	store string
	kafka *kafkatest.Cluster
	where []string // of the cluster
	env   []string
}

func newShell(t *testing.T) *shell {
	t.Helper()
	s := &shell{t: t, dir: t.TempDir(), kafka: kafkatest.Shared(t)}
	s.store = filepath.Join(s.dir, "store")
	properties := filepath.Join(s.dir, "client.properties")
	text := fmt.Sprintf("security.protocol=SASL_PLAINTEXT\nsasl.mechanism=SCRAM-SHA-512\n"+
		"sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username=%q password=%q;\n", kafkatest.AdminUser, kafkatest.AdminPassword)
	if err := errors.Join(os.Mkdir(s.store, 0o700), os.WriteFile(properties, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
	s.where = []string{"--bootstrap-server", s.kafka.SASL()[0], "--command-config", properties}
	return s
}

// ottla runs a command on the store, which must end with this code.
func (s *shell) ottla(code int, args ...string) result {
	s.t.Helper()
	path, err := binary()
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	args = append(args, "--store", s.store, "--config", "none")
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), s.env...)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		s.t.Fatalf("ottla %q: %v", args, err)
	}
	r := result{cmd.ProcessState.ExitCode(), out.String(), stderr.String()}
	if r.code != code {
		s.t.Fatalf("ottla %s: exit %d, want %d\n%s\n%s", strings.Join(args, " "), r.code, code, r.out, r.stderr)
	}
	if strings.Contains(r.out+r.stderr, kafkatest.AdminPassword) {
		s.t.Errorf("ottla %s prints the password", strings.Join(args, " "))
	}
	return r
}

// value runs a command that prints JSON.
func (s *shell) value(into any, args ...string) {
	s.t.Helper()
	r := s.ottla(0, append(args, "-o", "json")...)
	if err := json.Unmarshal([]byte(r.out), into); err != nil {
		s.t.Fatalf("ottla %s: %v\n%s", strings.Join(args, " "), err, r.out)
	}
}

func (s *shell) says(r result, all ...string) {
	s.t.Helper()
	for _, text := range all {
		if !strings.Contains(r.out+r.stderr, text) {
			s.t.Errorf("nothing says %q:\n%s\n%s", text, r.out, r.stderr)
		}
	}
}

// fill writes committed and aborted records with keys, headers and tombstones,
// and commits a group in the middle.
func (s *shell) fill(topic string, committed int) {
	s.t.Helper()
	client := s.kafka.Client(s.t, kgo.TransactionalID(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	admin := kadm.NewClient(client)
	if _, err := admin.CreateTopic(s.t.Context(), 3, 1, nil, topic); err != nil {
		s.t.Fatal(err)
	}
	for _, commit := range []kgo.TransactionEndTry{kgo.TryAbort, kgo.TryCommit} {
		var records []*kgo.Record
		for i := range committed {
			r := &kgo.Record{Topic: topic, Partition: int32(i % 3), Key: fmt.Appendf(nil, "k%d", i), Value: fmt.Appendf(nil, "v%d %t", i, commit)}
			if i%10 == 0 {
				r.Value, r.Headers = nil, []kgo.RecordHeader{{Key: "h", Value: nil}, {Key: "h", Value: []byte{0xff}}}
			}
			records = append(records, r)
		}
		err := client.BeginTransaction()
		if err == nil {
			err = client.ProduceSync(s.t.Context(), records...).FirstErr()
		}
		if err == nil {
			err = client.EndTransaction(s.t.Context(), commit)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: topic, Partition: 1, At: int64(committed/3) + 11, LeaderEpoch: -1})
	if err := admin.CommitAllOffsets(s.t.Context(), topic+"-billing", offsets); err != nil {
		s.t.Fatal(err)
	}
}

func TestEveryCommandOfBackupsWorksWithAStoreAndABootstrapAddressAlone(t *testing.T) {
	s := newShell(t)
	topic := kafkatest.Prefix(t) + "orders"
	s.fill(topic, 300)
	now := append([]string{"backup", "now", "--topics", topic}, s.where...)
	s.says(s.ottla(0, now...), "point 1 of default/manual", "300 records", "aborted")

	var list struct {
		Backups []struct {
			Points []struct {
				Number, Records int64
				State           string
			}
		}
	}
	s.value(&list, "backup", "list")
	if p := list.Backups[0].Points; len(p) != 1 || p[0].Records != 300 || p[0].State != "good" {
		t.Errorf("list: %+v", p)
	}
	s.says(s.ottla(0, "backup", "show", "--partitions"), topic, "300", topic+"-billing", "Offsets without a record")
	s.says(s.ottla(0, "backup", "verify", "--read-data"), "300 records read in 3 partitions")
	s.extract(topic)
	s.restore(topic)
	s.drill()
	s.says(s.ottla(0, now...), "new: 0 records")
}

// extract writes segments that Kafka's own tool finds valid.
func (s *shell) extract(topic string) {
	s.t.Helper()
	plain := filepath.Join(s.dir, "plain")
	s.ottla(0, "backup", "extract", "--output", plain)
	segments, err := filepath.Glob(filepath.Join(plain, topic+"-0", "*.log"))
	if err != nil || len(segments) != 1 {
		s.t.Fatalf("segments %q, %v", segments, err)
	}
	dump := kafkatest.Tool(s.t, kafkatest.DumpLog, "--deep-iteration", "--print-data-log", "--files", segments[0])
	if n := strings.Count(dump, "| offset: "); n != 100 || strings.Contains(dump, "isvalid: false") {
		s.t.Errorf("kafka-dump-log reads %d records, want 100:\n%.2000s", n, dump)
	}
}

func (s *shell) restore(topic string) {
	s.t.Helper()
	give := append([]string{"restore", "--rename", topic + "=" + topic + "-copy", "--groups", topic + "-*", "--prove"}, s.where...)
	s.says(s.ottla(2, append(give, "--dry-run")...), "create", "300 records")
	s.says(s.ottla(0, give...), "300 records from point 1", "proven: the record digests of 3 partitions", "group "+topic+"-billing")
	s.says(s.ottla(3, give...), "refused:")
	admin := kadm.NewClient(s.kafka.Client(s.t))
	ends, err := admin.ListEndOffsets(s.t.Context(), topic+"-copy")
	if err != nil {
		s.t.Fatal(err)
	}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset != 100 {
			s.t.Errorf("partition %d ends at %d, want 100", o.Partition, o.Offset)
		}
	})
	// 100 aborted records and their marker stand before the 10 that the group has read.
	committed, err := admin.FetchOffsetsForTopics(s.t.Context(), topic+"-billing", topic+"-copy")
	if err != nil {
		s.t.Fatal(err)
	}
	if at, _ := committed.Lookup(topic+"-copy", 1); at.At != 10 {
		s.t.Errorf("the group is at %d, want 10", at.At)
	}
}

func (s *shell) drill() {
	s.t.Helper()
	evidence := filepath.Join(s.dir, "evidence")
	s.says(s.ottla(0, append([]string{"drill", "--evidence", evidence}, s.where...)...), "passed", "evidence: ")
	pages, _ := filepath.Glob(filepath.Join(evidence, "*.html"))
	if len(pages) != 1 {
		s.t.Errorf("reports: %q", pages)
	}
	s.says(s.ottla(0, "drill"), "It does not prove that a real broker takes it")
}

func TestARestoreThatIsKilledGoesOnWithTheCommandItPrinted(t *testing.T) {
	s := newShell(t)
	topic := kafkatest.Prefix(t) + "orders"
	s.fill(topic, 90)
	s.ottla(0, append([]string{"backup", "now", "--topics", topic}, s.where...)...)
	for _, step := range []int{2, 6, 10} {
		copied := fmt.Sprintf("%s-%d", topic, step)
		give := append([]string{"restore", "--rename", topic + "=" + copied, "--name", copied, "--prove"}, s.where...)
		s.env = []string{fmt.Sprintf("%s=%d", killEnv, step)}
		killed := s.ottla(-1, give...)
		s.env = nil
		s.says(killed, "--name "+copied)
		s.says(s.ottla(0, give...), "proven")
		s.says(s.ottla(0, give...), "proven")
	}
}
