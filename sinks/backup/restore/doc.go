// Package restore gives a point back to a cluster: records, topics, groups. Its
// progress is read from the target itself.
//
// A restore has a record in the backup repository, restores/NAME, that says
// before the first byte is written where in the target everything begins, and
// in which producer session. From then on the end offset of a target partition
// says what is in it already, and the session's sequence numbers say so to the
// broker, so that nothing is lost or doubled by a restore that was killed.
//
// What is written where, and in which batches, is a pure function of the point
// and the options: see stream and cutter.
package restore
