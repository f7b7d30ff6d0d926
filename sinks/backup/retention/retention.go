// Package retention decides which points are kept. It is a pure function of
// the list of points, the policy and the time.
package retention

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Policy says what is kept: a point is kept if any rule keeps it. Counts of 0
// are no rule. Pinned points are kept beside the counts and use none up.
type Policy struct {
	Last    int           // newest good points
	Within  time.Duration // points younger than that, bad ones too
	Hourly  int           // the newest good point of each of so many hours
	Daily   int
	Weekly  int // ISO weeks: they begin on Monday
	Monthly int
	Yearly  int
	Zone    *time.Location // of hours and days; nil is UTC
}

// Point is what a decision is made from. The newest is the one with the
// highest number: clocks may jump, numbers do not.
type Point struct {
	Number int64
	Taken  time.Time // by the clock of whoever took it: hours, days, weeks
	// Written is by the store's clock, which ages are measured with; zero is Taken.
	Written time.Time
	Good    bool
	Pinned  string // why it is never dropped; "" if it may be
}

// Decision is what comes of a point.
type Decision struct {
	Point Point
	Keep  []string // the reasons; none: it is dropped
	Drop  string   // the reason
}

// ErrEmpty refuses a policy without a rule.
var ErrEmpty = errors.New("the retention policy is empty: it would drop every point; give it at least one rule, such as last: 7")

// ErrNewest refuses a policy that would drop the newest good point.
var ErrNewest = errors.New("the retention policy would drop the newest good point")

// Apply decides on every point, in the order given. An empty policy, and one
// that would drop the newest good point, is refused with an error.
//
// Periods count only if a good point lies in them, so a week without backups
// costs none of the daily ones. A bad point is kept while no good one is newer,
// since it may hold what nothing else does; after that only its age or a pin
// keeps it.
func Apply(points []Point, p Policy, now time.Time) ([]Decision, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	why := map[int64][]string{}
	byNewest, err := newestFirst(points)
	if err != nil {
		return nil, err
	}
	p.count(byNewest, why)
	p.young(byNewest, now, why)
	pins(byNewest, why)
	newest := slices.IndexFunc(byNewest, func(p Point) bool { return p.Good })
	if newest >= 0 && len(why[byNewest[newest].Number]) == 0 {
		n := byNewest[newest]
		return nil, fmt.Errorf("%w, number %d of %s: add last: 1 to it, or look why no newer backup succeeded",
			ErrNewest, n.Number, n.Taken.Format(time.RFC3339))
	}
	only(byNewest, newest, why)
	return decide(points, why), nil
}

// check refuses what is no policy.
func (p Policy) check() error {
	for _, r := range p.rules() {
		if r.count < 0 {
			return fmt.Errorf("retention %s: %d: it cannot be negative", r.name, r.count)
		}
	}
	if p.Within < 0 {
		return fmt.Errorf("retention within: %s: it cannot be negative", p.Within)
	}
	if p.Within == 0 && !slices.ContainsFunc(p.rules(), func(r rule) bool { return r.count > 0 }) {
		return ErrEmpty
	}
	return nil
}

// rule keeps the newest good point of each of count periods; period names the
// one that a time lies in.
type rule struct {
	name   string
	count  int
	period func(time.Time) string
}

// rules are those that count, "last" being the one whose every point is a period.
func (p Policy) rules() []rule {
	zone := p.Zone
	if zone == nil {
		zone = time.UTC
	}
	in := func(layout string) func(time.Time) string {
		return func(t time.Time) string { return t.In(zone).Format(layout) }
	}
	return []rule{
		{"last", p.Last, nil},
		// The offset is part of the hour: in autumn two hours have one name.
		{"hourly", p.Hourly, in("2006-01-02 15:00Z07:00")},
		{"daily", p.Daily, in("2006-01-02")},
		{"weekly", p.Weekly, func(t time.Time) string {
			year, week := t.In(zone).ISOWeek()
			return fmt.Sprintf("%d-W%02d", year, week)
		}},
		{"monthly", p.Monthly, in("2006-01")},
		{"yearly", p.Yearly, in("2006")},
	}
}

// newestFirst sorts a copy.
func newestFirst(points []Point) ([]Point, error) {
	sorted := slices.Clone(points)
	slices.SortFunc(sorted, func(a, b Point) int { return int(min(max(b.Number-a.Number, -1), 1)) })
	for i := 1; i < len(sorted); i++ {
		if sorted[i].Number == sorted[i-1].Number {
			return nil, fmt.Errorf("two points have the number %d: verify the backup repository", sorted[i].Number)
		}
	}
	return sorted, nil
}

// count applies the rules that count to good points.
func (p Policy) count(newestFirst []Point, why map[int64][]string) {
	for _, r := range p.rules() {
		seen := map[string]bool{}
		for _, at := range newestFirst {
			if !at.Good || at.Pinned != "" {
				continue
			}
			if len(seen) >= r.count {
				break
			}
			if reason, period := r.reason(at, len(seen)); !seen[period] {
				seen[period] = true
				why[at.Number] = append(why[at.Number], reason)
			}
		}
	}
}

// reason is why a rule keeps a point that is the newest of its period, after
// so many others.
func (r rule) reason(at Point, before int) (reason, period string) {
	if r.period == nil {
		period = fmt.Sprintf("%d of %d", before+1, r.count)
	} else {
		period = r.period(at.Taken)
	}
	return r.name + " " + period, period
}

// young keeps what is not old enough, whether it is good or not.
func (p Policy) young(points []Point, now time.Time, why map[int64][]string) {
	for _, at := range points {
		since := at.Written
		if since.IsZero() {
			since = at.Taken
		}
		if now.Sub(since) < p.Within {
			why[at.Number] = append(why[at.Number], "younger than "+inWords(p.Within))
		}
	}
}

// inWords prints whole days as people count them.
func inWords(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d == day:
		return "a day"
	case d%day == 0:
		return fmt.Sprintf("%d days", d/day)
	}
	return d.String()
}

// pins keeps what somebody holds on to.
func pins(points []Point, why map[int64][]string) {
	for _, at := range points {
		if at.Pinned != "" {
			why[at.Number] = append(why[at.Number], "pinned: "+at.Pinned)
		}
	}
}

// only keeps the newest good point, and bad ones while nothing good is newer.
// newest is -1 where nothing is good.
func only(newestFirst []Point, newest int, why map[int64][]string) {
	for i, at := range newestFirst {
		switch {
		case newest < 0:
			why[at.Number] = append(why[at.Number], "bad, but no point is good: it is the only data")
		case i < newest:
			why[at.Number] = append(why[at.Number], "bad, but newer than the newest good point")
		case i == newest:
			why[at.Number] = append(why[at.Number], "newest good point")
		}
	}
}

// decide puts the reasons to the points.
func decide(points []Point, why map[int64][]string) []Decision {
	decisions := make([]Decision, 0, len(points))
	for _, at := range points {
		d := Decision{Point: at, Keep: why[at.Number]}
		switch {
		case len(d.Keep) > 0:
		case at.Good:
			d.Drop = "no rule keeps it"
		default:
			d.Drop = "bad, and a newer point is good"
		}
		decisions = append(decisions, d)
	}
	return decisions
}
