// Package agent is the daemon: it reads its configuration, runs the rounds,
// keeps incidents until they are over, and answers who asks how things stand.
//
// It is made of interfaces. Git, SOPS, kustomize, Kafka and Slack are met in
// the rooms under sources and sinks and handed in by cmd; what is to be done is
// decided in reconcile. Only this package and cmd write log lines.
package agent
