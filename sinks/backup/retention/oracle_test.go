package retention

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// kept is the policy again, worked out the slow way and from its words alone:
// for every single point, how many periods are newer than its own?
func kept(points []Point, p Policy, now time.Time, one Point) bool {
	newerGood, sameOrNewer := false, func(o Point) bool { return o.Number >= one.Number }
	for _, o := range points {
		newerGood = newerGood || o.Good && o.Number > one.Number
	}
	if one.Pinned != "" || now.Sub(one.Taken) < p.Within || !newerGood {
		return true
	}
	if !one.Good {
		return false
	}
	inPeriods := func(n int, same func(a, b time.Time) bool) bool {
		newestOfItsPeriod, periods := true, []time.Time{}
		for _, o := range points {
			if !o.Good || o.Pinned != "" || !sameOrNewer(o) {
				continue
			}
			if o.Number != one.Number && same(o.Taken, one.Taken) {
				newestOfItsPeriod = false
			}
			known := false
			for _, t := range periods {
				known = known || same(t, o.Taken)
			}
			if !known {
				periods = append(periods, o.Taken)
			}
		}
		return newestOfItsPeriod && len(periods) <= n
	}
	z := p.Zone
	day := func(t time.Time) int { y, m, d := t.In(z).Date(); return y*10000 + int(m)*100 + d }
	offset := func(t time.Time) int { _, o := t.In(z).Zone(); return o }
	monday := func(t time.Time) int {
		l := t.In(z)
		y, m, d := l.Date()
		noon := time.Date(y, m, d, 12, 0, 0, 0, time.UTC)
		return int(noon.AddDate(0, 0, -(int(l.Weekday())+6)%7).Unix() / 86400)
	}
	return inPeriods(p.Last, func(time.Time, time.Time) bool { return false }) ||
		inPeriods(p.Hourly, func(a, b time.Time) bool {
			return day(a) == day(b) && a.In(z).Hour() == b.In(z).Hour() && offset(a) == offset(b)
		}) ||
		inPeriods(p.Daily, func(a, b time.Time) bool { return day(a) == day(b) }) ||
		inPeriods(p.Weekly, func(a, b time.Time) bool { return monday(a) == monday(b) }) ||
		inPeriods(p.Monthly, func(a, b time.Time) bool { return day(a)/100 == day(b)/100 }) ||
		inPeriods(p.Yearly, func(a, b time.Time) bool { return day(a)/10000 == day(b)/10000 })
}

// dropsNewestGood asks the slow model whether no rule keeps the newest good point.
func dropsNewestGood(points []Point, p Policy, now time.Time) bool {
	var newest *Point
	for i, o := range points {
		if o.Good && (newest == nil || o.Number > newest.Number) {
			newest = &points[i]
		}
	}
	counts := p.Last + p.Hourly + p.Daily + p.Weekly + p.Monthly + p.Yearly
	return newest != nil && newest.Pinned == "" && counts == 0 && now.Sub(newest.Taken) >= p.Within
}

func randomPoints(r *rand.Rand, from time.Time) []Point {
	points := make([]Point, 0, 40)
	taken := from
	for n := range 1 + r.IntN(40) {
		step := []time.Duration{time.Minute, 25 * time.Minute, time.Hour, 7 * time.Hour, 24 * time.Hour, 9 * 24 * time.Hour, 100 * 24 * time.Hour}
		taken = taken.Add(time.Duration(r.Int64N(int64(step[r.IntN(len(step))]))))
		if r.IntN(30) == 0 {
			taken = taken.Add(-3 * time.Hour) // a clock that was set back
		}
		p := Point{Number: int64(n + 1), Taken: taken, Good: r.IntN(4) > 0}
		if r.IntN(12) == 0 {
			p.Pinned = "by hand"
		}
		points = append(points, p)
	}
	r.Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
	return points
}

func randomPolicy(r *rand.Rand, zones []*time.Location) Policy {
	maybe := func(n int) int { return max(0, r.IntN(2*n)-n) }
	p := Policy{Last: maybe(4), Hourly: maybe(6), Daily: maybe(6), Weekly: maybe(4), Monthly: maybe(4), Yearly: maybe(3),
		Zone: zones[r.IntN(len(zones))]}
	if r.IntN(3) == 0 {
		p.Within = time.Duration(r.Int64N(int64(60 * 24 * time.Hour)))
	}
	return p
}

func TestApplyAgreesWithASlowModelOnRandomLists(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 20261121))
	zones := []*time.Location{time.UTC, zone(t, "Europe/Berlin"), zone(t, "Asia/Kathmandu"), zone(t, "America/New_York"), zone(t, "Australia/Lord_Howe")}
	for run := range 3000 {
		points := randomPoints(r, at(t, "2024-03-30T00:00:00Z").Add(time.Duration(r.Int64N(int64(700*24*time.Hour)))))
		p := randomPolicy(r, zones)
		now := points[0].Taken.Add(time.Duration(r.Int64N(int64(20 * 24 * time.Hour))))
		decisions, err := Apply(points, p, now)
		if p == (Policy{Zone: p.Zone}) || dropsNewestGood(points, p, now) {
			if err == nil {
				t.Fatalf("run %d: %+v was not refused for %+v", run, p, points)
			}
			continue
		}
		if err != nil {
			t.Fatalf("run %d: %+v: %v", run, p, err)
		}
		for i, d := range decisions {
			if d.Point != points[i] {
				t.Fatalf("run %d: decision %d is of another point", run, i)
			}
			if want := kept(points, p, now, d.Point); want != (len(d.Keep) > 0) || want == (d.Drop != "") {
				t.Fatalf("run %d: %+v: point %+v is kept for %q or dropped for %q, the model says kept=%v\n%s",
					run, p, d.Point, d.Keep, d.Drop, want, fmt.Sprint(points))
			}
		}
	}
}
