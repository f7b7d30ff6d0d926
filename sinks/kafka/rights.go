package kafka

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Rights is what we may do on a cluster, feature by feature, and what its
// brokers say of themselves.
type Rights struct {
	Principal  string    `json:"principal,omitempty"` // ours, where the way we log in says it
	Features   []Feature `json:"features"`
	Authorizer bool      `json:"authorizer"` // ACLs mean something
	// SuperUsers are principals that no ACL binds; nil where brokers do not say.
	SuperUsers []string `json:"superUsers,omitempty"`
	// OpenWithoutACL is allow.everyone.if.no.acl.found, TopicDeletion is
	// delete.topic.enable: "true", "false", or "" where brokers do not say.
	OpenWithoutACL string `json:"openWithoutAcl,omitempty"`
	TopicDeletion  string `json:"topicDeletion,omitempty"`
}

// Feature is one thing Ottla does, and what stands in its way.
type Feature struct {
	Kind  string   `json:"kind"`
	Does  string   `json:"does"`            // observe, change, delete
	Lacks []string `json:"lacks,omitempty"` // words; none: it can be done
	Doubt []string `json:"doubt,omitempty"` // words: what could not be found out
}

// need is what a feature takes.
type need struct {
	kind, does string
	requests   []kmsg.Key
	cluster    []kmsg.ACLOperation
	topic      []kmsg.ACLOperation
	otherwise  string
}

func needs() []need {
	const (
		describe, describeConfigs = kmsg.ACLOperationDescribe, kmsg.ACLOperationDescribeConfigs
		alter, alterConfigs       = kmsg.ACLOperationAlter, kmsg.ACLOperationAlterConfigs
	)
	ops := func(o ...kmsg.ACLOperation) []kmsg.ACLOperation { return o }
	keys := func(k ...kmsg.Key) []kmsg.Key { return k }
	return []need{
		{KindTopic, "observe", keys(kmsg.Metadata, kmsg.DescribeConfigs), nil, ops(describe, describeConfigs), "topics are Unknown"},
		{KindTopic, "create", keys(kmsg.CreateTopics), ops(kmsg.ACLOperationCreate), nil, "topics cannot be created, unless ACLs allow it by name"},
		{KindTopic, "change", keys(kmsg.CreatePartitions, kmsg.IncrementalAlterConfigs), nil, ops(alter, alterConfigs), "topics cannot be changed"},
		{KindTopic, "delete", keys(kmsg.DeleteTopics), nil, ops(kmsg.ACLOperationDelete), "topics cannot be deleted"},
		{KindScramCredential, "observe", keys(kmsg.DescribeUserSCRAMCredentials), ops(describe), nil, "users are Unknown"},
		{KindScramCredential, "change", keys(kmsg.AlterUserSCRAMCredentials), ops(alter), nil, "users cannot be changed"},
		{KindACLSet, "observe", keys(kmsg.DescribeACLs), ops(describe), nil, "access is Unknown"},
		{KindACLSet, "change", keys(kmsg.CreateACLs, kmsg.DeleteACLs), ops(alter), nil, "access cannot be changed"},
		{KindQuotaEntity, "observe", keys(kmsg.DescribeClientQuotas), ops(describeConfigs), nil, "quotas are Unknown"},
		{KindQuotaEntity, "change", keys(kmsg.AlterClientQuotas), ops(alterConfigs), nil, "quotas cannot be changed"},
		{KindBrokerConfig, "observe", keys(kmsg.DescribeConfigs), ops(describeConfigs), nil, "broker configuration is Unknown"},
		{KindBrokerConfig, "change", keys(kmsg.IncrementalAlterConfigs), ops(alterConfigs), nil, "broker configuration cannot be changed"},
	}
}

// Rights asks the brokers what they offer and what we may. It changes nothing.
func (c *Cluster) Rights(ctx context.Context) (Rights, error) {
	r := Rights{Principal: c.Principal()}
	versions, err := kmsg.NewPtrApiVersionsRequest().RequestWith(ctx, c.client)
	if err != nil {
		return r, fmt.Errorf("ask for API versions: %w", err)
	}
	had, err := c.granted(ctx)
	if err != nil {
		return r, err
	}
	for _, n := range needs() {
		r.Features = append(r.Features, n.feature(versions.ApiKeys, had))
	}
	r.Authorizer = c.authorizes(ctx)
	if c.open {
		r.OpenWithoutACL = "true"
	}
	r.brokers(c.brokerConfig(ctx, superUsersKey, openKey, deletionKey))
	r.conclude()
	return r, nil
}

// conclude puts what brokers say of themselves to the features it stops.
func (r *Rights) conclude() {
	for i := range r.Features {
		f := &r.Features[i]
		if f.Kind == KindACLSet && !r.Authorizer {
			f.Lacks = append(f.Lacks, noAuthorizer+": access is Unknown")
		}
		if f.Kind == KindTopic && f.Does == "delete" && r.TopicDeletion == "false" {
			f.Lacks = append(f.Lacks, deletionKey+" is false on the brokers: topics cannot be deleted")
		}
	}
}

// Principal is who we are to the authorizer, "" where only brokers know.
func (c *Cluster) Principal() string {
	if c.user == "" {
		return ""
	}
	return "User:" + c.user
}

