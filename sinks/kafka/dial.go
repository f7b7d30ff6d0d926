package kafka

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Dial opens a client of its own to a cluster that answers, for whoever copies
// records from it or to it. The caller closes it. More is what the client is for.
func Dial(ctx context.Context, o Options, more ...kgo.Opt) (*kgo.Client, error) {
	c, err := connect(ctx, o, more...)
	if err != nil {
		return nil, fmt.Errorf("reach %s: %w", o.Brokers[0], err)
	}
	return c.client, nil
}
