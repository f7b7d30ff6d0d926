// Package patience tells which failures of a Kafka cluster pass by, and asks
// again while they do: a broker restarts, a leader is elected, a coordinator
// loads.
package patience

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// ErrSilent is an answer that leaves out what was asked: the cluster is about
// to change.
var ErrSilent = errors.New("the broker's answer leaves it out")

// Passing tells a failure that may be over soon. A refused connection is one: it
// is what a broker that restarts looks like. A caller that has never reached the
// cluster asks once without patience, so that a wrong address is told at once.
func Passing(err error) bool {
	var code *kerr.Error
	if errors.As(err, &code) {
		return code.Retriable
	}
	return errors.Is(err, ErrSilent) || kgo.IsRetryableBrokerErr(err) || refused(err)
}

// refused tells a dial that may succeed later. kgo leaves it to its callers.
func refused(err error) bool {
	var dial *net.OpError
	if !errors.As(err, &dial) || dial.Op != "dial" {
		return false
	}
	var name *net.DNSError
	unknown := errors.As(err, &name) && name.IsNotFound
	return !unknown && !errors.Is(err, syscall.EACCES) && !errors.Is(err, syscall.EPERM)
}

// Ask asks again while the failure is a passing one, for as long as the limit
// allows. The last failure is returned.
func Ask[T any](ctx context.Context, limit time.Duration, ask func() (T, error)) (T, error) {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 50*time.Millisecond, 2*time.Second
	return backoff.Retry(ctx, func() (T, error) {
		v, err := ask()
		if err != nil && !Passing(err) {
			return v, backoff.Permanent(err)
		}
		return v, err
	}, backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(limit))
}

// Do is Ask for what has no answer but success.
func Do(ctx context.Context, limit time.Duration, do func() error) error {
	_, err := Ask(ctx, limit, func() (struct{}, error) { return struct{}{}, do() })
	return err
}
