// Package ledger is the ledger as a compacted topic of the cluster that it is
// about, and the election of the agent that writes it.
//
// If you look for
//
//   - what stands in the topic, and how it is read: record.go, table.go, fold.go
//   - how it is followed while another agent writes it: tail.go
//   - how it is written, in transactions under one transactional id: write.go
//   - who may write: group.go elects, reign.go takes over, lease.go holds
//   - the topic itself, and whether it is the one this machine knew: topic.go
//   - moving it from and to a file: move.go; who there is: agents.go
//
// Topic, consumer group and transactional id have one name. A member of the
// group to which partition 0 was assigned is elected; only then it initialises
// the transactional id, which fences whoever wrote before, so that an agent that
// starts never disturbs one that leads. It reads to the end, waits until nothing
// of its predecessor can still arrive, and leads.
//
// A transaction that fails ends the reign: what is in the topic is then not
// known, and is read again by whoever leads next. Kafka fences nothing but
// transactional writes, so everything else that an agent writes is asked for by
// Hold, right before it leaves.
package ledger
