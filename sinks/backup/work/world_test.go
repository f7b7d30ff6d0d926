package work

import (
	"context"
	"crypto/ed25519"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"gocloud.dev/blob"
	"gocloud.dev/blob/memblob"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/store"
	"github.com/ottla-io/ottla/sinks/kafka"
)

// world is a broker in the process, buckets in memory, and a service between
// them. The rounds of an agent are played by the test.
type world struct {
	*testing.T
	kafka *kfake.Cluster
	adm   *kadm.Client
	o     Options
	*Service

	mu      sync.Mutex
	buckets map[string]*blob.Bucket
	down    error            // what opening a store says
	gone    map[string]error // what opening one of them says
	want    map[reconcile.ID]reconcile.Resource
	last    map[reconcile.ID]map[string]reconcile.Value // what the ledger would remember
}

func newWorld(t *testing.T, change ...func(*Options)) *world {
	t.Helper()
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ClusterID("cluster-a"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		T: t, kafka: k, buckets: map[string]*blob.Bucket{},
		want: map[reconcile.ID]reconcile.Resource{}, last: map[reconcile.ID]map[string]reconcile.Value{},
		o: Options{
			Cluster: "main", Clusters: []Cluster{{"main", kafka.Options{Brokers: k.ListenAddrs()}, []string{"orders-ledger"}}}, StateDir: t.TempDir(), Key: key,
			Stores: []Store{{Store: backup.Store{Name: "copies", URL: "s3://copies?region=x"}}, {Store: backup.Store{Name: "final", URL: "s3://final?region=x"}}},
			Writer: "test", AllowPurge: []string{"orders*"}, AllowWebhooks: []string{"*.example.com", "127.0.0.1"},
		},
	}
	for _, c := range change {
		c(&w.o)
	}
	w.adm = kadm.NewClient(w.client())
	w.restart()
	return w
}

func (w *world) client(opts ...kgo.Opt) *kgo.Client {
	w.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(w.kafka.ListenAddrs()...), kgo.MetadataMinAge(10 * time.Millisecond)}, opts...)...)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(cl.Close)
	return cl
}

// restart is a new process: it knows nothing that is not in a bucket or in the
// ledger.
func (w *world) restart() {
	w.Service = New(w.o)
	w.engine.store = func(_ context.Context, o store.Options) (*blob.Bucket, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if err := errors.Join(w.down, w.gone[o.URL]); err != nil {
			return nil, err
		}
		if w.buckets[o.URL] == nil {
			w.buckets[o.URL] = memblob.OpenBucket(nil)
		}
		return blob.PrefixedBucket(w.buckets[o.URL], "p/"), nil // closing it leaves the one below open
	}
}

// away lets one store be out of reach, or come back.
func (w *world) away(url string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone = map[string]error{url: err}
}

// run works until the test or the returned function ends it.
func (w *world) run() (stop func()) {
	ctx, cancel := context.WithCancel(w.Context())
	done := make(chan struct{})
	s := w.Service
	go func() { defer close(done); s.Run(ctx) }()
	stop = func() { cancel(); <-done }
	w.Cleanup(stop)
	return stop
}

// declare is what Git says from now on; no fields take it out.
func (w *world) declare(id reconcile.ID, spec backup.Spec) {
	if spec == nil {
		delete(w.want, id)
		return
	}
	w.want[id] = reconcile.Resource{ID: id, Fields: spec.Fields()}
}

func (w *world) brief() {
	for _, k := range w.Kinds() {
		var all []reconcile.Brief
		for id, r := range w.want {
			if id.Kind == k.Name() {
				all = append(all, reconcile.Brief{ID: id, Want: r, Declared: true, Last: w.last[id]})
			}
		}
		for id, last := range w.last {
			if _, declared := w.want[id]; id.Kind == k.Name() && !declared {
				all = append(all, reconcile.Brief{ID: id, Last: last})
			}
		}
		k.(reconcile.Briefed).Brief(all)
	}
}

// round creates what is declared and not applied, and deletes what was applied
// and is gone, as a round would.
func (w *world) round() {
	w.Helper()
	w.brief()
	for _, k := range w.Kinds() {
		var changes []reconcile.Change
		for id, r := range w.want {
			if id.Kind != k.Name() || w.last[id] != nil {
				continue
			}
			c := reconcile.Change{ID: id, Action: reconcile.Create}
			for name, v := range r.Fields {
				c.Fields = append(c.Fields, reconcile.FieldChange{Name: name, To: v})
			}
			changes = append(changes, c)
		}
		for id := range w.last {
			if _, declared := w.want[id]; id.Kind == k.Name() && !declared {
				changes = append(changes, reconcile.Change{ID: id, Action: reconcile.Delete})
			}
		}
		k.Apply(w.Context(), changes, w.applied)
	}
	w.brief()
}

func (w *world) applied(outcomes ...reconcile.Outcome) {
	for _, o := range outcomes {
		if o.Failed != "" {
			w.Errorf("%s: %s", o.ID, o.Failed)
		}
		r, declared := w.want[o.ID]
		if !declared {
			delete(w.last, o.ID)
			continue
		}
		w.last[o.ID] = r.Fields
	}
}

// observe looks at one thing.
func (w *world) observe(id reconcile.ID) (reconcile.Live, bool, error) {
	w.Helper()
	w.brief()
	for _, k := range w.Kinds() {
		if k.Name() != id.Kind {
			continue
		}
		live, unseen, err := k.Observe(w.Context(), reconcile.Scope{Name: []reconcile.ID{id}})
		switch {
		case err != nil:
			return reconcile.Live{}, false, err
		case len(unseen) > 0:
			return reconcile.Live{}, false, errors.New(unseen[0].Reason)
		case len(live) > 0:
			return live[0], true, nil
		}
	}
	return reconcile.Live{}, false, nil
}

// eventually waits for a job to be as it should be.
func (w *world) eventually(id string, ok func(sinks.Job) bool) sinks.Job {
	w.Helper()
	var all []sinks.Job
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-time.After(5 * time.Millisecond) {
		all = w.Jobs()
		for _, j := range all {
			if j.ID == id && ok(j) {
				return j
			}
		}
	}
	w.Fatalf("%s never was as it should be: %+v", id, all)
	return sinks.Job{}
}

func is(state sinks.JobState) func(sinks.Job) bool {
	return func(j sinks.Job) bool { return j.State == state }
}

func (w *world) topic(name string, values ...string) {
	w.Helper()
	if _, err := w.adm.CreateTopic(w.Context(), 1, 1, nil, name); err != nil {
		w.Fatal(err)
	}
	w.produce(name, values...)
}

func (w *world) produce(topic string, values ...string) {
	w.Helper()
	cl := w.client()
	for _, v := range values {
		if err := cl.ProduceSync(w.Context(), &kgo.Record{Topic: topic, Value: []byte(v)}).FirstErr(); err != nil {
			w.Fatal(err)
		}
	}
}

func policyOf(name string) reconcile.ID {
	return reconcile.ID{Kind: backup.KindPolicy, Name: "default/" + name}
}

func jobOf(does, name string) reconcile.ID {
	return reconcile.ID{Kind: backup.KindJob, Name: does + "/default/" + name}
}

// spec is a backup of all topics, with more fields.
func (w *world) spec(more ...string) backup.Spec {
	s := backup.Spec{backup.FieldDoes: backup.DoesBackup, backup.FieldStorage: "s3://copies", backup.FieldTopics: "*", backup.FieldCluster: w.kafka.ListenAddrs()[0]}
	for i := 0; i < len(more); i += 2 {
		s[more[i]] = more[i+1]
	}
	return s
}
