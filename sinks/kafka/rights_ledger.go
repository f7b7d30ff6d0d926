package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// KindLedger is what LedgerRights' features are about.
const KindLedger = "Ledger"

// LedgerRights asks the brokers what a ledger in a topic of that name lacks: the
// topic, the consumer group and the transactional id. It changes nothing, and
// disturbs no agent that leads.
func (c *Cluster) LedgerRights(ctx context.Context, name string) ([]Feature, error) {
	topic, err := c.ledgerTopic(ctx, name)
	if err != nil {
		return nil, err
	}
	group, err := c.ledgerGroup(ctx, name)
	if err != nil {
		return nil, err
	}
	id, err := c.ledgerWriter(ctx, name)
	return []Feature{topic, group, id}, err
}

func (c *Cluster) ledgerTopic(ctx context.Context, name string) (Feature, error) {
	f := Feature{Kind: KindLedger, Does: "read and write topic " + name}
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = kmsg.StringPtr(name)
	req := emptyMetadata()
	req.Topics, req.IncludeTopicAuthorizedOperations = append(req.Topics, t), true
	m, err := c.metadata(ctx, req)
	if err != nil {
		return f, fmt.Errorf("ask for rights on the ledger's topic: %w", err)
	}
	for _, t := range m.Topics {
		switch t.ErrorCode {
		case 0:
			f.wants(operations(t.AuthorizedOperations), "topic "+name, kmsg.ACLOperationDescribe, kmsg.ACLOperationRead, kmsg.ACLOperationWrite)
		case kerr.UnknownTopicOrPartition.Code:
			f.Doubt = append(f.Doubt, "it is not there: the first leader creates it, which takes Create, and Describe, Read and Write")
		default:
			f.Lacks = append(f.Lacks, refusal(t.ErrorCode, nil, "Describe on topic "+name))
		}
	}
	return f, nil
}

func (c *Cluster) ledgerGroup(ctx context.Context, name string) (Feature, error) {
	f := Feature{Kind: KindLedger, Does: "elect in group " + name}
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups, req.IncludeAuthorizedOperations = []string{name}, true
	resp, err := req.RequestWith(ctx, c.client)
	if lacks := f.unasked(err, kerr.GroupAuthorizationFailed, "Describe on group "+name); lacks {
		return f, nil
	}
	if err != nil {
		return f, fmt.Errorf("ask for rights on the ledger's group: %w", err)
	}
	for _, g := range resp.Groups {
		switch g.ErrorCode {
		case 0:
			f.wants(operations(g.AuthorizedOperations), "group "+name, kmsg.ACLOperationDescribe, kmsg.ACLOperationRead)
		case kerr.GroupIDNotFound.Code:
			f.Doubt = append(f.Doubt, "nobody was in it yet: it takes Describe and Read")
		default:
			f.Lacks = append(f.Lacks, refusal(g.ErrorCode, nil, "Describe on group "+name))
		}
	}
	return f, nil
}

// unasked notes where brokers do not even say who coordinates: the right is
// missing, or they first make room for what they never had.
func (f *Feature) unasked(err error, refused *kerr.Error, right string) bool {
	switch {
	case errors.Is(err, refused):
		f.Lacks = append(f.Lacks, refusal(refused.Code, nil, right))
	case errors.Is(err, kerr.CoordinatorNotAvailable):
		f.Doubt = append(f.Doubt, right+": no broker coordinates it at the moment")
	default:
		return false
	}
	return true
}

// wants notes which operations are missing.
func (f *Feature) wants(had operations, on string, wanted ...kmsg.ACLOperation) {
	for _, op := range wanted {
		if had.told() && !had.has(op) {
			f.Lacks = append(f.Lacks, fmt.Sprintf("no %s on %s: the ledger cannot be there", operationName(op), on))
		}
	}
}

// ledgerWriter ends a transaction of a producer that never was: brokers look at
// the right before they look at the producer, and nothing is ended.
func (c *Cluster) ledgerWriter(ctx context.Context, name string) (Feature, error) {
	f := Feature{Kind: KindLedger, Does: "write under transactional id " + name}
	req := kmsg.NewPtrEndTxnRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch = name, -1, -1
	resp, err := req.RequestWith(ctx, c.client)
	if lacks := f.unasked(err, kerr.TransactionalIDAuthorizationFailed, "Describe on transactional id "+name); lacks {
		return f, nil
	}
	if err != nil {
		return f, fmt.Errorf("ask for rights on the ledger's transactional id: %w", err)
	}
	switch resp.ErrorCode {
	case kerr.TransactionalIDAuthorizationFailed.Code:
		f.Lacks = append(f.Lacks, fmt.Sprintf("no Write on transactional id %s: the ledger cannot be there", name))
	case 0, kerr.InvalidProducerIDMapping.Code, kerr.InvalidProducerEpoch.Code, kerr.InvalidTxnState.Code:
	default:
		f.Doubt = append(f.Doubt, "Write: "+refusal(resp.ErrorCode, nil, ""))
	}
	return f, nil
}
