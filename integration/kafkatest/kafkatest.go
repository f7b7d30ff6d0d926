// Package kafkatest starts a real Apache Kafka for tests: one combined broker
// and controller, or several, on free ports of 127.0.0.1, with the authorizer
// on and a listener for each way to log in.
//
//	func TestMain(m *testing.M) { kafkatest.Main(m) }
//
//	func TestSomething(t *testing.T) {
//		cluster := kafkatest.Shared(t)          // one for the whole test binary
//		topic := kafkatest.Prefix(t) + "orders" // so that tests do not meet
//	}
//
// A test that restarts brokers or sets their properties calls Start and has a
// cluster of its own. Where Java or Maven is missing the test is skipped with
// a sentence that says so, except under OTTLA_REQUIRE_REAL=1, which makes that
// a failure. Kafka's jars are fetched once into the user's cache folder.
package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Options says what Start starts. The zero Options are one broker.
type Options struct {
	Nodes      int               // combined brokers and controllers; 0 is one
	Properties map[string]string // added to every node's server.properties
	MutualTLS  bool              // the SSL listener refuses clients without a certificate
	Beyond     string            // host:port of one more PLAINTEXT listener of a single node, for clients of another network
}

// Cluster is a running Kafka cluster.
type Cluster struct {
	ID    string
	Nodes []*Node
	ca    *authority
	dir   string
}

// startTimeout bounds fetching, formatting and starting.
const startTimeout = 3 * time.Minute

// Start starts a cluster that belongs to this test and ends with it.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	c, err := start(ctx, t.TempDir(), o)
	if err != nil {
		unavailable(t, err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			c.show(t)
		}
		if err := c.Stop(); err != nil {
			t.Errorf("stop the cluster: %v", err)
		}
	})
	return c
}

// unavailable skips the test where the machine lacks something.
func unavailable(t testing.TB, err error) {
	t.Helper()
	var missing *missingError
	if errors.As(err, &missing) && os.Getenv("OTTLA_REQUIRE_REAL") != "1" {
		t.Skip(missing.what)
	}
	t.Fatalf("start a real Kafka: %v", err)
}

// start tries again where somebody took one of the ports in the meantime.
func start(ctx context.Context, dir string, o Options) (*Cluster, error) {
	if err := needed("java"); err != nil {
		return nil, err
	}
	folder, err := jars(ctx)
	if err != nil {
		return nil, err
	}
	const tries = 3
	for try := range tries {
		var c *Cluster
		c, err = startOnce(ctx, filepath.Join(dir, fmt.Sprint(try)), folder, o)
		if err == nil {
			return c, nil
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, err
}

func startOnce(ctx context.Context, dir, jars string, o Options) (*Cluster, error) {
	ca, err := newAuthority()
	if err != nil {
		return nil, err
	}
	c := &Cluster{ID: clusterID(), ca: ca, dir: dir}
	if err := c.place(jars, max(o.Nodes, 1)); err != nil {
		return nil, err
	}
	if err := c.boot(ctx, o); err != nil {
		logs := c.logs()
		return nil, fmt.Errorf("%w\n%s", errors.Join(err, c.Stop()), logs)
	}
	return c, nil
}

// place gives every node its ports and its folder.
func (c *Cluster) place(jars string, nodes int) error {
	const listeners = 4
	free, err := freePorts(listeners * nodes)
	if err != nil {
		return err
	}
	for i := range nodes {
		p := free[i*listeners:]
		n := &Node{id: i + 1, jars: jars, dir: filepath.Join(c.dir, fmt.Sprint(i+1)), ports: ports{p[0], p[1], p[2], p[3]}}
		if err := os.MkdirAll(n.dir, 0o700); err != nil {
			return fmt.Errorf("make the broker's folder: %w", err)
		}
		c.Nodes = append(c.Nodes, n)
	}
	return nil
}

// boot formats and starts all nodes at once and waits until they answer.
func (c *Cluster) boot(ctx context.Context, o Options) error {
	errs := make([]error, len(c.Nodes))
	var wg sync.WaitGroup
	for i, n := range c.Nodes {
		wg.Go(func() {
			if errs[i] = c.write(n, o); errs[i] != nil {
				return
			}
			if errs[i] = n.format(ctx, c.ID); errs[i] == nil {
				errs[i] = n.Start()
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return c.Wait(ctx)
}

// Stop ends every node.
func (c *Cluster) Stop() error { return c.all((*Node).Stop) }

// Kill9 ends every node as a power cut would.
func (c *Cluster) Kill9() error { return c.all((*Node).Kill9) }

// Restart starts the nodes that have ended and waits until all answer.
func (c *Cluster) Restart(ctx context.Context) error {
	for _, n := range c.Nodes {
		if n.running() {
			continue
		}
		if err := n.Start(); err != nil {
			return err
		}
	}
	return c.Wait(ctx)
}

func (c *Cluster) all(do func(*Node) error) error {
	errs := make([]error, len(c.Nodes))
	var wg sync.WaitGroup
	for i, n := range c.Nodes {
		wg.Go(func() { errs[i] = do(n) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (c *Cluster) logs() string {
	var text string
	for _, n := range c.Nodes {
		text += fmt.Sprintf("--- log of node %d\n%s\n", n.id, n.tail())
	}
	return text
}

func (c *Cluster) show(t testing.TB) { t.Helper(); t.Log(c.logs()) }
