package work

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
)

// atWork is a restore under way, in a bubble.
func atWork() *job {
	id := reconcile.ID{Kind: backup.KindJob, Name: "restore/default/x"}
	return newJob(id, record{State: sinks.JobRunning, Began: time.Now()}, time.Now, func() {})
}

func (j *job) reach(done, total int64) {
	j.progress(func(v *sinks.Job) {
		v.Done, v.Total, v.Unit, v.Text = done, total, "records", "records: 1 of 2 partitions"
	})
}

func TestARateIsOfTheLastHalfMinuteAndNotOfPausesAndEarlierTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := atWork()
		<-time.After(5 * time.Hour) // it was paused
		for i := range int64(100) {
			j.reach(1000+100*i, 21000)
			<-time.After(time.Second)
		}
		if v := j.view(); v.PerSecond < 95 || v.PerSecond > 105 || v.LeftSeconds < 95 || v.LeftSeconds > 110 {
			t.Errorf("%.0f a second, %d seconds left", v.PerSecond, v.LeftSeconds)
		}
		j.reach(0, 21000) // another try
		<-time.After(10 * time.Second)
		j.reach(50, 21000)
		if v := j.view(); v.PerSecond != 5 {
			t.Errorf("%.0f a second after it began anew", v.PerSecond)
		}
	})
}

func TestARestoreThatFailedOnceAndGetsOnIsNotFailing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := atWork()
		s := New(Options{Cluster: "main", Now: time.Now})
		s.jobs[j.id], s.briefs[j.id] = j, brief{id: j.id, declared: true}
		j.reach(500, 1000)
		j.failed(errors.New("the broker is away"))
		j.reach(0, 1000)
		j.reach(500, 1000) // what it had before is no progress
		one := s.Incidents()
		if v := j.view(); v.State != sinks.JobFailing || v.Text != "the broker is away" || len(one) != 1 || !strings.Contains(one[0].Lines[0], "the broker is away") {
			t.Errorf("%+v, %+v", v, one)
		}
		j.reach(501, 1000)
		if v := j.view(); v.State != sinks.JobRunning || v.Text != "records: 1 of 2 partitions" || len(s.Incidents()) > 0 {
			t.Errorf("%+v, %+v", v, s.Incidents())
		}
		equal(t, "the next pause", j.failuresNow(), 1)
	})
}
