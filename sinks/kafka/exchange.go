package kafka

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// answer is what a broker said about one item of a request.
type answer struct {
	code    int16
	message *string
	uid     string
	lost    bool // the answer leaves the item out: it may have happened
}

// failed says what went wrong with one item in words, and whether it may have
// happened nevertheless. right is what it takes.
func (a answer) failed(right string) (words string, unsure bool) {
	if a.lost {
		return "the broker's answer leaves it out", true
	}
	return refusal(a.code, a.message, right), a.code == kerr.RequestTimedOut.Code
}

// verdict is what came of one item.
type verdict struct {
	answer
	err error // no answer came
}

// outcome turns a verdict into what is reported.
func (v verdict) outcome(id reconcile.ID, right string, fields ...string) reconcile.Outcome {
	o := reconcile.Outcome{ID: id, Fields: fields}
	if v.err != nil {
		var unsent *unsentError
		o.Failed, o.Unsure = v.err.Error(), !errors.As(v.err, &unsent)
		return o
	}
	o.Failed, o.Unsure = v.failed(right)
	if o.Failed == "" {
		o.UID = v.uid
	}
	return o
}

// exchange is one kind of write request over a list of items.
type exchange struct {
	items int
	// broker is the only one that answers, by its id; "" is the controller.
	broker string
	// ask builds the request for these items.
	ask func(items []int) kmsg.Request
	// read returns an answer for each of these items, and how long the broker
	// asks to wait, in milliseconds.
	read func(resp kmsg.Response, items []int) ([]answer, int32)
}

// send sends a request and sends again what the broker put off: a throttled
// item, for as long as the context lasts, or one that met a former controller,
// which was not carried out either, for as long as one request may take.
func (c *Cluster) send(ctx context.Context, x exchange) []verdict {
	verdicts := make([]verdict, x.items)
	pending := make([]int, x.items)
	for i := range pending {
		pending[i] = i
	}
	patience := time.Now().Add(c.timeout)
	for len(pending) > 0 {
		resp, err := c.write(ctx, x.broker, x.ask(pending))
		if err != nil {
			for _, i := range pending {
				verdicts[i] = verdict{err: err}
			}
			break
		}
		answers, throttle := x.read(resp, pending)
		var again []int
		for n, i := range pending {
			verdicts[i] = verdict{answer: answers[n]}
			if answers[n].putOff(time.Now().Before(patience)) {
				again = append(again, i)
			}
		}
		if len(again) == 0 || !pause(ctx, throttle) {
			break
		}
		pending = again
	}
	return verdicts
}

// putOff tells an item that is to be sent again.
func (a answer) putOff(patient bool) bool {
	return a.code == kerr.ThrottlingQuotaExceeded.Code || a.code == kerr.NotController.Code && patient
}

// pause waits as long as the broker asked, at least 100 ms; it is false where
// the context ended first.
func pause(ctx context.Context, millis int32) bool {
	timer := time.NewTimer(max(time.Duration(millis)*time.Millisecond, 100*time.Millisecond))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// unanswered is why a request got no answer, nil where it got one.
func unanswered(verdicts []verdict) error {
	for _, v := range verdicts {
		if v.err != nil {
			return v.err
		}
	}
	return nil
}

// millis is how long the controller may take for a request.
func (c *Cluster) millis() int32 {
	return int32(min(c.timeout.Milliseconds(), math.MaxInt32)) //nolint:gosec // bounded
}

// byName pairs the items of a request with its answers, which come in any order.
func byName[T any](items []int, name func(int) string, results []T, read func(T) (string, answer)) []answer {
	answers := make(map[string]answer, len(results))
	for _, r := range results {
		n, a := read(r)
		answers[n] = a
	}
	out := make([]answer, len(items))
	for n, i := range items {
		a, ok := answers[name(i)]
		if !ok {
			a = answer{lost: true}
		}
		out[n] = a
	}
	return out
}

// inOrder reads answers that come in the order of the request.
func inOrder[T any](items []int, results []T, read func(T) answer) []answer {
	out := make([]answer, len(items))
	for n := range items {
		if n < len(results) {
			out[n] = read(results[n])
		} else {
			out[n] = answer{lost: true}
		}
	}
	return out
}
