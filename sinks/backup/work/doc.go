// Package work runs what documents about backups declare: policies on their
// schedules, jobs once, and the final backup of a topic before it is deleted.
// It meets the buckets as two live kinds, BackupPolicy and Job, so that a plan
// shows what a commit changes about them. All that takes longer than a round
// goes on beside the rounds, is told in incidents and figures, and is found
// again after a restart in the backup repositories themselves: what a process
// remembers only saves a look.
//
// If you look for
//   - what is declared and where it lives: policies.go, jobs.go, home.go
//   - when something runs: keeper.go
//   - what a run does: run_*.go
//   - what is told: incidents.go, figures.go
package work