// grants are the operations we may do.
type grants struct {
	cluster operations
	topics  map[string]operations
}

// operations is Kafka's bit field of operations by code (KIP-430).
type operations int32

func (o operations) has(op kmsg.ACLOperation) bool { return o&(1<<op) != 0 }

// told is false where the brokers left operations out.
func (o operations) told() bool { return o != -1<<31 }

func (c *Cluster) granted(ctx context.Context) (grants, error) {
	g := grants{topics: make(map[string]operations)}
	cluster := kmsg.NewPtrDescribeClusterRequest()
	cluster.IncludeClusterAuthorizedOperations = true
	resp, err := cluster.RequestWith(ctx, c.client)
	if err != nil {
		return g, fmt.Errorf("ask for rights on the cluster: %w", c.explain(ctx, err, cluster))
	}
	g.cluster = operations(resp.ClusterAuthorizedOperations)
	req := emptyMetadata()
	req.Topics, req.IncludeTopicAuthorizedOperations = nil, true
	m, err := c.metadata(ctx, req)
	if err != nil {
		return g, fmt.Errorf("ask for rights on topics: %w", err)
	}
	for _, t := range m.Topics {
		if t.Topic != nil && !t.IsInternal && internalTopic(*t.Topic) == "" {
			g.topics[*t.Topic] = operations(t.AuthorizedOperations)
		}
	}
	return g, nil
}

func (n need) feature(offered []kmsg.ApiVersionsResponseApiKey, g grants) Feature {
	f := Feature{Kind: n.kind, Does: n.does}
	for _, key := range n.requests {
		if !slices.ContainsFunc(offered, func(k kmsg.ApiVersionsResponseApiKey) bool { return k.ApiKey == key.Int16() }) {
			f.Lacks = append(f.Lacks, fmt.Sprintf("no %s: %s", key.Name(), n.otherwise))
		}
	}
	for _, op := range n.cluster {
		switch {
		case g.cluster.has(op) && g.cluster.told():
		case !g.cluster.told(), op != kmsg.ACLOperationDescribe && !g.cluster.has(kmsg.ACLOperationDescribe):
			f.Doubt = append(f.Doubt, fmt.Sprintf("%s on the cluster: told only to those who may Describe the cluster", operationName(op)))
		default:
			f.Lacks = append(f.Lacks, fmt.Sprintf("no %s on the cluster: %s", operationName(op), n.otherwise))
		}
	}
	for _, op := range n.topic {
		n.onTopics(&f, op, g.topics)
	}
	return f
}

// onTopics says on how many topics an operation is missing, and on which one
// to begin with.
func (n need) onTopics(f *Feature, op kmsg.ACLOperation, topics map[string]operations) {
	var missing []string
	for name, ops := range topics {
		if ops.told() && !ops.has(op) {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	switch {
	case len(topics) == 0:
		f.Doubt = append(f.Doubt, fmt.Sprintf("%s on topics: there are none, or none that we may see", operationName(op)))
	case len(missing) > 0:
		f.Lacks = append(f.Lacks, fmt.Sprintf("no %s on %d of %d topics, %s among them: %s", operationName(op), len(missing), len(topics), missing[0], n.otherwise))
	}
}

// operationName spells an operation as Kafka's documentation does: DescribeConfigs.
func operationName(op kmsg.ACLOperation) string {
	var b strings.Builder
	for word := range strings.SplitSeq(aclWord(ACLOperations(), int(op)), "-") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// authorizes tells whether ACLs mean something on this cluster.
func (c *Cluster) authorizes(ctx context.Context) bool {
	_, _, err := (&acls{c}).Observe(ctx, reconcile.Scope{Name: []reconcile.ID{ACLSetID("User:ottla-may-describe")}})
	return err == nil || err.Error() != noAuthorizer
}

// The broker settings that change what a plan may do.
const (
	superUsersKey = "super.users"
	openKey       = "allow.everyone.if.no.acl.found"
	deletionKey   = "delete.topic.enable"
)

func (r *Rights) brokers(settings map[string]string) {
	r.OpenWithoutACL = cmp.Or(settings[openKey], r.OpenWithoutACL)
	r.TopicDeletion = settings[deletionKey]
	for user := range strings.SplitSeq(settings[superUsersKey], ";") {
		if user != "" {
			r.SuperUsers = append(r.SuperUsers, user)
		}
	}
}

// brokerConfig reads settings of any one broker; what cannot be read is left out.
func (c *Cluster) brokerConfig(ctx context.Context, keys ...string) map[string]string {
	out := make(map[string]string)
	m, err := c.metadata(ctx, emptyMetadata())
	if err != nil || len(m.Brokers) == 0 {
		return out
	}
	req := kmsg.NewPtrDescribeConfigsRequest()
	r := kmsg.NewDescribeConfigsRequestResource()
	r.ResourceType, r.ConfigNames = kmsg.ConfigResourceTypeBroker, keys
	r.ResourceName = strconv.Itoa(int(m.Brokers[0].NodeID))
	req.Resources = append(req.Resources, r)
	resp, err := req.RequestWith(ctx, c.client)
	if err != nil {
		return out
	}
	for _, r := range resp.Resources {
		for _, config := range r.Configs {
			if config.Value != nil {
				out[config.Name] = *config.Value
			}
		}
	}
	return out
}
