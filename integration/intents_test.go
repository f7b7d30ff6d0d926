package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/nodetest"
	"github.com/ottla-io/ottla/sinks/kafka"
)

// actor is a user that has what an AccessRule declares for it and nothing
// else, with three topics that it did not make: in, out and other.
type actor struct {
	t     *testing.T
	kafka *kafkatest.Cluster
	pre   string
	user  string
}

func newActor(t *testing.T, intents string) *actor {
	t.Helper()
	a := &actor{t: t, kafka: kafkatest.Shared(t), pre: strings.ToLower(kafkatest.Prefix(t))}
	a.user = a.pre + "actor"
	admin := connect(t, kafka.Options{Brokers: a.kafka.Plain()})
	mustApply(t, kind(t, admin, kafka.KindScramCredential), password(a.user, userPassword))
	for _, topic := range []string{"in", "out", "other"} {
		mustApply(t, kind(t, admin, kafka.KindTopic), set(reconcile.Create, topicID(a.pre+topic), "partitions", "1"))
	}
	text := strings.ReplaceAll(fmt.Sprintf("apiVersion: ottla.io/v1alpha1\nkind: AccessRule\nmetadata: {name: x}\nspec:\n  principals: ['User:%s']\n  intents: [%s]\n", a.user, intents), "PRE", a.pre)
	for _, r := range decoded(t, text) {
		change := set(reconcile.Update, r.ID)
		for name, v := range r.Fields {
			change.Fields = append(change.Fields, reconcile.FieldChange{Name: name, From: reconcile.UnsetValue(), To: v})
		}
		mustApply(t, kind(t, admin, kafka.KindACLSet), change)
	}
	seeder := a.kafka.Client(t)
	for _, topic := range []string{"in", "other"} {
		kafkatest.Eventually(t, func() error {
			return seeder.ProduceSync(t.Context(), &kgo.Record{Topic: a.pre + topic, Value: []byte("seed")}).FirstErr()
		})
	}
	kafkatest.Eventually(t, func() error { return a.client().Ping(t.Context()) })
	return a
}

// decoded is what a document becomes.
func decoded(t testing.TB, text string) []reconcile.Resource {
	t.Helper()
	doc := nodetest.Documents(t, "x.yaml", text)[0]
	for _, d := range kafka.Decoders() {
		for _, reads := range d.Reads() {
			if reads != doc.Type() {
				continue
			}
			out, err := d.Decode(doc, nil)
			if err != nil {
				t.Fatal(err)
			}
			return out.Resources
		}
	}
	t.Fatalf("nothing reads %s", doc.Type())
	return nil
}

func (a *actor) client(opts ...kgo.Opt) *kgo.Client {
	a.t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(a.kafka.SASL()...), kgo.SASL(scram.Auth{User: a.user, Pass: userPassword}.AsSha512Mechanism()),
		kgo.MetadataMinAge(10 * time.Millisecond), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.UnknownTopicRetries(1),
		kgo.RecordDeliveryTimeout(10 * time.Second),
	}, opts...)...)
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(cl.Close)
	return cl
}

func (a *actor) admin() *kadm.Client { return kadm.NewClient(a.client()) }

func (a *actor) brief() context.Context {
	ctx, cancel := context.WithTimeout(a.t.Context(), 20*time.Second)
	a.t.Cleanup(cancel)
	return ctx
}

func (a *actor) produces(topic string) error {
	return a.client().ProduceSync(a.brief(), &kgo.Record{Topic: a.pre + topic, Value: []byte("x")}).FirstErr()
}

// reads consumes one record, in a group where one is named, and commits it.
func (a *actor) reads(topic, group string) error {
	opts := []kgo.Opt{kgo.ConsumeTopics(a.pre + topic)}
	if group != "" {
		opts = append(opts, kgo.ConsumerGroup(group))
	}
	cl := a.client(opts...)
	defer cl.CloseAllowingRebalance()
	fetches := cl.PollRecords(a.brief(), 1)
	if err := fetches.Err(); err != nil {
		return err
	}
	if group == "" {
		return nil
	}
	return cl.CommitRecords(a.brief(), fetches.Records()...)
}

