package work

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/pagerduty"
	"github.com/ottla-io/ottla/sinks/slack"
)

const canarySecret = "canary-4711"

// desk is Slack and PagerDuty, and what they were told: the text of a message,
// or the action and the key of an event.
type desk struct {
	*httptest.Server
	mu     sync.Mutex
	told   []string
	refuse int // the status that both answer
}

func newDesk(t *testing.T) *desk {
	d := &desk{}
	d.Server = httptest.NewServer(http.HandlerFunc(d.serve))
	t.Cleanup(d.Close)
	return d
}

func (d *desk) serve(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var said struct {
		Text        string
		Attachments []struct{ Text string }
		Action      string `json:"event_action"`
		Key         string `json:"routing_key"`
		Dedup       string `json:"dedup_key"`
	}
	_ = json.NewDecoder(r.Body).Decode(&said)
	known := r.URL.Path == "/services/"+canarySecret || said.Key == canarySecret
	switch {
	case d.refuse != 0:
		w.WriteHeader(d.refuse)
	case !known:
		w.WriteHeader(http.StatusForbidden)
	case said.Action != "":
		d.told = append(d.told, said.Action+" "+said.Dedup)
		w.WriteHeader(http.StatusAccepted)
	default:
		d.told = append(d.told, said.Text+"\n"+said.Attachments[0].Text)
	}
}

func (d *desk) answer(status int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refuse = status
}

