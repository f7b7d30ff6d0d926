package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// metadata is asked of the brokers themselves: a client's cache would show
// yesterday's topics.
func (c *Cluster) metadata(ctx context.Context, req *kmsg.MetadataRequest) (*kmsg.MetadataResponse, error) {
	resp, err := req.RequestWith(ctx, c.client)
	if err != nil {
		return nil, err
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return nil, err
	}
	return resp, nil
}

// write asks the controller, or one broker, once. A request that changes
// something is never repeated by the client: its second answer would be about
// its own first try.
func (c *Cluster) write(ctx context.Context, broker string, req kmsg.Request) (kmsg.Response, error) {
	m, err := c.metadata(ctx, emptyMetadata())
	if err != nil {
		return nil, &unsentError{err}
	}
	to := m.ControllerID
	for _, b := range m.Brokers {
		if strconv.Itoa(int(b.NodeID)) == broker {
			to = b.NodeID
		}
	}
	switch {
	case broker != "" && strconv.Itoa(int(to)) != broker:
		return nil, &unsentError{fmt.Errorf("broker %s is not there at the moment", broker)}
	case to < 0:
		return nil, &unsentError{errors.New("the cluster has no controller at the moment")}
	}
	resp, err := c.client.Broker(int(to)).Request(ctx, req)
	if dial := (*net.OpError)(nil); errors.As(err, &dial) && dial.Op == "dial" {
		return nil, &unsentError{err}
	}
	return resp, err
}

// unsentError is a failure before the request left: nothing can have happened.
type unsentError struct{ err error }

func (e *unsentError) Error() string { return "not sent: " + e.err.Error() }
func (e *unsentError) Unwrap() error { return e.err }

// refusal is a broker's answer in words, "" where it agreed. right is what it
// takes, for an answer that says no more than that it is missing.
func refusal(code int16, message *string, right string) string {
	if code == 0 {
		return ""
	}
	e := kerr.TypedErrorForCode(code)
	switch code {
	case kerr.TopicAuthorizationFailed.Code, kerr.ClusterAuthorizationFailed.Code, kerr.GroupAuthorizationFailed.Code, kerr.TransactionalIDAuthorizationFailed.Code:
		return fmt.Sprintf("the right %s is missing (%s)", right, e.Message)
	case kerr.SecurityDisabled.Code:
		return noAuthorizer
	case kerr.TopicDeletionDisabled.Code:
		return "topics cannot be deleted: delete.topic.enable is false on the brokers"
	}
	if message != nil && *message != "" {
		return fmt.Sprintf("%s (%s)", *message, e.Message)
	}
	return fmt.Sprintf("%s (%s)", e.Description, e.Message)
}

// noAuthorizer is said where ACLs mean nothing.
const noAuthorizer = "no authorizer is configured on the brokers"

// offers tells whether the brokers know a request.
func (c *Cluster) offers(ctx context.Context, key int16) (bool, error) {
	resp, err := kmsg.NewPtrApiVersionsRequest().RequestWith(ctx, c.client)
	if err != nil {
		return false, fmt.Errorf("ask for API versions: %w", err)
	}
	return slices.ContainsFunc(resp.ApiKeys, func(k kmsg.ApiVersionsResponseApiKey) bool { return k.ApiKey == key }), nil
}

// explain says where a request failed because the brokers do not know it.
func (c *Cluster) explain(ctx context.Context, err error, req kmsg.Request) error {
	if offered, ask := c.offers(ctx, req.Key()); ask == nil && !offered {
		return fmt.Errorf("the brokers do not offer %s", kmsg.NameForKey(req.Key()))
	}
	return err
}
