package ledger

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	mostReplicas = 3
	minInSync    = "2" // where there are three
	partition    = 0
)

// place is where the ledger is: nowhere if its id is "".
type place struct {
	cluster string // the cluster's own id
	id      string // of the topic
	brokers int
}

// look finds the ledger's topic.
func look(ctx context.Context, client *kgo.Client, topic string) (place, error) {
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = kmsg.StringPtr(topic)
	req := kmsg.NewPtrMetadataRequest()
	req.Topics, req.AllowAutoTopicCreation = append(req.Topics, t), false
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return place{}, fmt.Errorf("look for the ledger's topic %s: %w", topic, err)
	}
	p := place{brokers: len(resp.Brokers)}
	if resp.ClusterID != nil {
		p.cluster = *resp.ClusterID
	}
	if len(resp.Topics) != 1 {
		return p, fmt.Errorf("look for the ledger's topic %s: the answer leaves it out", topic)
	}
	found := resp.Topics[0]
	switch found.ErrorCode {
	case kerr.UnknownTopicOrPartition.Code:
		return p, nil
	case 0, kerr.LeaderNotAvailable.Code, kerr.ReplicaNotAvailable.Code:
	default:
		return p, inWords(fmt.Sprintf("look for the ledger's topic %s", topic), kerr.ErrorForCode(found.ErrorCode))
	}
	if found.TopicID == [16]byte{} {
		return p, fmt.Errorf("the ledger's topic %s has no id: a ledger in Kafka takes brokers of version 2.8 or later", topic)
	}
	if n := len(found.Partitions); n != 1 {
		return p, &Error{fmt.Errorf("the ledger's topic %s has %d partitions, and a ledger has one", topic, n), "it is not a ledger's topic: name another one (ledgerTopic)"}
	}
	p.id = base64.RawURLEncoding.EncodeToString(found.TopicID[:])
	return p, nil
}

// create makes the topic: compacted, replicated as far as there are brokers.
func create(ctx context.Context, client *kgo.Client, topic string, brokers int) error {
	replicas := min(max(brokers, 1), mostReplicas)
	settings := map[string]string{
		"cleanup.policy": "compact", "segment.bytes": "16777216", "min.cleanable.dirty.ratio": "0.1",
		// So that a leader sees by the brokers' clock how old the last record is.
		"message.timestamp.type": "LogAppendTime",
	}
	if replicas == mostReplicas {
		settings["min.insync.replicas"] = minInSync
	}
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = topic, 1, int16(replicas) //nolint:gosec // three at most
	for _, key := range []string{"cleanup.policy", "segment.bytes", "min.cleanable.dirty.ratio", "message.timestamp.type", "min.insync.replicas"} {
		if value, ok := settings[key]; ok {
			t.Configs = append(t.Configs, kmsg.CreateTopicsRequestTopicConfig{Name: key, Value: kmsg.StringPtr(value)})
		}
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Topics = append(req.Topics, t)
	what := "create the ledger's topic " + topic
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	for _, one := range resp.Topics {
		if err := kerr.ErrorForCode(one.ErrorCode); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			return inWords(what, err)
		}
	}
	return nil
}

// inWords says which right is missing where that is so.
func inWords(what string, err error) error {
	for _, refused := range []error{kerr.TopicAuthorizationFailed, kerr.GroupAuthorizationFailed, kerr.TransactionalIDAuthorizationFailed, kerr.ClusterAuthorizationFailed} {
		if errors.Is(err, refused) {
			return &Error{fmt.Errorf("%s: %w", what, err), "give the agent's user the rights that docs/security.md lists for ledger: kafka; ottla check names those that are missing"}
		}
	}
	return fmt.Errorf("%s: %w", what, err)
}

// ensure finds the topic, or makes it where this machine never knew one.
func (l *Ledger) ensure(ctx context.Context, client *kgo.Client) (place, error) {
	p, err := look(ctx, client, l.o.Topic)
	if err != nil || p.id != "" {
		return p, err
	}
	if err := l.lost(p); err != nil {
		return p, err
	}
	if err := create(ctx, client, l.o.Topic, p.brokers); err != nil {
		return p, err
	}
	return l.appears(ctx, client)
}

// appears waits until brokers show a topic that was created.
func (l *Ledger) appears(ctx context.Context, client *kgo.Client) (place, error) {
	ctx, cancel := context.WithTimeout(ctx, l.o.Request)
	defer cancel()
	for {
		p, err := look(ctx, client, l.o.Topic)
		if err != nil || p.id != "" {
			return p, err
		}
		if !pause(ctx, lookEvery) {
			return p, fmt.Errorf("the ledger's topic %s was created, and no broker shows it", l.o.Topic)
		}
	}
}

// lost is an error where this machine knew a topic that is not there any more.
// It is never taken for a ledger that was never there.
func (l *Ledger) lost(p place) error {
	known, err := l.o.Known()
	if err != nil || known == "" || known == p.id {
		return err
	}
	what := fmt.Errorf("%w: topic %s had the id %s", ErrLost, l.o.Topic, known)
	if p.id != "" {
		what = fmt.Errorf("%w: topic %s had the id %s, and now it has %s", ErrLost, l.o.Topic, known, p.id)
	}
	return &Error{what, "nothing is written meanwhile; find out who deleted it, and run: ottla ledger rebuild; everything declared is adopted anew, and nothing will be deleted"}
}

// ErrLost says that the topic that held the ledger is gone.
var ErrLost = errors.New("the ledger is lost")
