// Package demo is the stage of `ottla demo`: a Kafka in this process, a Git
// repository with the example platform, a configuration, and a hand that
// changes things behind Git's back. Everything lies in one folder. The agent
// that plays on it is the real one, and belongs to the caller.
package demo
