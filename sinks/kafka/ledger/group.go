package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	protocolType = "consumer"
	protocolName = "ottla-lead"
)

// member is one membership of the consumer group that elects. It is a plain
// member of the classic protocol, so that every tool shows it; the partition
// stays with whoever leads already.
type member struct {
	client  *kgo.Client
	o       Options
	id      string
	epoch   int32
	leading bool
	answer  time.Time // when the group last answered: the question's own time
}

// candidate is what a member says of itself.
type candidate struct {
	Agent   string `json:"agent"`
	Host    string `json:"host"`
	Leading bool   `json:"leading"`
}

// join takes part in an election, and says whether we won. It waits for the
// others, as long as they are given.
func (m *member) join(ctx context.Context) (elected bool, err error) {
	for {
		resp, asked, err := m.enter(ctx)
		if err != nil {
			return false, err
		}
		won, err := m.assigned(ctx, resp)
		switch {
		case errors.Is(err, kerr.RebalanceInProgress):
			continue
		case err != nil:
			return false, inWords("elect in group "+m.o.Topic, err)
		}
		m.answer = asked
		return won, nil
	}
}

// enter joins the group. Brokers first hand out an id to join with.
func (m *member) enter(ctx context.Context) (*kmsg.JoinGroupResponse, time.Time, error) {
	what := "join group " + m.o.Topic
	for {
		asked := time.Now()
		resp, err := m.joinRequest().RequestWith(ctx, m.client)
		if err == nil {
			err = kerr.ErrorForCode(resp.ErrorCode)
		}
		switch {
		case errors.Is(err, kerr.MemberIDRequired):
			m.id = resp.MemberID
		case errors.Is(err, kerr.UnknownMemberID) && m.id != "":
			m.id = ""
		case errors.Is(err, kerr.RebalanceInProgress) && pause(ctx, lookEvery):
		case err != nil:
			return nil, asked, inWords(what, err)
		default:
			m.id, m.epoch = resp.MemberID, resp.Generation
			return resp, time.Now(), nil
		}
	}
}

func (m *member) joinRequest() *kmsg.JoinGroupRequest {
	about := kmsg.NewConsumerMemberMetadata()
	about.Topics = []string{m.o.Topic}
	about.UserData, _ = json.Marshal(candidate{m.o.Agent, m.o.Host, m.leading}) //nolint:errchkjson // plain text
	p := kmsg.NewJoinGroupRequestProtocol()
	p.Name, p.Metadata = protocolName, about.AppendTo(nil)
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.MemberID, req.ProtocolType = m.o.Topic, m.id, protocolType
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = millis(m.o.Session), millis(m.o.Session)
	req.Protocols = append(req.Protocols, p)
	return req
}

func millis(d time.Duration) int32 { return int32(min(d.Milliseconds(), 1<<30)) } //nolint:gosec // bounded

// assigned learns who was elected. One member, whom the group chose, decides.
func (m *member) assigned(ctx context.Context, joined *kmsg.JoinGroupResponse) (bool, error) {
	req := kmsg.NewPtrSyncGroupRequest()
	req.Group, req.MemberID, req.Generation = m.o.Topic, m.id, m.epoch
	req.ProtocolType, req.Protocol = kmsg.StringPtr(protocolType), kmsg.StringPtr(protocolName)
	if joined.LeaderID == m.id {
		winner := elect(joined.Members)
		for _, one := range joined.Members {
			a := kmsg.NewSyncGroupRequestGroupAssignment()
			a.MemberID, a.MemberAssignment = one.MemberID, m.assignment(one.MemberID == winner)
			req.GroupAssignment = append(req.GroupAssignment, a)
		}
	}
	resp, err := req.RequestWith(ctx, m.client)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return false, err
	}
	return elected(resp.MemberAssignment, m.o.Topic), nil
}

func (m *member) assignment(won bool) []byte {
	a := kmsg.NewConsumerMemberAssignment()
	if won {
		t := kmsg.NewConsumerMemberAssignmentTopic()
		t.Topic, t.Partitions = m.o.Topic, []int32{partition}
		a.Topics = append(a.Topics, t)
	}
	return a.AppendTo(nil)
}

// elect leaves the lead where it is, and otherwise takes the first by id.
func elect(members []kmsg.JoinGroupResponseMember) string {
	members = slices.Clone(members)
	slices.SortFunc(members, func(a, b kmsg.JoinGroupResponseMember) int { return strings.Compare(a.MemberID, b.MemberID) })
	for _, one := range members {
		if candidateOf(one.ProtocolMetadata).Leading {
			return one.MemberID
		}
	}
	if len(members) == 0 {
		return ""
	}
	return members[0].MemberID
}

func candidateOf(metadata []byte) candidate {
	var c candidate
	about := kmsg.NewConsumerMemberMetadata()
	if about.ReadFrom(metadata) == nil {
		_ = json.Unmarshal(about.UserData, &c) // somebody else's member says nothing of itself
	}
	return c
}

func elected(assignment []byte, topic string) bool {
	a := kmsg.NewConsumerMemberAssignment()
	if a.ReadFrom(assignment) != nil {
		return false
	}
	return slices.ContainsFunc(a.Topics, func(t kmsg.ConsumerMemberAssignmentTopic) bool {
		return t.Topic == topic && slices.Contains(t.Partitions, partition)
	})
}

// errElection says that the group elects anew: join again.
var errElection = errors.New("the group elects anew")

// beat tells the group that we live. The error is errElection where it elects
// anew, and another one where it does not know us any more, or has not answered
// for a whole session.
func (m *member) beat(ctx context.Context) error {
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID, req.Generation = m.o.Topic, m.id, m.epoch
	asked := time.Now()
	bounded, cancel := context.WithTimeout(ctx, m.o.Session/2)
	defer cancel()
	resp, err := req.RequestWith(bounded, m.client)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	switch {
	case err == nil:
		m.answer = asked
		return nil
	case errors.Is(err, kerr.RebalanceInProgress):
		return errElection
	case errors.Is(err, kerr.UnknownMemberID), errors.Is(err, kerr.IllegalGeneration), errors.Is(err, kerr.FencedInstanceID), errors.Is(err, kerr.GroupAuthorizationFailed):
		return inWords("stay in group "+m.o.Topic, err)
	case elapsed(m.answer, time.Now()) >= m.o.Session:
		return fmt.Errorf("group %s has not answered for %s: %w", m.o.Topic, m.o.Session, err)
	}
	return nil
}

// leave gives the membership up, so that others need not wait for the session.
func (m *member) leave(ctx context.Context) {
	if m.id == "" {
		return
	}
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group, req.MemberID = m.o.Topic, m.id
	req.Members = append(req.Members, kmsg.LeaveGroupRequestMember{MemberID: m.id})
	_, _ = req.RequestWith(ctx, m.client) // it ends by itself with the session
	m.id = ""
}
