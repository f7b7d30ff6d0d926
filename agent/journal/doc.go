// Package journal is the ledger as a file: one for a cluster, a line for each
// entry, flushed to the disk before Append returns.
//
// A line is a CRC-32C in eight hex digits, a space and JSON. The first line is
// a header with the format's version, the second a snapshot of the state if
// the file was ever compacted, the others are entries in sequence. A file is
// only ever born whole: written beside, flushed and renamed. So a line that is
// cut off can only be the last one of a crash in the middle of a write, whose
// Append never returned: it is dropped. Everything else that is wrong is
// damage, and is told with the way out; a ledger is never taken for empty.
//
// What an entry means is reconcile's business (State.Fold).
package journal