// transacts writes a record in a transaction; with a group, its offset for the
// topic in goes along.
func (a *actor) transacts(id, topic, group string) error {
	cl := a.client(kgo.TransactionalID(id))
	if err := cl.BeginTransaction(); err != nil {
		return err
	}
	if err := cl.ProduceSync(a.brief(), &kgo.Record{Topic: a.pre + topic, Value: []byte("x")}).FirstErr(); err != nil {
		return err
	}
	if group != "" {
		if err := a.offsetsInTransaction(cl, id, group); err != nil {
			return err
		}
	}
	return cl.EndTransaction(a.brief(), kgo.TryCommit)
}

func (a *actor) offsetsInTransaction(cl *kgo.Client, id, group string) error {
	pid, epoch, err := cl.ProducerID(a.brief())
	if err != nil {
		return err
	}
	add := kmsg.NewPtrAddOffsetsToTxnRequest()
	add.TransactionalID, add.ProducerID, add.ProducerEpoch, add.Group = id, pid, epoch, group
	added, err := add.RequestWith(a.brief(), cl)
	if err == nil {
		err = kerr.ErrorForCode(added.ErrorCode)
	}
	if err != nil {
		return err
	}
	commit := kmsg.NewPtrTxnOffsetCommitRequest()
	commit.TransactionalID, commit.ProducerID, commit.ProducerEpoch, commit.Group, commit.Generation = id, pid, epoch, group, -1
	partition := kmsg.NewTxnOffsetCommitRequestTopicPartition()
	partition.Offset = 1
	commit.Topics = []kmsg.TxnOffsetCommitRequestTopic{{Topic: a.pre + "in", Partitions: []kmsg.TxnOffsetCommitRequestTopicPartition{partition}}}
	committed, err := commit.RequestWith(a.brief(), cl)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(committed.Topics[0].Partitions[0].ErrorCode)
}

func (a *actor) creates(topic string) error {
	_, err := a.admin().CreateTopic(a.brief(), 1, 1, nil, topic)
	return err
}

func (a *actor) empties(topic string) error {
	deleted, err := a.admin().DeleteRecords(a.brief(), kadm.Offsets{topic: {0: {Topic: topic, At: 0, LeaderEpoch: -1}}})
	return errors.Join(err, deleted.Error())
}

// works fails the test unless it can be done; rules take a moment to arrive.
func (a *actor) works(what string, do func() error) {
	a.t.Helper()
	kafkatest.Eventually(a.t, func() error {
		if err := do(); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		return nil
	})
}

// refused fails the test unless the brokers say that one of these rights is
// missing.
func (a *actor) refused(what string, err error, rights ...*kerr.Error) {
	a.t.Helper()
	if !slices.ContainsFunc(rights, func(right *kerr.Error) bool { return errors.Is(err, right) }) {
		a.t.Errorf("%s: %v, not %v", what, err, rights)
	}
}

func TestAProducerWritesItsTopicAndNothingElse(t *testing.T) {
	a := newActor(t, "{role: producer, topics: [PREout]}")
	a.works("produce", func() error { return a.produces("out") })
	a.refused("produce elsewhere", a.produces("other"), kerr.TopicAuthorizationFailed)
	a.refused("read what it wrote", a.reads("out", ""), kerr.TopicAuthorizationFailed)
	a.refused("join a group", a.reads("out", a.pre+"g"), kerr.GroupAuthorizationFailed)
	a.refused("a transaction", a.transacts(a.pre+"t", "out", ""), kerr.TransactionalIDAuthorizationFailed)
	a.refused("create a topic", a.creates(a.pre+"new"), kerr.TopicAuthorizationFailed)
}

func TestAConsumerReadsItsTopicInItsGroupsAndNothingElse(t *testing.T) {
	a := newActor(t, "{role: consumer, topics: [PREin], groups: ['PREg-*']}")
	a.works("consume", func() error { return a.reads("in", a.pre+"g-1") })
	a.refused("another group", a.reads("in", a.pre+"x"), kerr.GroupAuthorizationFailed)
	a.refused("another topic", a.reads("other", ""), kerr.TopicAuthorizationFailed)
	a.refused("write what it reads", a.produces("in"), kerr.TopicAuthorizationFailed, kerr.ClusterAuthorizationFailed)
}

