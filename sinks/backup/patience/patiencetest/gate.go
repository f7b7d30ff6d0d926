// Package patiencetest takes a cluster away from a test and gives it back.
package patiencetest

import (
	"context"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// Gate is a network that can be shut: connections end, and new ones are refused
// as those of a broker that restarts are. The zero Gate is open. It is safe for
// concurrent use.
type Gate struct {
	mu   sync.Mutex
	shut bool
	open []net.Conn
}

// Dial is for kgo.Dialer.
func (g *Gate) Dial(ctx context.Context, network, host string) (net.Conn, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	c, err := (&net.Dialer{}).DialContext(ctx, network, host)
	if err == nil {
		g.open = append(g.open, c)
	}
	return c, err
}

// Shut ends all connections, and opens the gate again after a while.
func (g *Gate) Shut(d time.Duration) {
	g.set(true)
	time.AfterFunc(d, func() { g.set(false) })
}

func (g *Gate) set(shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = shut
	for _, c := range g.open {
		_ = c.Close()
	}
	g.open = nil
}
