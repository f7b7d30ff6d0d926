package work

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"gocloud.dev/blob"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/proof"
	"github.com/ottla-io/ottla/sinks/backup/store"
)

// proven is a world with a backup and a validation that passes, as a job.
func proven(t *testing.T, means map[string]reconcile.Value, more ...string) (*world, reconcile.ID) {
	t.Helper()
	w := backedUp(t)
	w.run()
	w.round()
	w.eventually("backup/default/once", is(sinks.JobDone))
	id := jobOf(backup.DoesValidation, "weekly")
	w.weekly(id, means, more...)
	return w, id
}

// weekly declares a validation.
func (w *world) weekly(id reconcile.ID, means map[string]reconcile.Value, more ...string) {
	spec := backup.Spec{backup.FieldDoes: backup.DoesValidation, backup.FieldBackup: "default/once", "offsets": "true"}
	for i := 0; i < len(more); i += 2 {
		spec[more[i]] = more[i+1]
	}
	w.declare(id, spec)
	r := w.want[id]
	r.Means = means
	w.want[id] = r
}

func (w *world) bucket(url string) *blob.Bucket {
	w.Helper()
	b, err := w.engine.store(w.Context(), store.Options{URL: url})
	if err != nil {
		w.Fatal(err)
	}
	return b
}

// stored lists what a store holds below a prefix.
func (w *world) stored(url, prefix string) []string {
	w.Helper()
	var all []string
	for i := w.bucket(url).List(&blob.ListOptions{Prefix: prefix}); ; {
		l, err := i.Next(w.Context())
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			w.Fatal(err)
		}
		all = append(all, l.Key)
	}
}

func (w *world) object(url, name string) []byte {
	w.Helper()
	raw, err := w.bucket(url).ReadAll(w.Context(), name)
	if err != nil {
		w.Fatal(err)
	}
	return raw
}

func pemOf(t *testing.T) (text string, key ed25519.PrivateKey) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), key
}

const (
	copiesURL = "s3://copies/?region=x"
	finalURL  = "s3://final/proofs?region=x"
	beside    = "default/once/cluster-a/evidence/default.weekly/"
	apart     = "evidence/default/once/cluster-a/default.weekly/"
)

func TestEvidenceIsSignedByTheDocumentsKeyAndCopiedWhereItSays(t *testing.T) {
	text, key := pemOf(t)
	w, id := proven(t, map[string]reconcile.Value{backup.MeansSigner: reconcile.SecretOf(text)},
		backup.FieldSigner, base64.StdEncoding.EncodeToString(format.Public(key)), backup.FieldPDF, "true",
		backup.FieldEvidence, "s3://final/proofs", backup.FieldRetention, "24h")
	w.round()
	w.eventually(id.Name, is(sinks.JobDone))
	want := []string{"000000000001.json", "000000000001.pdf"}
	for url, dir := range map[string]string{copiesURL: beside, finalURL: apart} {
		all := w.stored(url, dir)
		if !slices.Equal(all, []string{dir + want[0], dir + want[1]}) {
			t.Fatalf("%s holds %q", url, all)
		}
		e, signer, err := proof.Read(w.object(url, all[0]))
		if err != nil || !signer.Equal(key.Public()) || !e.Passed {
			t.Errorf("%s: %v, signed by %x", url, err, signer)
		}
	}
}

func TestOneTrustedSignerIsEnoughAlsoWhenTheDocumentChangesItsKey(t *testing.T) {
	w := backedUp(t)
	w.o.Trusted = []ed25519.PublicKey{format.Public(w.o.Key)}
	w.restart()
	stop := w.run()
	w.round()
	w.eventually("backup/default/once", is(sinks.JobDone))
	id := reconcile.ID{Kind: backup.KindPolicy, Name: backup.DoesValidation + "/default/weekly"}
	first, second := "", ""
	for _, text := range []*string{&first, &second} {
		*text, _ = pemOf(t)
		key, err := format.PrivateKey([]byte(*text))
		if err != nil {
			t.Fatal(err)
		}
		w.weekly(id, map[string]reconcile.Value{backup.MeansSigner: reconcile.SecretOf(*text)},
			backup.FieldSchedule, "* * * * * *", backup.FieldSigner, base64.StdEncoding.EncodeToString(format.Public(key)))
		delete(w.last, id)
		w.round()
		w.eventually(id.Name, func(sinks.Job) bool {
			all := w.stored(copiesURL, beside)
			if len(all) == 0 {
				return false
			}
			_, signer, err := proof.Read(w.object(copiesURL, all[len(all)-1]))
			return err == nil && signer.Equal(key.Public())
		})
		stop()
		w.restart()
		w.brief()
		stop = w.run()
	}
}

