package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// metadata is asked of the brokers themselves: a client's cache would show
// yesterday's topics.
func (c *Cluster) metadata(ctx context.Context, req *kmsg.MetadataRequest) (*kmsg.MetadataResponse, error) {
	resp, err := req.RequestWith(ctx, c.client)
	if err != nil {
		return nil, err
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return nil, err
	}
	return resp, nil
}

// write asks the controller, once. A request that changes something is never
// repeated by the client: its second answer would be about its own first try.
func (c *Cluster) write(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	m, err := c.metadata(ctx, emptyMetadata())
	if err != nil {
		return nil, &unsentError{err}
	}
	if m.ControllerID < 0 {
		return nil, &unsentError{errors.New("the cluster has no controller at the moment")}
	}
	resp, err := c.client.Broker(int(m.ControllerID)).Request(ctx, req)
	if dial := (*net.OpError)(nil); errors.As(err, &dial) && dial.Op == "dial" {
		return nil, &unsentError{err}
	}
	return resp, err
}

// unsentError is a failure before the request left: nothing can have happened.
type unsentError struct{ err error }

func (e *unsentError) Error() string { return "not sent: " + e.err.Error() }
func (e *unsentError) Unwrap() error { return e.err }

// answer is what a broker said about one item of a request.
type answer struct {
	code    int16
	message *string
	uid     string
}

// failed says what went wrong with one item in words, and whether it may have
// happened nevertheless. right is what it takes.
func (a answer) failed(right string) (words string, unsure bool) {
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
	// ask builds the request for these items.
	ask func(items []int) kmsg.Request
	// read returns an answer for each of these items, and how long the broker
	// asks to wait, in milliseconds.
	read func(resp kmsg.Response, items []int) ([]answer, int32)
}

// send sends a request and sends again what the broker put off: a throttled
// item or one that met a former controller was not carried out.
func (c *Cluster) send(ctx context.Context, x exchange) []verdict {
	verdicts := make([]verdict, x.items)
	pending := make([]int, x.items)
	for i := range pending {
		pending[i] = i
	}
	for len(pending) > 0 {
		resp, err := c.write(ctx, x.ask(pending))
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
			if putOff(answers[n].code) {
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

func putOff(code int16) bool {
	return code == kerr.ThrottlingQuotaExceeded.Code || code == kerr.NotController.Code
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

// verdicts are the refusals among what a check found, field by field.
func verdicts(outcomes []reconcile.Outcome) []reconcile.Verdict {
	var out []reconcile.Verdict
	for _, o := range outcomes {
		if o.Failed == "" {
			continue
		}
		if len(o.Fields) == 0 {
			out = append(out, reconcile.Verdict{ID: o.ID, Refused: o.Failed})
		}
		for _, f := range o.Fields {
			out = append(out, reconcile.Verdict{ID: o.ID, Field: f, Refused: o.Failed})
		}
	}
	return out
}

// refusal is a broker's answer in words, "" where it agreed. right is what it
// takes, for an answer that says no more than that it is missing.
func refusal(code int16, message *string, right string) string {
	if code == 0 {
		return ""
	}
	e := kerr.TypedErrorForCode(code)
	switch code {
	case kerr.TopicAuthorizationFailed.Code, kerr.ClusterAuthorizationFailed.Code, kerr.GroupAuthorizationFailed.Code:
		return fmt.Sprintf("the right %s is missing (%s)", right, e.Message)
	case kerr.SecurityDisabled.Code:
		return noAuthorizer
	case kerr.TopicDeletionDisabled.Code:
		return "topics cannot be deleted: delete.topic.enable is false on the brokers"
	}
	if message != nil && *message != "" {
		return fmt.Sprintf("%s (%s)", *message, e.Message)
	}
	return fmt.Sprintf("%s (%s)", e.Description, e.Message)
}

// noAuthorizer is said where ACLs mean nothing.
const noAuthorizer = "no authorizer is configured on the brokers"

// offers tells whether the brokers know a request.
func (c *Cluster) offers(ctx context.Context, key int16) (bool, error) {
	resp, err := kmsg.NewPtrApiVersionsRequest().RequestWith(ctx, c.client)
	if err != nil {
		return false, fmt.Errorf("ask for API versions: %w", err)
	}
	return slices.ContainsFunc(resp.ApiKeys, func(k kmsg.ApiVersionsResponseApiKey) bool { return k.ApiKey == key }), nil
}

// explain says where a request failed because the brokers do not know it.
func (c *Cluster) explain(ctx context.Context, err error, req kmsg.Request) error {
	if offered, ask := c.offers(ctx, req.Key()); ask == nil && !offered {
		return fmt.Errorf("the brokers do not offer %s", kmsg.NameForKey(req.Key()))
	}
	return err
}

// steps are the fields of a change that go ahead: what is held, waiting or
// refused stays in the plan and is not carried out.
func steps(c reconcile.Change) []reconcile.FieldChange {
	return slices.DeleteFunc(slices.Clone(c.Fields), func(f reconcile.FieldChange) bool {
		return !f.Fate.Clear() || !(f.To.Is(reconcile.Text) || f.To.Is(reconcile.Secret) || f.To.Is(reconcile.Unset))
	})
}

// cleared leaves out what is not to be carried out, notes among them.
func cleared(changes []reconcile.Change) []reconcile.Change {
	return slices.DeleteFunc(slices.Clone(changes), func(c reconcile.Change) bool {
		return !c.Fate.Clear() || c.Action == reconcile.Note
	})
}

func failure(id reconcile.ID, words string, fields ...string) reconcile.Outcome {
	return reconcile.Outcome{ID: id, Fields: fields, Failed: words}
}

func fieldNames(fields []reconcile.FieldChange) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = f.Name
	}
	return out
}
