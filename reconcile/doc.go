// Package reconcile is the pure heart of Ottla: it compares what Git declares
// with what lives in a cluster and says, as a value, what is to be done.
//
// The words used here, and everywhere else in the program:
//
//   - A Resource is wanted, a Live is what was observed, both as flat fields in
//     canonical spelling, so that one diff, one set of guards and one printer
//     serve every kind.
//   - A Plan is a value. Diff makes it from values alone: no clock, no I/O.
//   - A Kind is where an outside system is met; a Ledger is the durable journal
//     of what we did, and State is that journal folded into a value.
//   - A change is held (a person must confirm), waiting (ends by itself),
//     refused (never as written) or reported (told, not carried out).
//
// The package imports the standard library only and leaves every outside
// system to the rooms that own it: sources read Git, sinks write to clusters,
// agent runs the rounds.
package reconcile
