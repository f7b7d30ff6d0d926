package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/ottla-io/ottla/docs/examples"
)

// TestMain makes the test binary the ottla of the scripts.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"ottla":        func() { os.Exit(start()) },
		"ottla-panics": func() { os.Exit(startPanicking()) },
	})
}

const brokerPassword = "brokers-own-password"

// broker starts a Kafka in this process, with access control.
func broker(t testscript.T, env *testscript.Env) string {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.EnableACLs(),
		kfake.Superuser("SCRAM-SHA-512", "ottla", brokerPassword))
	if err != nil {
		t.Fatal(err)
	}
	env.Defer(c.Close)
	return c.ListenAddrs()[0]
}

func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setUp,
		Cmds:                withBackups(map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "hand": byHand, "platform": platform, "waits": waits, "secretless": secretless, "many": many}),
	})
}

// setUp gives every script a broker, and a configuration for it.
func setUp(env *testscript.Env) error {
	t := env.T()
	address := broker(t, env)
	env.Setenv("BROKER", address)
	env.Setenv("OTTLA_CONFIG", filepath.Join(env.WorkDir, "ottla.yaml"))
	env.Setenv("NO_COLOR", "1")
	env.Setenv("HOME", env.WorkDir)
	files := map[string]string{
		"kafka-password": brokerPassword + "\n",
		"demo.agekey":    examples.DemoKey(),
		"ottla.yaml":     config(env.WorkDir, address),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(env.WorkDir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func config(dir, address string) string {
	return strings.NewReplacer("$DIR", dir, "$BROKER", address).Replace(`stateDir: $DIR/state
socket: $DIR/s.sock
http: {listen: "127.0.0.1:0"}
repositories:
  - {name: platform, url: $DIR/repo, interval: 1s}
clusters:
  - name: test
    bootstrapServers: ["$BROKER"]
    sasl: {mechanism: SCRAM-SHA-512, username: ottla, passwordFile: $DIR/kafka-password}
    allowDeletion: {topics: true}
syncs:
  - name: test
    repository: platform
    path: .
    cluster: test
    interval: 1s
    grace: {topics: 0s}
    sops: {ageKeyFiles: [$DIR/demo.agekey]}
`)
}

// exits runs a command that must end with this code: exits CODE ottla ARGS.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE command args")
	}
	err := ts.Exec(args[1], args[2:]...)
	record(ts)
	code := "0"
	if err != nil {
		code = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if code != args[0] {
		ts.Fatalf("%s: exit %s, want %s", strings.Join(args[1:], " "), code, args[0])
	}
}

// record keeps all that commands print, for secretless.
func record(ts *testscript.TestScript) {
	file, err := os.OpenFile(ts.MkAbs("printed.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	_, err = file.WriteString(ts.ReadFile("stdout") + ts.ReadFile("stderr"))
	ts.Check(errors.Join(err, file.Close()))
}

// waits waits until a file is there: waits FILE.
func waits(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	ts.Fatalf("%s does not come", args[0])
}

// platform copies the example platform: platform DIR.
func platform(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.CopyFS(ts.MkAbs(args[0]), examples.Platform()))
}

// byHand changes a topic's configuration behind Git's back: hand TOPIC KEY VALUE.
func byHand(ts *testscript.TestScript, _ bool, args []string) {
	client, err := kgo.NewClient(kgo.SeedBrokers(ts.Getenv("BROKER")), kgo.SASL(scram.Auth{User: "ottla", Pass: brokerPassword}.AsSha512Mechanism()))
	ts.Check(err)
	defer client.Close()
	answers, err := kadm.NewClient(client).AlterTopicConfigs(context.Background(),
		[]kadm.AlterConfig{{Op: kadm.SetConfig, Name: args[1], Value: &args[2]}}, args[0])
	ts.Check(err)
	ts.Check(answers[0].Err)
}

// startPanicking is ottla with a panic at the step PANIC_AT, which prints all
// that it can get hold of.
func startPanicking() int {
	a := &app{out: os.Stdout, err: os.Stderr}
	a.step = func(name string) {
		if name == os.Getenv("PANIC_AT") {
			panic(fmt.Sprintf("at %s: %+v %#v", name, a, a))
		}
	}
	return a.execute(context.Background(), os.Args[1:])
}

// many makes topics by hand: many COUNT.
func many(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: many COUNT")
	}
	count, err := strconv.Atoi(args[0])
	ts.Check(err)
	cl, err := kgo.NewClient(kgo.SeedBrokers(ts.Getenv("BROKER")), kgo.SASL(scram.Auth{User: "ottla", Pass: brokerPassword}.AsSha512Mechanism()))
	ts.Check(err)
	defer cl.Close()
	names := make([]string, count)
	for i := range names {
		names[i] = fmt.Sprintf("team-%d.topic-%d", i%50, i)
	}
	retention := "86400000"
	made, err := kadm.NewClient(cl).CreateTopics(context.Background(), 1, 1, map[string]*string{"retention.ms": &retention}, names...)
	ts.Check(errors.Join(err, made.Error()))
}
