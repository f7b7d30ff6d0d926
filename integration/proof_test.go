package integration

import (
	"context"
	"crypto/ed25519"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/integration/corpus"
	"github.com/ottla-io/ottla/integration/kafkatest"
	"github.com/ottla-io/ottla/integration/storetest"
	"github.com/ottla-io/ottla/sinks/backup/proof"
)

func TestDrillProvesTheWholeCorpusAndLeavesNothing(t *testing.T) {
	k := kafkatest.Shared(t)
	pre := kafkatest.Prefix(t)
	c := corpus.Write(t, k, pre)
	v := newVault(t, k, bucket(t, storetest.File(t), "drill"), pre)
	v.backUp()
	scratch := kafkatest.Prefix(t) + "drill-"
	e, err := proof.Drill(t.Context(), proof.DrillOptions{Repository: v.repo, Dial: dial(k), Prefix: scratch})
	if err != nil {
		t.Fatal(err)
	}
	if !e.Passed || e.Target != k.ID || !strings.Contains(e.Proves, "can be restored") {
		t.Errorf("evidence: %+v", e.Checks)
	}
	var want, got int
	for _, topic := range c.Topics {
		want += corpus.Read(t, v.client, topic).Count()
	}
	for _, d := range e.Digests {
		got += int(d.Records)
	}
	if got < want { // the cleaner may have been at work since
		t.Errorf("%d records were proven, %d are there", got, want)
	}
	v.noneLeft(scratch)
	readable(t, e)
}

// noneLeft waits until no topic's name begins with prefix: a deletion shows a
// little later than it is acknowledged.
func (v *vault) noneLeft(prefix string) {
	v.t.Helper()
	kafkatest.Eventually(v.t, func() error {
		all, err := kadm.NewClient(v.client).ListTopics(v.t.Context())
		if err != nil {
			return err
		}
		if left := slices.DeleteFunc(all.Names(), func(n string) bool { return !strings.HasPrefix(n, prefix) }); len(left) > 0 {
			return errors.New("left behind: " + strings.Join(left, ", "))
		}
		return nil
	})
}

// readable holds that evidence can be signed, read and shown.
func readable(t *testing.T, e proof.Evidence) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := e.Sign(private)
	if err != nil {
		t.Fatal(err)
	}
	if again, signer, err := proof.Read(b); err != nil || !signer.Equal(public) || again.Proves != e.Proves {
		t.Errorf("read: %v", err)
	}
	if page, err := e.HTML(); err != nil || !strings.Contains(string(page), "Record digests") {
		t.Errorf("report: %v", err)
	}
}

func TestDrillThatIsCutOffLeavesNothing(t *testing.T) {
	k := kafkatest.Shared(t)
	pre := kafkatest.Prefix(t)
	corpus.Write(t, k, pre, "codecs")
	v := newVault(t, k, bucket(t, storetest.File(t), "cut"), pre)
	v.backUp()
	scratch := kafkatest.Prefix(t) + "drill-"
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	e, err := proof.Drill(ctx, proof.DrillOptions{Repository: v.repo, Dial: dial(k), Prefix: scratch, Step: func(step string) {
		if step == "digests of the backup" {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || e.Passed {
		t.Errorf("%v, %+v", err, e)
	}
	v.noneLeft(scratch)
}

func TestDrillFindsARecordThatIsNotTheBackups(t *testing.T) {
	k := kafkatest.Shared(t)
	pre := kafkatest.Prefix(t)
	corpus.Write(t, k, pre, "nulls")
	v := newVault(t, k, bucket(t, storetest.File(t), "foreign"), pre)
	v.backUp()
	scratch := kafkatest.Prefix(t) + "drill-"
	e, err := proof.Drill(t.Context(), proof.DrillOptions{Repository: v.repo, Dial: dial(k), Prefix: scratch, Step: func(step string) {
		if step == "digests of the scratch topics" {
			v.intrude(scratch)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if e.Passed {
		t.Error("one record too many passed")
	}
	v.noneLeft(scratch)
}

// intrude writes a record into every topic that begins with prefix.
func (v *vault) intrude(prefix string) {
	all, err := kadm.NewClient(v.client).ListTopics(v.t.Context())
	if err != nil {
		v.t.Error(err)
	}
	for _, name := range all.Names() {
		if strings.HasPrefix(name, prefix) {
			if err := v.client.ProduceSync(v.t.Context(), &kgo.Record{Topic: name, Value: []byte("foreign")}).FirstErr(); err != nil {
				v.t.Error(err)
			}
		}
	}
}

func TestValidationOfACorpusPassesAndSeesWhatCameSince(t *testing.T) {
	k := kafkatest.Shared(t)
	pre := kafkatest.Prefix(t)
	c := corpus.Write(t, k, pre)
	w := corpus.NewWriter(t, k, pre)
	w.CommitEverywhere(gapped(c)...)
	v := newVault(t, k, bucket(t, storetest.File(t), "valid"), pre)
	v.backUp()
	e, err := proof.Validate(t.Context(), proof.ValidateOptions{
		Repository: v.repo, Dial: dial(k), Counts: &proof.Counts{}, Offsets: true, Groups: &proof.GroupOffsets{}, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	if !e.Passed || e.Target != k.ID || len(e.Checks) != 4 {
		t.Errorf("evidence: %+v", e.Checks)
	}
}
