package work

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/kafka"
)

// means are the secrets that a document brought along.
type means map[string]reconcile.Value

// secret reads a means at each use, nil where the document brought none.
func (m means) secret(name string) func() (string, error) {
	v, ok := m[name]
	if !ok {
		return nil
	}
	return func() (string, error) {
		text, ok := v.Plaintext()
		if !ok {
			return "", fmt.Errorf("%s: the secret is not at hand", name)
		}
		return text, nil
	}
}

// below are the means below a prefix, without it.
func (m means) below(prefix string) means {
	out := means{}
	for name, v := range m {
		if rest, ok := strings.CutPrefix(name, prefix+"."); ok {
			out[rest] = v
		}
	}
	return out
}

// same tells whether another document's secrets are these.
func (m means) same(other means) bool {
	return maps.EqualFunc(m, other, func(a, b reconcile.Value) bool {
		x, _ := a.Plaintext()
		y, _ := b.Plaintext()
		return x == y
	})
}

func (m means) text(name string) string {
	text, _ := m[name].Plaintext()
	return text
}

// clusterOf finds the configured cluster that a document means, by one of its
// bootstrap servers. A document that names none means the sync's own.
func (s *Service) clusterOf(spec backup.Spec) (Cluster, error) {
	servers := spec.List(backup.FieldCluster)
	for _, c := range s.o.Clusters {
		if len(servers) == 0 && c.Name == s.o.Cluster {
			return c, nil
		}
		if slices.ContainsFunc(c.Options.Brokers, func(b string) bool {
			return slices.ContainsFunc(servers, func(server string) bool { return strings.EqualFold(server, b) })
		}) {
			return c, nil
		}
	}
	return Cluster{}, fmt.Errorf("no cluster of the agent's configuration has one of the bootstrap servers %s; name it there (clusters)",
		strings.Join(servers, ", "))
}

// dialer opens clients to the cluster that a document means, with its secrets
// where it brought some, and as the configuration says otherwise. A document
// never takes TLS away from a configured cluster.
func (s *Service) dialer(spec backup.Spec, m means) (dial, error) {
	c, err := s.clusterOf(spec)
	if err != nil {
		return nil, err
	}
	o := c.Options
	if password := m.secret("kafka.password"); password != nil && spec["cluster.mechanism"] != "" {
		o.SASL = &kafka.SASL{Mechanism: kafka.Mechanism(spec["cluster.mechanism"]), Username: m.text("kafka.username"), Password: password}
	}
	protocol := spec["cluster.securityProtocol"]
	if ca, certificate := m.secret("kafka.ca"), m.secret("kafka.certificate"); ca != nil || certificate != nil {
		o.TLS = &kafka.TLS{CA: ca, Certificate: certificate, Key: m.secret("kafka.key")}
	} else if o.TLS == nil && strings.HasSuffix(protocol, "SSL") {
		o.TLS = &kafka.TLS{}
	}
	return func(ctx context.Context) (*kgo.Client, error) { return s.dial(ctx, o) }, nil
}

// clusterIDs remembers who answered, for a little while.
type clusterIDs struct {
	mu    sync.Mutex
	known map[string]knownID
}

type knownID struct {
	id string
	at time.Time
}

// idFor is how long an answer counts: an address may lead elsewhere tomorrow.
const idFor = time.Minute

// sourceID is the id of the cluster that a document copies from, or what the
// document calls it.
func (s *Service) sourceID(ctx context.Context, spec backup.Spec, m means) (string, error) {
	if spec[backup.FieldSource] != "" {
		return spec[backup.FieldSource], nil
	}
	return s.clusterID(ctx, spec, m)
}

// clusterID is the id of the cluster that a document works on.
func (s *Service) clusterID(ctx context.Context, spec backup.Spec, m means) (string, error) {
	c, err := s.clusterOf(spec)
	if err != nil {
		return "", err
	}
	s.ids.mu.Lock()
	defer s.ids.mu.Unlock()
	if k, ok := s.ids.known[c.Name]; ok && s.o.Now().Sub(k.at) < idFor {
		return k.id, nil
	}
	open, err := s.dialer(spec, m)
	if err != nil {
		return "", err
	}
	id, err := askID(ctx, open)
	if err != nil {
		return "", fmt.Errorf("ask cluster %s for its id: %w", c.Name, err)
	}
	s.ids.known[c.Name] = knownID{id, s.o.Now()}
	return id, nil
}

func askID(ctx context.Context, open dial) (string, error) {
	client, err := open(ctx)
	if err != nil {
		return "", err
	}
	defer client.Close()
	request := kmsg.NewPtrMetadataRequest()
	request.Topics = []kmsg.MetadataRequestTopic{} // nil would ask for all
	answer, err := request.RequestWith(ctx, client)
	if err != nil {
		return "", err
	}
	if answer.ClusterID == nil || *answer.ClusterID == "" {
		return "", errors.New("the brokers have none")
	}
	return *answer.ClusterID, nil
}