func TestATransactionalProducerUsesItsIdsAndNothingElse(t *testing.T) {
	a := newActor(t, "{role: transactional-producer, topics: [PREout], transactionalIds: ['PREt-*']}")
	a.works("a transaction", func() error { return a.transacts(a.pre+"t-1", "out", "") })
	a.refused("another id", a.transacts(a.pre+"x", "out", ""), kerr.TransactionalIDAuthorizationFailed)
	a.refused("another topic", a.transacts(a.pre+"t-2", "other", ""), kerr.TopicAuthorizationFailed)
	a.refused("a group's offsets", a.transacts(a.pre+"t-3", "out", a.pre+"g"), kerr.GroupAuthorizationFailed)
	a.refused("read", a.reads("in", ""), kerr.TopicAuthorizationFailed)
}

func TestAStreamsApplicationHasItsOwnTopicsGroupAndIdsAndNothingElse(t *testing.T) {
	a := newActor(t, "{role: streams, applicationId: PREapp, topics: [PREin], outputTopics: [PREout]}")
	own := a.pre + "app-store-repartition"
	a.works("create its own topic", func() error { return a.creates(own) })
	a.works("write its own topic", func() error { return a.produces("app-store-repartition") })
	a.works("read its own topic", func() error { return a.reads("app-store-repartition", a.pre+"app") })
	a.works("delete records of its own", func() error { return a.empties(own) })
	a.works("read its input in its group", func() error { return a.reads("in", a.pre+"app") })
	a.works("write its output", func() error { return a.produces("out") })
	a.works("exactly once", func() error { return a.transacts(a.pre+"app-7c1e-1", "out", a.pre+"app") })
	a.refused("write its input", a.produces("in"), kerr.TopicAuthorizationFailed)
	a.refused("read its output", a.reads("out", ""), kerr.TopicAuthorizationFailed)
	a.refused("another group", a.reads("in", a.pre+"g"), kerr.GroupAuthorizationFailed)
	a.refused("another id", a.transacts(a.pre+"t", "out", ""), kerr.TransactionalIDAuthorizationFailed)
	a.refused("create another topic", a.creates(a.pre+"new"), kerr.TopicAuthorizationFailed)
	a.works("delete its own topic", func() error { return deleteTopic(a, own) })
	a.refused("delete another topic", deleteTopic(a, a.pre+"other"), kerr.TopicAuthorizationFailed)
}

func deleteTopic(a *actor, topic string) error {
	_, err := a.admin().DeleteTopic(a.brief(), topic)
	return err
}

func TestAConnectorReadsInItsGroupAndWritesItsOutputAndNothingElse(t *testing.T) {
	a := newActor(t, "{role: connector, connector: PREsink, topics: [PREin], outputTopics: [PREout]}")
	a.works("read", func() error { return a.reads("in", "connect-"+a.pre+"sink") })
	a.works("write", func() error { return a.produces("out") })
	a.refused("another connector's group", a.reads("in", "connect-"+a.pre+"other"), kerr.GroupAuthorizationFailed)
	a.refused("write its input", a.produces("in"), kerr.TopicAuthorizationFailed)
	a.refused("another topic", a.reads("other", ""), kerr.TopicAuthorizationFailed)
	a.refused("exactly once", a.transacts(a.pre+"t", "out", ""), kerr.TransactionalIDAuthorizationFailed)
}

func TestAConnectorThatWritesExactlyOnceUsesItsIds(t *testing.T) {
	a := newActor(t, "{role: connector, outputTopics: [PREout], transactionalIds: ['PREconnect-*']}")
	a.works("exactly once", func() error { return a.transacts(a.pre+"connect-debezium-0", "out", "") })
	a.refused("read", a.reads("in", ""), kerr.TopicAuthorizationFailed)
}

