package patience

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

func dial(why error) error {
	return fmt.Errorf("unable to dial: %w", &net.OpError{Op: "dial", Net: "tcp", Err: why})
}

func TestPassing(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{kerr.NotLeaderForPartition, true},
		{kerr.CoordinatorLoadInProgress, true},
		{kerr.TopicAuthorizationFailed, false},
		{kerr.SaslAuthenticationFailed, false},
		{ErrSilent, true},
		{dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), true},
		{dial(os.NewSyscallError("connect", syscall.EACCES)), false},
		{dial(&net.DNSError{Name: "kafka", IsNotFound: true}), false},
		{dial(&net.DNSError{Name: "kafka", IsTemporary: true}), true},
		{&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, true},
		{context.Canceled, false},
		{errors.New("the topic is not ours"), false},
	} {
		if got := Passing(fmt.Errorf("read offsets: %w", c.err)); got != c.want {
			t.Errorf("%v: %v", c.err, got)
		}
	}
}

// TestABrokerThatIsNotThereYetIsWaitedFor asks a port where nobody listens at
// first, by a real client.
func TestABrokerThatIsNotThereYetIsWaitedFor(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	cl, err := kgo.NewClient(kgo.SeedBrokers(address))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	asked := 0
	err = Do(t.Context(), 10*time.Second, func() error {
		if asked++; asked == 3 {
			return nil
		}
		return cl.Ping(t.Context())
	})
	if err != nil || asked != 3 {
		t.Errorf("asked %d times: %v", asked, err)
	}
}

func TestPatienceEnds(t *testing.T) {
	err := Do(t.Context(), 10*time.Millisecond, func() error { return kerr.LeaderNotAvailable })
	if !errors.Is(err, kerr.LeaderNotAvailable) {
		t.Errorf("got %v", err)
	}
	asked := 0
	if err := Do(t.Context(), time.Hour, func() error { asked++; return kerr.InvalidTopicException }); !errors.Is(err, kerr.InvalidTopicException) || asked != 1 {
		t.Errorf("asked %d times: %v", asked, err)
	}
}
