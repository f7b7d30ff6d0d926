package work

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/backup/capture"
	"github.com/ottla-io/ottla/sinks/backup/restore"
)

// restoreSpec restores orders under another name.
func (w *world) restoreSpec(more ...string) backup.Spec {
	s := backup.Spec{
		backup.FieldDoes: backup.DoesRestore, backup.FieldBackup: "default/once", backup.FieldTopics: "orders",
		"rename.orders": "orders-2", "create": "true", backup.FieldCluster: w.kafka.ListenAddrs()[0],
	}
	for i := 0; i < len(more); i += 2 {
		s[more[i]] = more[i+1]
	}
	return s
}

// backedUp is a world with one topic and one point.
func backedUp(t *testing.T, change ...func(*Options)) *world {
	w := newWorld(t, change...)
	w.topic("orders", "a", "b", "c")
	w.declare(jobOf(backup.DoesBackup, "once"), w.spec())
	return w
}

func (w *world) end(topic string) int64 {
	w.Helper()
	ends, err := w.adm.ListEndOffsets(w.Context(), topic)
	if err != nil {
		w.Fatal(err)
	}
	o, _ := ends.Lookup(topic, 0)
	return o.Offset
}

func TestABackupWithoutAScheduleAndARestoreAreCarriedOutOnce(t *testing.T) {
	w := backedUp(t)
	stop := w.run()
	w.round()
	w.eventually("backup/default/once", is(sinks.JobDone))
	id := jobOf(backup.DoesRestore, "again")
	w.declare(id, w.restoreSpec())
	w.round()
	j := w.eventually("restore/default/again", is(sinks.JobDone))
	if !strings.Contains(j.Text, "3 records of point 1 restored") || w.end("orders-2") != 3 {
		t.Errorf("%+v, %d records", j, w.end("orders-2"))
	}
	stop()
	w.restart()
	w.run()
	live, there, err := w.observe(id)
	if err != nil || !there || !live.Done {
		t.Errorf("a new process does not learn that it is done: %+v, %v", live, err)
	}
	w.touch()
	if w.end("orders-2") != 3 {
		t.Error("it was carried out again")
	}
}

func TestADryRunIsReportedAndWritesNothing(t *testing.T) {
	w := backedUp(t)
	w.run()
	w.round()
	w.eventually("backup/default/once", is(sinks.JobDone))
	w.declare(jobOf(backup.DoesRestore, "dry"), w.restoreSpec(backup.FieldDryRun, "true"))
	w.round()
	j := w.eventually("restore/default/dry", is(sinks.JobDone))
	if !strings.Contains(j.Text, "dry run: 3 records") || w.end("orders-2") != 0 {
		t.Errorf("%+v, %d records", j, w.end("orders-2"))
	}
}

// stuck makes restores hang until they are told to stop, and counts them.
func (w *world) stuck(began chan<- string) {
	w.engine.check = func(context.Context, restore.Options) (restore.Plan, error) {
		return restore.Plan{Point: 1, Topics: []restore.TopicPlan{{Source: "orders", Target: "orders-2"}}}, nil
	}
	w.engine.restore = func(ctx context.Context, o restore.Options) (restore.Report, error) {
		began <- o.Name
		<-ctx.Done()
		return restore.Report{}, ctx.Err()
	}
}

func TestAJobGoesOnAfterARestartUnderItsName(t *testing.T) {
	w := backedUp(t)
	began := make(chan string, 10)
	w.stuck(began)
	stop := w.run()
	w.round()
	id := jobOf(backup.DoesRestore, "again")
	w.declare(id, w.restoreSpec())
	w.round()
	first := <-began
	live, _, err := w.observe(id)
	if err != nil || live.Done || !slices.Contains(live.Claims, reconcile.ID{Kind: "Topic", Name: "orders-2"}) {
		t.Errorf("it does not claim what it works on: %+v, %v", live, err)
	}
	stop()
	w.restart()
	w.stuck(began)
	live, there, err := w.observe(id)
	if !there || err != nil {
		t.Fatalf("its record is gone: %v", err)
	}
	if !slices.Contains(live.Claims, reconcile.ID{Kind: "Topic", Name: "orders-2"}) {
		t.Errorf("before it goes on it claims %v", live.Claims)
	}
	w.run()
	w.touch()
	if again := <-began; again != first {
		t.Errorf("it went on as %s, not as %s", again, first)
	}
}

func TestAJobIsPausedResumedAndCancelledByHand(t *testing.T) {
	w := backedUp(t)
	began := make(chan string, 10)
	w.stuck(began)
	stop := w.run()
	w.round()
	w.declare(jobOf(backup.DoesRestore, "again"), w.restoreSpec())
	w.round()
	<-began
	for _, one := range []struct {
		do   sinks.JobAction
		want sinks.JobState
	}{{sinks.PauseJob, sinks.JobPaused}, {sinks.ResumeJob, sinks.JobRunning}} {
		j, err := w.Steer(t.Context(), "restore/default/again", one.do)
		if err != nil || j.State != one.want {
			t.Fatalf("%s: %+v, %v", one.do, j, err)
		}
	}
	<-began
	if _, err := w.Steer(t.Context(), "restore/default/again", sinks.PauseJob); err != nil {
		t.Fatal(err)
	}
	stop()
	w.restart()
	w.stuck(began)
	w.run()
	_, _, _ = w.observe(jobOf(backup.DoesRestore, "again"))
	w.touch()
	w.eventually("restore/default/again", is(sinks.JobPaused))
	if j, err := w.Steer(t.Context(), "restore/default/again", sinks.CancelJob); err != nil || j.State != sinks.JobCancelled {
		t.Fatalf("%+v, %v", j, err)
	}
	if _, err := w.Steer(t.Context(), "restore/default/again", sinks.ResumeJob); err == nil {
		t.Error("a cancelled job is resumed")
	}
	if len(began) > 0 {
		t.Error("a paused job went on after a restart")
	}
}