// heard waits until something was told, and counts how often.
func (d *desk) heard(t *testing.T, what string) int {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-time.After(5 * time.Millisecond) {
		if n := d.count(what); n > 0 {
			return n
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	t.Fatalf("nobody was told %q; what was told: %q", what, d.told)
	return 0
}

func (d *desk) count(what string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, one := range d.told {
		if strings.Contains(one, what) {
			n++
		}
	}
	return n
}

// telling are the options of an agent that tells this desk.
func telling(d *desk) func(*Options) {
	return func(o *Options) {
		o.AllowWebhooks = append(o.AllowWebhooks, "events.pagerduty.com")
		o.Slack = func(webhook func() (string, error)) (sinks.Notifier, error) {
			return slack.New(slack.Options{Name: "slack", WebhookURL: webhook})
		}
		o.PagerDuty = func(_, severity string, key func() (string, error)) (sinks.Notifier, error) {
			return pagerduty.New(pagerduty.Options{Name: "pagerduty", RoutingKey: key, Severity: severity, URL: d.URL})
		}
	}
}

// secrets are what a document brings to tell a desk.
func (d *desk) secrets(word string) map[string]reconcile.Value {
	return map[string]reconcile.Value{
		backup.MeansSlack: reconcile.SecretOf(d.URL + "/services/" + word), backup.MeansPagerDuty: reconcile.SecretOf(word),
	}
}

func toldWorld(t *testing.T, d *desk) *world {
	t.Helper()
	return backedUp(t, telling(d))
}

// toldOf declares a validation that a webhook judges, and that tells a desk.
func (w *world) toldOf(id reconcile.ID, means map[string]reconcile.Value, more ...string) (agree func(bool)) {
	w.Helper()
	agrees := w.asked(id, append([]string{backup.FieldSlack, "127.0.0.1", backup.FieldPagerDuty, "critical"}, more...)...)
	r := w.want[id]
	for name, v := range means {
		r.Means[name] = v
	}
	w.want[id] = r
	return agrees.Store
}

const resultKey = "ottla/work/main/validation/default/books/result"

func TestAFailureAndThePassAfterItAreToldToWhomTheDocumentNames(t *testing.T) {
	d := newDesk(t)
	w := toldWorld(t, d)
	w.run()
	w.round()
	w.eventually("backup/default/once", is(sinks.JobDone))
	id := reconcile.ID{Kind: backup.KindPolicy, Name: backup.DoesValidation + "/default/books"}
	agree := w.toldOf(id, d.secrets(canarySecret), backup.FieldSchedule, "* * * * * *")
	w.round()
	d.heard(t, "trigger "+resultKey)
	d.heard(t, ":red_circle: validation default/books failed for point 1 of backup default/once\n")
	d.heard(t, "FAILED  webhook books: answered 418")
	if n := d.count("resolve"); n > 0 {
		t.Error("it was resolved before it passed")
	}
	agree(true)
	d.heard(t, "resolve "+resultKey)
	d.heard(t, ":information_source: validation default/books passed for point 1 of backup default/once\n")
	d.heard(t, "evidence: evidence/default.books/0000")
}

func TestAResultIsToldOnceAlsoAfterARestart(t *testing.T) {
	for _, kind := range []string{backup.KindPolicy, backup.KindJob} {
		t.Run(kind, func(t *testing.T) {
			d := newDesk(t)
			w := toldWorld(t, d)
			stop := w.run()
			w.round()
			w.eventually("backup/default/once", is(sinks.JobDone))
			id := reconcile.ID{Kind: kind, Name: backup.DoesValidation + "/default/books"}
			var more []string
			if kind == backup.KindPolicy {
				more = []string{backup.FieldSchedule, "0 0 1 1 *"}
			}
			w.toldOf(id, d.secrets(canarySecret), more...)
			d.answer(http.StatusServiceUnavailable)
			w.round()
			if kind == backup.KindPolicy {
				w.runNow(id)
			}
			key := "work/main/validation/default/books/untold"
			w.eventually(id.Name, func(sinks.Job) bool { _, open := w.told(key); return open })
			stop() // killed before anybody was reached
			for range 2 {
				w.restart()
				d.answer(0)
				if _, _, err := w.observe(id); err != nil {
					t.Fatal(err)
				}
				stop = w.run()
				d.heard(t, "trigger "+resultKey)
				d.heard(t, "validation default/books failed")
				w.settled(id)
				stop()
			}
			if pages, messages := d.count("trigger"), d.count("failed for point"); pages != 1 || messages != 1 {
				t.Errorf("told %d times by PagerDuty, %d times by Slack", pages, messages)
			}
		})
	}
}

// runNow has a validation look at once.
func (w *world) runNow(id reconcile.ID) {
	w.Helper()
	w.tend()
	w.Service.mu.Lock()
	k := w.keepers[id]
	w.Service.mu.Unlock()
	poke(k.manual)
}

// settled waits until an errand has nothing left to tell.
func (w *world) settled(id reconcile.ID) {
	w.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-time.After(5 * time.Millisecond) {
		w.Service.mu.Lock()
		_, under := w.errands[id]
		w.Service.mu.Unlock()
		h, err := w.homeFor(w.Context(), w.briefOf(id))
		if err != nil {
			w.Fatal(err)
		}
		all := 0
		for _, who := range []string{"slack", "pagerduty"} {
			numbers, _, err := h.Series(toldSeries(id, who), "told").Numbers(w.Context())
			if err != nil {
				w.Fatal(err)
			}
			all += len(numbers)
		}
		if under && all == 2 {
			return
		}
	}
	w.Fatal("it never was told")
}

func TestAWrongSecretFailsNoValidationIsToldAndCountsOnceGitHasPutItRight(t *testing.T) {
	d := newDesk(t)
	w := toldWorld(t, d)
	w.run()
	w.round()
	w.eventually("backup/default/once", is(sinks.JobDone))
	id := jobOf(backup.DoesValidation, "books")
	agree := w.toldOf(id, d.secrets("wrong-"+canarySecret))
	agree(true)
	w.round()
	w.eventually(id.Name, is(sinks.JobDone))
	key := "work/main/validation/default/books/untold"
	w.eventually(id.Name, func(sinks.Job) bool { i, _ := w.told(key); return len(i.Lines) == 3 })
	one, _ := w.told(key)
	text := fmt.Sprintf("%+v %+v", one, w.Jobs())
	for _, want := range []string{"its result does not reach whom it is to be told", "pagerduty: pagerduty answers 403 Forbidden: the routing key", "slack: slack answers 403"} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing says %q: %s", want, text)
		}
	}
	if one.Severity != sinks.Warning || strings.Contains(text, canarySecret) || strings.Contains(text, "/services/") {
		t.Errorf("it shows the secret, or is too loud: %s", text)
	}
	r := w.want[id]
	for name, v := range d.secrets(canarySecret) {
		r.Means[name] = v
	}
	w.brief()
	d.heard(t, "resolve")
	d.heard(t, "passed for point")
	w.eventually(id.Name, func(sinks.Job) bool { _, open := w.told(key); return !open })
}

