// Package retention decides which points are kept. It is a pure function of
// the list of points, the policy and the time.
package retention

import "time"

// Policy says what is kept: a point is kept if any rule keeps it. Counts of 0
// are no rule.
type Policy struct {
	Last    int           // newest good points
	Within  time.Duration // points younger than that
	Hourly  int           // the newest good point of each of so many hours
	Daily   int
	Weekly  int
	Monthly int
	Yearly  int
	Zone    *time.Location // of hours and days; nil is UTC
}

// Point is what a decision is made from.
type Point struct {
	Number int64
	Taken  time.Time
	Good   bool
	Pinned string // why it is never dropped; "" if it may be
}

// Decision is what comes of a point.
type Decision struct {
	Point Point
	Keep  []string // the reasons; none: it is dropped
	Drop  string   // the reason
}

// Apply decides on every point. An empty policy, and one that would drop the
// newest good point, is refused with an error.
func Apply(points []Point, p Policy, now time.Time) ([]Decision, error) { panic("unbuilt") }
