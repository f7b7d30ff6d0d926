// Package bench measures Ottla against the bare limit, in the same run and on
// the same real Kafka: every figure is a ratio, because machines differ.
// `make bench` runs it.
package bench
