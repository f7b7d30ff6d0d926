package capture

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

const (
	defaultMemory   = 256 << 20
	defaultPack     = 64 << 20
	defaultLease    = time.Minute
	defaultFull     = 30 * 24 * time.Hour
	defaultPatience = 5 * time.Minute
	defaultConns    = 4
	// defaultLong leaves the other half of what a commit allows to the uploads.
	defaultLong = repository.SweepGrace / 4
	// smallestMemory is what the machinery needs to turn at all.
	smallestMemory = 16 << 20
)

// complete fills in what is left to us, and refuses what cannot be.
func (o Options) complete() (Options, error) {
	if o.Dial == nil || o.Repository == nil {
		return o, errors.New("a backup run needs a cluster and a repository")
	}
	if len(o.Topics) == 0 {
		return o, errors.New("a backup run needs topics: name them, or give a glob such as * for all")
	}
	o.PackSize = fallback(o.PackSize, defaultPack)
	o.Memory = max(fallback(o.Memory, defaultMemory), smallestMemory)
	o.Connections = fallback(o.Connections, defaultConns)
	o.LeaseTTL = fallback(o.LeaseTTL, defaultLease)
	o.FullEvery = fallback(o.FullEvery, defaultFull)
	o.Patience = fallback(o.Patience, defaultPatience)
	o.LongRun = fallback(o.LongRun, defaultLong)
	if o.Mode == "" {
		o.Mode = Verbatim
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Progress, o.Step = alone(o.Progress), alone(o.Step)
	return o.checked()
}

func (o Options) checked() (Options, error) {
	if o.Mode != Verbatim && o.Mode != Repack {
		return o, fmt.Errorf("mode %q of a backup is not known: verbatim and repack are", o.Mode)
	}
	switch o.Codec {
	case "none":
		o.Codec = format.Plain
	case format.Plain, format.LZ4, format.Zstd:
	default:
		return o, fmt.Errorf("compression %q of a backup is not known: none, lz4 and zstd are", o.Codec)
	}
	return o, nil
}

func fallback[T int | int64 | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

// alone makes a callback, which may be nil, one that is called by one goroutine
// at a time.
func alone[T any](call func(T)) func(T) {
	if call == nil {
		return func(T) {}
	}
	var mu sync.Mutex
	return func(v T) {
		mu.Lock()
		defer mu.Unlock()
		call(v)
	}
}
