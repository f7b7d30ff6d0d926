package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

type scriptCommands = map[string]func(*testscript.TestScript, bool, []string)

// withBackups adds what scripts about backups have besides.
func withBackups(all scriptCommands) scriptCommands {
	maps.Copy(all, scriptCommands{"produce": produce, "count": count, "jq": field, "flip": flip, "expand": expand, "settles": settles})
	return all
}

func brokersOwn(ts *testscript.TestScript, opts ...kgo.Opt) *kgo.Client {
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(ts.Getenv("BROKER")), kgo.SASL(scram.Auth{User: "ottla", Pass: brokerPassword}.AsSha512Mechanism()),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
	}, opts...)...)
	ts.Check(err)
	return client
}

// produce writes records, and makes the topic if need be: produce TOPIC PARTITIONS COUNT.
func produce(ts *testscript.TestScript, _ bool, args []string) {
	client := brokersOwn(ts)
	defer client.Close()
	partitions, _ := strconv.Atoi(args[1])
	n, _ := strconv.Atoi(args[2])
	admin := kadm.NewClient(client)
	_, err := admin.CreateTopic(context.Background(), int32(partitions), 1, nil, args[0])
	if err != nil && !strings.Contains(err.Error(), "TOPIC_ALREADY_EXISTS") {
		ts.Check(err)
	}
	var records []*kgo.Record
	for i := range n {
		records = append(records, &kgo.Record{Topic: args[0], Partition: int32(i % partitions), Key: fmt.Appendf(nil, "k%d", i), Value: fmt.Appendf(nil, "v%d", i)})
	}
	ts.Check(client.ProduceSync(context.Background(), records...).FirstErr())
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: args[0], At: 2, LeaderEpoch: -1})
	ts.Check(admin.CommitAllOffsets(context.Background(), "billing", offsets))
}

// count holds that a topic has so many offsets in all: count TOPIC COUNT.
func count(ts *testscript.TestScript, _ bool, args []string) {
	client := brokersOwn(ts)
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(context.Background(), args[0])
	ts.Check(err)
	ts.Check(ends.Error())
	total := int64(0)
	ends.Each(func(o kadm.ListedOffset) { total += o.Offset })
	if fmt.Sprint(total) != args[1] {
		ts.Fatalf("%s holds %d offsets, want %s", args[0], total, args[1])
	}
}

// field holds a field of the JSON on standard output to a value: jq a.0.b VALUE.
func field(ts *testscript.TestScript, _ bool, args []string) {
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
	for part := range strings.SplitSeq(args[0], ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i >= len(at) {
				ts.Fatalf("%s: there is no %s in %d", args[0], part, len(at))
			}
			v = at[i]
		default:
			ts.Fatalf("%s: %v has no fields", args[0], v)
		}
	}
	if got := fmt.Sprint(v); got != args[1] {
		ts.Fatalf("%s is %s, want %s", args[0], got, args[1])
	}
}

// flip turns one bit of the first pack below a directory, or of the first object
// whose name holds a text: flip DIR [TEXT].
func flip(ts *testscript.TestScript, _ bool, args []string) {
	part := append(args, "/packs/")[1]
	done := errors.New("done")
	err := filepath.WalkDir(ts.MkAbs(args[0]), func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(filepath.ToSlash(name), part) {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil || len(data) < 100 {
			return err
		}
		data[80] ^= 1
		ts.Check(os.Chmod(name, 0o600))
		ts.Check(os.WriteFile(name, data, 0o600))
		return done
	})
	if !errors.Is(err, done) {
		ts.Fatalf("no pack below %s: %v", args[0], err)
	}
}

// expand puts the broker and the directory into files: expand FILE...; what is
// called ottla.yaml.more is added to the configuration.
func expand(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		text := strings.NewReplacer("$BROKER", ts.Getenv("BROKER"), "$WORK", ts.Getenv("WORK")).Replace(ts.ReadFile(name))
		if into, more := strings.CutSuffix(name, ".more"); more {
			name, text = into, ts.ReadFile(into)+text
		}
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

// settles repeats a command until it prints a text: settles TEXT ottla ARGS.
func settles(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		_ = ts.Exec(args[1], args[2:]...)
		if strings.Contains(ts.ReadFile("stdout"), args[0]) {
			return
		}
		<-time.After(50 * time.Millisecond)
	}
	ts.Fatalf("%s does not come to say %q:\n%s%s", strings.Join(args[1:], " "), args[0], ts.ReadFile("stdout"), ts.ReadFile("stderr"))
}
