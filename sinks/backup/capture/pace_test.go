package capture

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestTheRateGoesDownWhileBrokersThrottleAndComesBack(t *testing.T) {
	p, now := newPacer(1600, 0), noon()
	for _, c := range []struct {
		name      string
		after     time.Duration
		throttled time.Duration
		want      float64
	}{
		{"no throttle", 0, 0, 1600},
		{"throttled", 0, time.Second, 800},
		{"the other connections are, too", time.Millisecond, time.Second, 800},
		{"still", easeEvery, time.Second, 400},
		{"still", easeEvery, time.Second, 200},
		{"still", easeEvery, time.Second, 100},
		{"never less than a sixteenth", easeEvery, time.Second, 100},
		{"not throttled, too soon", time.Second, 0, 100},
		{"not throttled", easeEvery, 0, 125},
		{"throttled again", easeEvery, time.Second, 100},
		{"back", easeEvery, 0, 125},
	} {
		now = now.Add(c.after)
		if p.heed(c.throttled, now); float64(p.limiter.Limit()) != c.want {
			t.Fatalf("%s: %v bytes a second, want %v", c.name, p.limiter.Limit(), c.want)
		}
	}
	for range 20 {
		now = now.Add(easeEvery)
		p.heed(0, now)
	}
	if p.limiter.Limit() != 1600 {
		t.Errorf("it stays at %v bytes a second", p.limiter.Limit())
	}
}

func TestWithoutALimitThereIsNothingToPace(t *testing.T) {
	p := newPacer(0, 100)
	p.heed(time.Second, noon())
	if err := p.wait(t.Context(), 1<<40); err != nil {
		t.Error(err)
	}
}

func TestAThrottledConnectionIsQuietForAsLongAsTheBrokerAsks(t *testing.T) {
	const quiet = 300 * time.Millisecond
	w := newWorld(t)
	w.create("orders", 1)
	w.produce("orders", 0, values(0, 5)...)
	var fetches atomic.Int32
	stop := w.control(kmsg.Fetch, func(req kmsg.Request) (kmsg.Response, bool) {
		if fetches.Add(1) > 2 {
			return nil, false
		}
		resp := refuse(req.(*kmsg.FetchRequest), 0)
		resp.ThrottleMillis = int32(quiet.Milliseconds())
		resp.Topics[0].Partitions[0].RecordBatches = make([]byte, 5) // nothing new
		return resp, true
	})
	var steps []string
	var told time.Duration
	o := w.options("orders")
	o.Connections = 1
	o.Step = func(name string) { steps = append(steps, name) }
	o.Progress = func(p Progress) { told = p.Throttled }
	began := time.Now()
	report := w.run(o)
	stop()
	if took := time.Since(began); took < 2*quiet || told != 2*quiet || report.Records != 5 {
		t.Errorf("%s, %s of it throttled: %+v", took, told, report)
	}
	at := slices.Index(steps, "fetch")
	if at < 0 || !slices.Equal(steps[at:at+5], []string{"fetch", "throttled", "fetch", "throttled", "fetch"}) {
		t.Errorf("steps %v", steps)
	}
}

func TestAnAnswerThatThrottlesForAYearDoesNotStopTheRun(t *testing.T) {
	f := &fetcher{copier: &copier{}}
	f.throttle(1<<31 - 1)
	if left := time.Until(f.quiet); left > longestThrottle {
		t.Errorf("it is quiet for %s", left)
	}
	f.throttle(-1)
	if time.Until(f.quiet) > 0 || f.throttled.Load() != int64(longestThrottle) {
		t.Errorf("quiet until %s, throttled for %d", f.quiet, f.throttled.Load())
	}
}
