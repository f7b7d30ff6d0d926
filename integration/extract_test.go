package integration

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/integration/corpus"
	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/integration/storetest"
	"github.com/ottla-io/ottla/sinks/backup/capture"
	"github.com/ottla-io/ottla/sinks/backup/extract"
)

// extracted are the cases that a tool or a line could spell wrongly.
func extracted() []string {
	return []string{"codecs", "java-snappy", "nulls", "headers", "times", "log-append", "transactions", "compacted", "emptied", "empty", "deleted-records"}
}

func TestExtractIsReadByKafkasOwnTool(t *testing.T) {
	k := kafkatest.Shared(t)
	pre := kafkatest.Prefix(t)
	c := corpus.Write(t, k, pre, extracted()...)
	for name, mode := range map[string]func(*capture.Options){
		"verbatim": nil,
		"repacked": func(o *capture.Options) { o.Mode, o.Codec = capture.Repack, "zstd" },
	} {
		t.Run(name, func(t *testing.T) {
			v := newVault(t, k, bucket(t, storetest.File(t), name), pre)
			r := v.backUp(func(o *capture.Options) { change(o, mode) })
			dir := filepath.Join(t.TempDir(), "out")
			report, err := extract.Segments(t.Context(), extract.Options{Repository: v.repo, Point: r.Point}, dir)
			if err != nil {
				t.Fatal(err)
			}
			got, want := dumped(t, dir), map[string][]string{}
			records := 0
			for _, topic := range c.Topics {
				for p, all := range corpus.Read(t, v.client, topic) {
					place := fmt.Sprintf("%s-%d", topic, p)
					records += len(all)
					for _, one := range all {
						want[place] = append(want[place], shape(one))
					}
				}
			}
			for place := range want {
				if !slices.Equal(got[place], want[place]) {
					t.Errorf("%s: the tool reads %d records, a consumer %d\n%.600s\n%.600s", place, len(got[place]), len(want[place]), strings.Join(got[place], "\n"), strings.Join(want[place], "\n"))
				}
			}
			if report.Records != int64(records) {
				t.Errorf("report %+v, want %d records", report, records)
			}
		})
	}
}

// shape is what kafka-dump-log.sh tells of a record without its bytes.
func shape(r corpus.Record) string {
	size := func(b []byte) int {
		if b == nil {
			return -1
		}
		return len(b)
	}
	return fmt.Sprintf("%d @%d %d=%d", r.Offset, r.Timestamp, size(r.Key), size(r.Value))
}

// dumped is what Kafka's tool reads of all segments, by folder.
func dumped(t *testing.T, dir string) map[string][]string {
	t.Helper()
	var files []string
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	out := kafkatest.Tool(t, kafkatest.DumpLog, "--files", strings.Join(files, ","), "--print-data-log", "--deep-iteration")
	record := regexp.MustCompile(`^\| offset: (\d+) \w+: (-?\d+) keySize: (-?\d+) valueSize: (-?\d+)`)
	got, place := map[string][]string{}, ""
	for line := range strings.Lines(out) {
		if file, ok := strings.CutPrefix(line, "Dumping "); ok {
			place = filepath.Base(filepath.Dir(strings.TrimSpace(file)))
		}
		if strings.HasPrefix(line, "baseOffset:") && !strings.Contains(line, "isvalid: true") {
			t.Errorf("%s: %s", place, line)
		}
		if m := record.FindStringSubmatch(line); m != nil {
			got[place] = append(got[place], fmt.Sprintf("%s @%s %s=%s", m[1], m[2], m[3], m[4]))
		}
	}
	return got
}

func TestExtractedLinesHoldEveryRecord(t *testing.T) {
	k := kafkatest.Shared(t)
	pre := kafkatest.Prefix(t)
	c := corpus.Write(t, k, pre, extracted()...)
	v := newVault(t, k, bucket(t, storetest.File(t), "lines"), pre)
	r := v.backUp()
	var out bytes.Buffer
	report, err := extract.JSON(t.Context(), extract.Options{Repository: v.repo, Point: r.Point}, &out)
	if err != nil {
		t.Fatal(err)
	}
	got := parsed(t, &out)
	records := 0
	for _, topic := range c.Topics {
		want := corpus.Read(t, v.client, topic)
		records += want.Count()
		for p, all := range want {
			if a, b := fmt.Sprintf("%q", got[topic][p]), fmt.Sprintf("%q", all); a != b {
				t.Errorf("%s-%d: %d lines of %d records\n%.500s\n%.500s", topic, p, len(got[topic][p]), len(all), a, b)
			}
		}
	}
	if report.Records != int64(records) {
		t.Errorf("report %+v, want %d records", report, records)
	}
}

// parsed reads lines as somebody would who knows only their description.
func parsed(t *testing.T, lines *bytes.Buffer) map[string]corpus.Partitions {
	t.Helper()
	type spelled struct {
		Key, Value             *string
		KeyBase64, ValueBase64 []byte
	}
	type line struct {
		spelled
		Topic             string
		Partition         int32
		Offset, Timestamp int64
		Headers           []spelled
	}
	pick := func(s *string, b []byte) []byte {
		if s != nil {
			return []byte(*s)
		}
		if utf8.Valid(b) && b != nil {
			t.Errorf("%q is text and stands in base64", b)
		}
		return b
	}
	got := map[string]corpus.Partitions{}
	for in := bufio.NewReader(lines); ; {
		text, err := in.ReadBytes('\n')
		if err != nil {
			return got
		}
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			t.Fatal(err)
		}
		r := corpus.Record{Offset: l.Offset, Timestamp: l.Timestamp, Key: pick(l.Key, l.KeyBase64), Value: pick(l.Value, l.ValueBase64)}
		for _, h := range l.Headers {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: string(pick(h.Key, h.KeyBase64)), Value: pick(h.Value, h.ValueBase64)})
		}
		if got[l.Topic] == nil {
			got[l.Topic] = corpus.Partitions{}
		}
		got[l.Topic][l.Partition] = append(got[l.Topic][l.Partition], r)
	}
}
