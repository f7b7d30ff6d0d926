package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/ottla-io/ottla/docs/examples"
)

// buffer may be written by the daemon while a test reads it.
type buffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) has(text string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Contains(b.text.String(), text)
}

// kept is a daemon in this process.
type kept struct {
	t      *testing.T
	dir    string
	log    *buffer
	config string
	http   string
	reload chan os.Signal
	stop   context.CancelFunc
	ended  chan error
}

func startDaemon(t *testing.T) *kept {
	t.Helper()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("SCRAM-SHA-512", "ottla", brokerPassword))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	k := &kept{t: t, dir: t.TempDir(), log: &buffer{}, reload: make(chan os.Signal, 1), ended: make(chan error, 1)}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k.http = listener.Addr().String()
	_ = listener.Close()
	k.config = strings.ReplaceAll(config(k.dir, broker.ListenAddrs()[0]), "127.0.0.1:0", k.http)
	k.write("kafka-password", brokerPassword)
	k.write("demo.agekey", examples.DemoKey())
	k.write("repo/topics.yaml", "apiVersion: kafka.strimzi.io/v1\nkind: KafkaTopic\nmetadata: {name: orders}\nspec: {partitions: 1}\n")
	k.write("ottla.yaml", k.config)
	a := &app{out: k.log, err: k.log, config: filepath.Join(k.dir, "ottla.yaml")}
	c, err := a.loadConfig()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	k.stop = stop
	go func() { k.ended <- newDaemon(a, c).run(ctx, k.reload) }()
	return k
}

func (k *kept) write(name, text string) {
	k.t.Helper()
	file := filepath.Join(k.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		k.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		k.t.Fatal(err)
	}
}

// eventually waits for a condition.
func (k *kept) eventually(what string, is func() bool) {
	k.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if is() {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	k.t.Fatalf("%s does not come; the log is\n%s", what, k.log.text.String())
}

// get asks the listener.
func (k *kept) get(path string) (int, string) {
	response, err := http.Get("http://" + k.http + path) //nolint:gosec,noctx // our own daemon
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	body, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(body)
}

func (k *kept) inSync(sync string) func() bool {
	return func() bool {
		_, body := k.get("/api/v1/status")
		return strings.Contains(body, `"sync": "`+sync+`"`) && strings.Contains(body, `"in-sync"`)
	}
}

func TestADaemonTakesANewConfigurationOnlyIfItStarts(t *testing.T) {
	k := startDaemon(t)
	k.eventually("the first round", k.inSync("test"))

	k.write("ottla.yaml", strings.Replace(k.config, "cluster: test", "clutser: test", 1))
	k.reload <- syscall.SIGHUP
	k.eventually("the refusal", func() bool { return k.log.has("the new configuration is not taken") && k.log.has("clutser") })
	k.write("ottla.yaml", strings.Replace(k.config, "demo.agekey]", "none.agekey]", 1))
	k.reload <- syscall.SIGHUP
	k.eventually("the refusal of a missing key", func() bool { return k.log.has("none.agekey") })
	if code, _ := k.get("/healthz"); code != http.StatusOK {
		t.Error("the old one does not go on")
	}

	k.write("ottla.yaml", strings.Replace(k.config, "- name: test\n    repository", "- name: other\n    repository", 1))
	k.reload <- syscall.SIGHUP
	k.eventually("the new sync", k.inSync("other"))
	if _, metrics := k.get("/metrics"); !strings.Contains(metrics, `sync="other"`) || strings.Contains(metrics, `sync="test"`) {
		t.Error("the metrics are those of the old configuration")
	}
	k.stop()
	if err := <-k.ended; err != nil {
		t.Errorf("stopped with %v", err)
	}
	if code, _ := k.get("/healthz"); code != 0 {
		t.Error("somebody still listens")
	}
}

func TestADaemonThatCannotListenSaysSo(t *testing.T) {
	k := startDaemon(t)
	k.eventually("the first round", k.inSync("test"))
	a := &app{out: k.log, err: k.log, config: filepath.Join(k.dir, "second.yaml")}
	k.write("second.yaml", strings.ReplaceAll(k.config, k.dir+"/state", k.dir+"/second"))
	c, err := a.loadConfig()
	if err != nil {
		t.Fatal(err)
	}
	if err := newDaemon(a, c).run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "listen on "+k.http) {
		t.Errorf("the second one says %v", err)
	}
	k.stop()
	<-k.ended
}
