// Command ottla keeps Kafka clusters as Git declares them. As a daemon
// (`ottla run`) it stands beside the brokers; its other commands show and do
// the same things once.
//
// One thin file a command; wire.go is the only file that imports every room
// and lists what the binary is made of. What a command prints is made in show,
// what `init` writes in scaffold, what `demo` plays in demo.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(start()) }

// start runs the command line until it ends or a signal ends it. A second
// signal ends the process at once.
func start() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	a := &app{out: os.Stdout, err: os.Stderr, step: faults()}
	return a.execute(ctx, os.Args[1:])
}