func TestRemovingItsDocumentCancelsAJob(t *testing.T) {
	w := backedUp(t)
	began := make(chan string, 10)
	w.stuck(began)
	w.run()
	w.round()
	id := jobOf(backup.DoesRestore, "again")
	w.declare(id, w.restoreSpec())
	w.round()
	<-began
	w.declare(id, nil)
	w.round()
	if _, there, err := w.observe(id); there || err != nil {
		t.Errorf("it is still there: %v", err)
	}
}

func TestWhatABackupThatIsMadeOnceSawIsToldAlsoAfterARestart(t *testing.T) {
	w := backedUp(t)
	run := w.engine.capture
	w.engine.capture = func(ctx context.Context, o capture.Options) (capture.Report, error) {
		report, err := run(ctx, o)
		report.Alerts = []capture.Alert{{Kind: "gap", Topic: "orders", Words: "offsets 0 to 4 are gone"}, {Kind: "partial", Words: "six hours"}}
		return report, err
	}
	stop := w.run()
	w.round()
	w.eventually("backup/default/once", is(sinks.JobDone))
	want := []string{"work/main/backup/default/once/gap", "work/main/backup/default/once/partial"}
	equal(t, "told", keys(w.Incidents()), want)
	stop()
	w.restart()
	if _, _, err := w.observe(jobOf(backup.DoesBackup, "once")); err != nil {
		t.Fatal(err)
	}
	equal(t, "told after a restart", keys(w.Incidents()), want)
}

func TestAJobThatFailsIsToldAndTriedAgain(t *testing.T) {
	w := backedUp(t)
	w.engine.check = func(context.Context, restore.Options) (restore.Plan, error) {
		return restore.Plan{Problems: []restore.Problem{{Where: "topic orders-2", Text: "it holds 5 records", Hint: "append or purge"}}}, nil
	}
	w.run()
	w.round()
	w.declare(jobOf(backup.DoesRestore, "again"), w.restoreSpec())
	w.round()
	j := w.eventually("restore/default/again", is(sinks.JobFailing))
	if !strings.Contains(j.Text, "topic orders-2: it holds 5 records (append or purge)") {
		t.Errorf("%+v", j)
	}
	equal(t, "told", keys(w.Incidents()), []string{"work/main/restore/default/again/failing"})
}

func TestGroupsAreResetAndPutBack(t *testing.T) {
	w := newWorld(t)
	w.topic("orders", "a", "b", "c")
	cl := w.client(kgo.ConsumerGroup("billing"), kgo.ConsumeTopics("orders"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit())
	if err := cl.PollFetches(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	reset := backup.Spec{backup.FieldDoes: backup.DoesReset, "groups": "billing", "strategy": "to-offset", "offset": "1", backup.FieldTopics: "orders", backup.FieldCluster: w.kafka.ListenAddrs()[0]}
	w.run()
	w.declare(jobOf(backup.DoesReset, "back"), reset)
	w.round()
	j := w.eventually("offset-reset/default/back", is(sinks.JobFailing))
	if !strings.Contains(j.Text, "consumer group billing has 1 members: consumer groups have members and were left alone") {
		t.Errorf("a live group: %+v", j)
	}
	if err := errors.Join(cl.CommitUncommittedOffsets(t.Context())); err != nil {
		t.Fatal(err)
	}
	cl.Close()
	again := w.Service
	if _, err := again.Steer(t.Context(), "offset-reset/default/back", sinks.PauseJob); err != nil {
		t.Fatal(err)
	}
	if _, err := again.Steer(t.Context(), "offset-reset/default/back", sinks.ResumeJob); err != nil {
		t.Fatal(err)
	}
	w.eventually("offset-reset/default/back", is(sinks.JobDone))
	equal(t, "after the reset", w.committed("billing"), 1)
	w.declare(jobOf(backup.DoesRollback, "forth"), backup.Spec{
		backup.FieldDoes: backup.DoesRollback, "snapshot": "x", "snapshot.reset": "back", backup.FieldCluster: w.kafka.ListenAddrs()[0],
	})
	w.round()
	w.eventually("offset-rollback/default/forth", is(sinks.JobDone))
	if got := w.committed("billing"); got == 1 {
		t.Errorf("after the rollback: %d", got)
	}
}

func (w *world) committed(group string) int64 {
	w.Helper()
	got, err := w.adm.FetchOffsets(w.Context(), group)
	if err != nil {
		w.Fatal(err)
	}
	o, ok := got.Lookup("orders", 0)
	if !ok {
		return -1
	}
	return o.At
}

func TestTwoTextsOfOneNameAreTwoRestores(t *testing.T) {
	w := newWorld(t)
	a, b := policyRun{id: jobOf(backup.DoesRestore, "x"), spec: w.restoreSpec()}, policyRun{id: jobOf(backup.DoesRestore, "x"), spec: w.restoreSpec("from", "2026-01-01T00:00:00Z")}
	if restoreName(a) == restoreName(b) || !strings.HasPrefix(restoreName(a), "default.x-") {
		t.Errorf("%s and %s", restoreName(a), restoreName(b))
	}
	if time.Duration(0) != b.spec.Duration("from") || b.spec.Time("from").Year() != 2026 {
		t.Error("a moment is read as a time span")
	}
}
