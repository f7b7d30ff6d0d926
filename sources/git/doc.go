// Package git meets Git: it gives the newest commit of a ref as a read-only
// tree straight over the object store, keeps one bare clone a repository and
// fetches only what is new, answers whether one commit descends from another,
// and verifies the webhooks of the forges, which only say "look now". A plain
// directory is a source too. What the files mean is left to the rooms beside
// it; nothing here writes to a remote.
package git
