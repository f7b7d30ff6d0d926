// Package kafka is where an Apache Kafka cluster is met: a cluster as a set of
// kinds, one file a kind, and the documents that declare them.
//
// If you look for
//
//   - how a connection is made and secrets are read: options.go, login.go
//   - how a request reaches the controller and a refusal becomes words: client.go
//   - how a request about many things is sent again and answered item by item:
//     exchange.go; what of a change is carried out: changes.go
//   - topics: topic.go and topic_describe.go observe, topic_apply.go begins a
//     change, topic_check.go lets the broker validate, config.go spells values
//   - SCRAM credentials: user.go; access: acl.go; quotas: quota.go
//   - how a password is proven: prove.go
//   - what may not happen and what loses data: rules.go, topic_rules.go
//   - what we may do on a cluster: rights.go
//   - documents to wanted resources: document_*.go
//
// Everything is observed with plain requests, never through a client's cache,
// and spelled canonically, so that what is declared and what lives compare
// equal. Nothing here decides what is to be done: that is reconcile's. Nothing
// here logs.
package kafka
