package sinks

// Trouble is what may be wrong with work beside the rounds. It ends the key of
// the incident and is the label of the metric, so both say the same word.
type Trouble string

// The troubles.
const (
	TroubleFailed    Trouble = "failed"    // a run, a job or a final backup
	TroubleFailing   Trouble = "failing"   // a job, and it is tried again
	TroubleLate      Trouble = "late"      // a run is overdue
	TroubleOld       Trouble = "old"       // the newest good point
	TroubleGap       Trouble = "gap"       // retention was faster than the backup
	TroubleVerify    Trouble = "verify"    // a point did not verify
	TroubleProof     Trouble = "proof"     // a validation or a drill did not pass
	TroubleEvidence  Trouble = "evidence"  // evidence is not where it is declared to be
	TroubleUntold    Trouble = "untold"    // a result does not reach whom its document names
	TroubleBad       Trouble = "bad"       // points are no good any more
	TroubleUnread    Trouble = "unread"    // topics, groups or access could not be read
	TroubleHung      Trouble = "hung"      // a transaction
	TroubleEmpty     Trouble = "empty"     // nothing of a topic could be kept
	TroubleRecreated Trouble = "recreated" // a topic
	TroubleTruncated Trouble = "truncated" // a log
	TroublePartial   Trouble = "partial"   // a run ended before everything was copied
	TroubleRetention Trouble = "retention" // old points could not be dropped
	TroublePaused    Trouble = "paused"    // a schedule, by hand
)

// WorkTroubles lists all of them, for metrics.
func WorkTroubles() []Trouble {
	return []Trouble{
		TroubleFailed, TroubleFailing, TroubleLate, TroubleOld, TroubleGap, TroubleVerify, TroubleProof, TroubleEvidence, TroubleUntold, TroubleBad, TroubleUnread,
		TroubleHung, TroubleEmpty, TroubleRecreated, TroubleTruncated, TroublePartial, TroubleRetention, TroublePaused,
	}
}
