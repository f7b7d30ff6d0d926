// Package show prints what commands found: for people, or as JSON and YAML of
// the same values. It decides nothing; colours and marks are here, the words
// of a plan are reconcile's.
package show
