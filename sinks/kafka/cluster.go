package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Cluster is one Kafka cluster. It is safe for concurrent use.
type Cluster struct {
	client  *kgo.Client
	timeout time.Duration // a broker's own, for carrying out one request
	user    string        // whom we log in as, "" where SASL does not say
	open    bool          // allow.everyone.if.no.acl.found, as we were told
	login   *Options      // where passwords are proven, nil where nowhere
}

// Connect reaches a cluster and makes sure that it answers.
func Connect(ctx context.Context, o Options) (*Cluster, error) { return connect(ctx, o) }

func connect(ctx context.Context, o Options, more ...kgo.Opt) (*Cluster, error) {
	client, err := o.client(more...)
	if err != nil {
		return nil, fmt.Errorf("connect to Kafka: %w", err)
	}
	c := &Cluster{client: client, timeout: o.requestTimeout(), login: o.logins(), open: o.OpenWithoutACL}
	if o.SASL != nil {
		c.user = o.SASL.Username
	}
	if _, err := c.ID(ctx); err != nil {
		client.Close()
		return nil, err
	}
	return c, nil
}

// Close ends all connections.
func (c *Cluster) Close() { c.client.Close() }

// ID is the cluster's own id, as the ledger is bound to it.
func (c *Cluster) ID(ctx context.Context) (string, error) {
	m, err := c.metadata(ctx, emptyMetadata())
	if err != nil {
		return "", c.unreached(err)
	}
	if m.ClusterID == nil || *m.ClusterID == "" {
		return "", errors.New("ask for the cluster id: the brokers have none")
	}
	return *m.ClusterID, nil
}

// Kinds are the live kinds, in the order they are carried out: what others
// stand on comes first.
func (c *Cluster) Kinds() []reconcile.Kind {
	return []reconcile.Kind{&topics{c}, &credentials{c}, &acls{c}, &quotas{c}, &brokers{c}}
}

// emptyMetadata asks for brokers and cluster alone.
func emptyMetadata() *kmsg.MetadataRequest {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{} // nil would ask for all
	req.AllowAutoTopicCreation = false
	return req
}