func TestNobodyIsToldAtAHostThatTheConfigurationDoesNotAllow(t *testing.T) {
	d := newDesk(t)
	w := newWorld(t, telling(d))
	for name, one := range map[string]struct{ field, value, says string }{
		"slack": {backup.FieldSlack, "evil.test", "does not allow asking evil.test (backups.allowWebhooks)"}, "allowed": {backup.FieldSlack, "a.example.com", ""},
		"pagerduty": {backup.FieldPagerDuty, "critical", ""},
	} {
		if words := w.refused(w.spec(one.field, one.value)); one.says == "" && words != "" || !strings.Contains(words, one.says) {
			t.Errorf("%s: %q", name, words)
		}
	}
	w.Service.o.AllowWebhooks = []string{"events.eu.pagerduty.com"}
	equal(t, "europe", w.refused(w.spec(backup.FieldPagerDuty, "critical")), "")
	equal(t, "its host", w.pagerDuty(), "events.eu.pagerduty.com")
	w.Service.o.AllowWebhooks = nil
	if words := w.refused(w.spec(backup.FieldPagerDuty, "critical")); !strings.Contains(words, "asking events.pagerduty.com (backups.allowWebhooks)") {
		t.Errorf("none: %q", words)
	}
}

func TestAnAddressThatChangesAfterItWasAppliedIsHeldAgainstTheConfigurationAgain(t *testing.T) {
	d := newDesk(t)
	w := toldWorld(t, d)
	w.Service.o.AllowWebhooks = []string{"*.example.com"} // and not the desk's own
	w.run()
	w.round()
	w.eventually("backup/default/once", is(sinks.JobDone))
	id := jobOf(backup.DoesValidation, "books")
	w.toldOf(id, d.secrets(canarySecret), backup.FieldSlack, "hooks.example.com", backup.FieldPagerDuty, "")
	w.round()
	w.eventually(id.Name, is(sinks.JobFailed))
	key := "work/main/validation/default/books/untold"
	w.eventually(id.Name, func(sinks.Job) bool { _, open := w.told(key); return open })
	if one, _ := w.told(key); !strings.Contains(strings.Join(one.Lines, "\n"), "its host is not one that the agent's configuration allows (backups.allowWebhooks)") {
		t.Errorf("%+v", one)
	}
	failed, _ := w.told("work/main/validation/default/books/failed")
	if text := strings.Join(failed.Lines, "\n"); !strings.Contains(text, "webhook books: could not be asked") {
		t.Errorf("the webhook of the checks was asked: %+v", failed)
	}
	if n := d.count(""); n > 0 {
		t.Errorf("%d were told", n)
	}
}

func TestARemovedDocumentTellsNobodyAnyMore(t *testing.T) {
	d := newDesk(t)
	w := toldWorld(t, d)
	w.run()
	w.round()
	w.eventually("backup/default/once", is(sinks.JobDone))
	id := jobOf(backup.DoesValidation, "books")
	w.toldOf(id, d.secrets("wrong"))
	w.round()
	key := "work/main/validation/default/books/untold"
	w.eventually(id.Name, func(sinks.Job) bool { _, open := w.told(key); return open })
	w.declare(id, nil)
	w.round()
	w.eventually("backup/default/once", func(sinks.Job) bool { _, open := w.told(key); return !open })
}
