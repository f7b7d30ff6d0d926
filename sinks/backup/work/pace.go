package work

import (
	"time"

	"github.com/ottla-io/ottla/sinks"
)

// paceOver is about how far back a rate looks: pauses and what an earlier try
// did are no part of it.
const paceOver = 30 * time.Second

// pace measures how fast a job is now.
type pace struct{ old, recent reading }

type reading struct {
	at   time.Time
	done int64
}

// see takes note of how far the job is. What goes back began anew.
func (p *pace) see(now time.Time, done int64) {
	switch {
	case p.old.at.IsZero() || done < p.recent.done:
		p.old, p.recent = reading{now, done}, reading{now, done}
	case now.Sub(p.recent.at) >= paceOver:
		p.old, p.recent = p.recent, reading{now, done}
	}
}

// show says how fast a job that runs is, and how long it will take.
func (p *pace) show(now time.Time, j *sinks.Job) {
	took := now.Sub(p.old.at)
	if j.State != sinks.JobRunning || p.old.at.IsZero() || took < time.Second || j.Done <= p.old.done {
		return
	}
	j.PerSecond = float64(j.Done-p.old.done) / took.Seconds()
	if j.Total > j.Done {
		j.LeftSeconds = int64(float64(j.Total-j.Done)/j.PerSecond) + 1
	}
}
