package sinks

import "time"

// Job is work that takes longer than a round, as people see it: a scheduled
// backup, a restore, an offset reset, a drill, a final backup.
type Job struct {
	ID      string   `json:"id"`                // backup/default/nightly, restore/default/orders-of-tuesday, final/orders
	Cluster string   `json:"cluster,omitempty"` // whose sync it belongs to
	State   JobState `json:"state"`
	Text    string   `json:"text,omitempty"` // its phase, or why it does not go on
	Done    int64    `json:"done"`
	Total   int64    `json:"total,omitempty"` // 0: not known
	Unit    string   `json:"unit,omitempty"`  // of Done and Total: records, bytes, partitions
	Point   int64    `json:"point,omitempty"` // that was made, or is given back
	// PerSecond is how much of Unit a job that runs does now, and LeftSeconds how
	// long the rest takes at that; 0 where it is not known.
	PerSecond   float64 `json:"perSecond,omitempty"`
	LeftSeconds int64   `json:"leftSeconds,omitempty"`
	// Began and Ended are of the last run; Next is when a schedule fires.
	Began time.Time `json:"began,omitzero"`
	Ended time.Time `json:"ended,omitzero"`
	Next  time.Time `json:"next,omitzero"`
	// Alerts are what people should know of the last run, though it succeeded.
	Alerts []JobAlert `json:"alerts,omitempty"`
	// HeldAt is when a run was last given up because another writer works there.
	HeldAt time.Time `json:"heldAt,omitzero"`
}

// JobAlert is one thing that a run saw.
type JobAlert struct {
	Kind  Trouble `json:"kind"`
	Topic string  `json:"topic,omitempty"`
	Text  string  `json:"text"`
}

// JobState is how a job is, in one word.
type JobState string

// The states of jobs.
const (
	JobWaiting   JobState = "waiting"   // for its time, or for another run
	JobRunning   JobState = "running"   //
	JobPaused    JobState = "paused"    // until a person resumes it
	JobFailing   JobState = "failing"   // it failed, and is tried again
	JobSuspended JobState = "suspended" // its document says so
	JobDone      JobState = "done"
	JobFailed    JobState = "failed"
	JobCancelled JobState = "cancelled"
)

// JobStates lists all of them, for metrics.
func JobStates() []JobState {
	return []JobState{JobWaiting, JobRunning, JobPaused, JobFailing, JobSuspended, JobDone, JobFailed, JobCancelled}
}

// JobAction is what a person asks of a job.
type JobAction string

// The actions.
const (
	PauseJob  JobAction = "pause"
	ResumeJob JobAction = "resume"
	CancelJob JobAction = "cancel"
)

// WorkFigures are what metrics about work beside the rounds are made of.
// Counts are since the start of the process.
type WorkFigures struct {
	Runs    map[string]int64 // backup runs by outcome: ok, failed
	Proofs  map[string]int64 // validations and drills by outcome: ok, failed, error
	Read    int64            // bytes that were new, as the brokers had them
	Stored  int64            // bytes written to stores
	Objects int64            // written to stores
	Took    time.Duration    // of all runs
	// Oldest is the age of the newest good point of that policy which is worst
	// off; Late is how long the run that is most overdue has been due.
	Oldest time.Duration
	Late   time.Duration
	// Restored of Restoring records are back, of all restores under way.
	Restored, Restoring int64
	Jobs                map[JobState]int
	Open                map[Trouble]int // incidents, by what is wrong: see WorkTroubles
}
