package kafka

import (
	"encoding/binary"
	"fmt"
	"net"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// heldConn is a connection that asks whether we may before each request that
// changes something. It is the last place before the bytes leave: whatever
// stopped us before (a paused process, a slow login), it is asked after that.
type heldConn struct {
	net.Conn
	hold func() error
}

// Write sends one request, as the client writes them: whole.
func (c *heldConn) Write(request []byte) (int, error) {
	if alters(request) {
		if err := c.hold(); err != nil {
			return 0, &unsentError{fmt.Errorf("a change is kept from leaving: %w", err)}
		}
	}
	return c.Conn.Write(request)
}

// Close drops what has not left yet: it must not arrive after others took over.
func (c *heldConn) Close() error {
	under := c.Conn
	if t, ok := under.(interface{ NetConn() net.Conn }); ok {
		under = t.NetConn()
	}
	if tcp, ok := under.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a connection that is gone already has nothing to drop
	}
	return c.Conn.Close()
}

// requestHeader is size, key, version and correlation id.
const requestHeader = 4 + 2 + 2 + 4

// alters tells a request that changes something on the brokers. One that is
// only to be validated does not.
func alters(request []byte) bool {
	if len(request) < requestHeader {
		return false
	}
	key := kmsg.Key(int16(binary.BigEndian.Uint16(request[4:]))) //nolint:gosec // two bytes of the protocol
	return slices.Contains(alteringKeys(), key) && !onlyValidates(key, request)
}

func alteringKeys() []kmsg.Key {
	return []kmsg.Key{
		kmsg.Produce, kmsg.OffsetCommit, kmsg.CreateTopics, kmsg.DeleteTopics, kmsg.DeleteRecords, kmsg.EndTxn, kmsg.TxnOffsetCommit,
		kmsg.CreateACLs, kmsg.DeleteACLs, kmsg.AlterConfigs, kmsg.AlterReplicaLogDirs, kmsg.CreatePartitions, kmsg.DeleteGroups,
		kmsg.ElectLeaders, kmsg.IncrementalAlterConfigs, kmsg.AlterPartitionAssignments, kmsg.OffsetDelete, kmsg.AlterClientQuotas,
		kmsg.AlterUserSCRAMCredentials, kmsg.UpdateFeatures,
	}
}

// onlyValidates reads a request back, for those that know validate_only. What
// cannot be read is taken for a change.
func onlyValidates(key kmsg.Key, request []byte) bool {
	switch key {
	case kmsg.CreateTopics, kmsg.CreatePartitions, kmsg.IncrementalAlterConfigs, kmsg.AlterConfigs, kmsg.AlterClientQuotas:
	default:
		return false
	}
	req := kmsg.RequestForKey(key.Int16())
	req.SetVersion(int16(binary.BigEndian.Uint16(request[6:]))) //nolint:gosec // two bytes of the protocol
	body, ok := bodyOf(request[requestHeader:], req.IsFlexible())
	if !ok || req.ReadFrom(body) != nil {
		return false
	}
	switch r := req.(type) {
	case *kmsg.CreateTopicsRequest:
		return r.ValidateOnly
	case *kmsg.CreatePartitionsRequest:
		return r.ValidateOnly
	case *kmsg.IncrementalAlterConfigsRequest:
		return r.ValidateOnly
	case *kmsg.AlterConfigsRequest:
		return r.ValidateOnly
	case *kmsg.AlterClientQuotasRequest:
		return r.ValidateOnly
	}
	return false
}

// bodyOf skips the client id, and the header's tags, of which a client has none.
func bodyOf(rest []byte, flexible bool) ([]byte, bool) {
	if len(rest) < 2 {
		return nil, false
	}
	skip := 2 + max(int(int16(binary.BigEndian.Uint16(rest))), 0) //nolint:gosec // -1 is no client id
	if flexible {
		skip++
	}
	if len(rest) < skip || flexible && rest[skip-1] != 0 {
		return nil, false
	}
	return rest[skip:], true
}