func TestAStoreThatIsAwayFailsNoValidationAndTheNextRunCatchesUp(t *testing.T) {
	w := backedUp(t)
	w.run()
	w.round()
	w.eventually("backup/default/once", is(sinks.JobDone))
	id := reconcile.ID{Kind: backup.KindPolicy, Name: backup.DoesValidation + "/default/weekly"}
	w.weekly(id, nil, backup.FieldSchedule, "* * * * * *", backup.FieldEvidence, "s3://final/proofs", backup.FieldRetention, "24h")
	w.away(finalURL, errors.New("no route to the store"))
	w.round()
	key := "work/main/validation/default/weekly/evidence"
	w.eventually(id.Name, func(sinks.Job) bool { _, open := w.told(key); return open })
	one, _ := w.told(key)
	if text := strings.Join(one.Lines, "\n"); one.Severity != sinks.Warning || !strings.Contains(text, "could not be copied to s3://final/proofs (the next run does it): ") || !strings.Contains(text, "no route") {
		t.Errorf("%+v", one)
	}
	w.away(finalURL, nil)
	w.eventually(id.Name, func(sinks.Job) bool { _, open := w.told(key); return !open })
	if all := w.stored(finalURL, apart); len(all) < 2 || all[0] != apart+"000000000001.json" {
		t.Errorf("it holds %q", all)
	}
}

func TestOnlyStoresOfTheConfigurationTakeEvidence(t *testing.T) {
	w := newWorld(t)
	spec := w.spec(backup.FieldEvidence, "s3://theirs")
	if words := w.refused(spec); !strings.HasPrefix(words, "spec.evidence.storage: no store of the agent's configuration holds s3://theirs") {
		t.Error(words)
	}
	spec[backup.FieldEvidence] = "s3://final/proofs"
	equal(t, "a store of the configuration", w.refused(spec), "")
	spec["evidence.storage.endpoint"] = "https://elsewhere.test"
	if words := w.refused(spec); !strings.Contains(words, "elsewhere.test") {
		t.Errorf("another endpoint: %q", words)
	}
}

func TestAKeyThatIsNoneSignsNothingAndIsInNoMessage(t *testing.T) {
	w, id := proven(t, map[string]reconcile.Value{backup.MeansSigner: reconcile.SecretOf("canary-7731")}, backup.FieldSigner, "x")
	w.round()
	at := w.eventually(id.Name, is(sinks.JobFailing))
	if !strings.Contains(at.Text, "evidence.signing.keySecret") || strings.Contains(at.Text, "canary") {
		t.Error(at.Text)
	}
	if all := w.stored(copiesURL, beside); len(all) > 0 {
		t.Errorf("it holds %q", all)
	}
}

func TestWhatStandsBesideTheBackupAndTheNewestCopyAreNeverRemoved(t *testing.T) {
	w, id := proven(t, nil, backup.FieldEvidence, "s3://final/proofs", backup.FieldRetention, "24h")
	w.round()
	w.eventually(id.Name, is(sinks.JobDone))
	w.Service.o.Now = func() time.Time { return time.Now().Add(25 * time.Hour) }
	h, err := w.homeFor(t.Context(), w.briefOf(id))
	if err != nil {
		t.Fatal(err)
	}
	of := policyRun{id: id, spec: backup.SpecOf(w.want[id].Fields)}
	if _, err := w.writeDown(t.Context(), of, h, proof.Evidence{Version: 1, Kind: "validation"}); err != nil {
		t.Fatal(err)
	}
	if all := w.stored(finalURL, apart); !slices.Equal(all, []string{apart + "000000000001.json"}) {
		t.Errorf("what is the newest there was removed, or what is old by the store's clock copied: %q", all)
	}
	if all := w.stored(copiesURL, beside); len(all) != 2 {
		t.Errorf("beside the backup there is %q", all)
	}
}