func TestAnOperatorSeesEverythingAndChangesNothing(t *testing.T) {
	a := newActor(t, "{role: read-only}")
	adm := a.admin()
	for what, look := range map[string]func() error{
		"topics": func() error { return withTopic(a, adm) },
		"topic configs": func() error {
			rc, err := adm.DescribeTopicConfigs(a.brief(), a.pre+"in")
			return errors.Join(err, rc[0].Err)
		},
		"broker configs": func() error { rc, err := adm.DescribeBrokerConfigs(a.brief(), 1); return errors.Join(err, rc[0].Err) },
		"groups":         func() error { _, err := adm.ListGroups(a.brief()); return err },
		"a group": func() error {
			gs, err := adm.DescribeGroups(a.brief(), a.pre+"g")
			return errors.Join(err, notDenied(gs[a.pre+"g"].Err))
		},
		"offsets": func() error { _, err := adm.ListEndOffsets(a.brief(), a.pre+"in"); return err },
		"ACLs":    func() error { return describesACLs(a, adm) },
		"quotas":  func() error { _, err := adm.DescribeClientQuotas(a.brief(), false, nil); return err },
		"users":   func() error { _, err := adm.DescribeUserSCRAMs(a.brief(), a.user); return err },
		"log directories": func() error {
			ds, err := adm.DescribeAllLogDirs(a.brief(), nil)
			return errors.Join(err, refusedDirs(ds))
		},
		"transactions": func() error { _, err := adm.ListTransactions(a.brief(), nil, nil); return err },
	} {
		a.works(what, look)
	}
	value := "11"
	_, configErr := first(adm.AlterTopicConfigs(a.brief(), []kadm.AlterConfig{{Name: "retention.ms", Value: &value}}, a.pre+"in"))
	_, brokerErr := first(adm.AlterBrokerConfigs(a.brief(), []kadm.AlterConfig{{Name: "background.threads", Value: &value}}))
	a.refused("change a topic", configErr, kerr.TopicAuthorizationFailed)
	a.refused("change brokers", brokerErr, kerr.ClusterAuthorizationFailed)
	a.refused("create a topic", a.creates(a.pre+"new"), kerr.TopicAuthorizationFailed)
	a.refused("delete a topic", deleteTopic(a, a.pre+"other"), kerr.TopicAuthorizationFailed)
	a.refused("read", a.reads("in", ""), kerr.TopicAuthorizationFailed)
	a.refused("join a group", a.reads("in", a.pre+"g"), kerr.GroupAuthorizationFailed)
	a.refused("write", a.produces("out"), kerr.TopicAuthorizationFailed, kerr.ClusterAuthorizationFailed)
	created, aclErr := adm.CreateACLs(a.brief(), kadm.NewACLs().Allow("User:"+a.user).AllowHosts("*").Topics("*").Operations(kadm.OpAll).ResourcePatternType(kadm.ACLPatternLiteral))
	if aclErr == nil {
		aclErr = created[0].Err
	}
	a.refused("give itself more", aclErr, kerr.ClusterAuthorizationFailed)
}

func refusedDirs(all kadm.DescribedAllLogDirs) error {
	var errs []error
	all.Each(func(d kadm.DescribedLogDir) { errs = append(errs, d.Err) })
	return errors.Join(errs...)
}

func withTopic(a *actor, adm *kadm.Client) error {
	topics, err := adm.ListTopics(a.brief())
	if err == nil && !topics.Has(a.pre+"other") {
		err = errors.New("a topic is hidden")
	}
	return err
}

func describesACLs(a *actor, adm *kadm.Client) error {
	described, err := adm.DescribeACLs(a.brief(), kadm.NewACLs().AnyResource().Allow().AllowHosts().Deny().DenyHosts().Operations().ResourcePatternType(kadm.ACLPatternAny))
	if err == nil && len(described) > 0 {
		err = described[0].Err
	}
	return err
}

// notDenied lets pass that a group is not there: whoever may not look is told so.
func notDenied(err error) error {
	if errors.Is(err, kerr.GroupAuthorizationFailed) {
		return err
	}
	return nil
}

// first is the first answer's error.
func first(rs kadm.AlterConfigsResponses, err error) (kadm.AlterConfigsResponse, error) {
	if err != nil || len(rs) == 0 {
		return kadm.AlterConfigsResponse{}, err
	}
	return rs[0], rs[0].Err
}
