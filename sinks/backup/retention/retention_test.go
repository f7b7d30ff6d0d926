package retention

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func at(t *testing.T, s string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// good makes good points, numbered from 1, from times.
func good(t *testing.T, times ...string) []Point {
	t.Helper()
	var points []Point
	for i, s := range times {
		points = append(points, Point{Number: int64(i + 1), Taken: at(t, s), Good: true})
	}
	return points
}

// reasons is one line a point.
func reasons(decisions []Decision) []string {
	var lines []string
	for _, d := range decisions {
		line := strings.Join(d.Keep, ", ")
		if len(d.Keep) == 0 {
			line = "DROP " + d.Drop
		}
		lines = append(lines, line)
	}
	return lines
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestEachRuleSaysWhichPointsItKeeps(t *testing.T) {
	const now = "2026-11-21T12:00:00Z"
	cases := []struct {
		name   string
		policy Policy
		points []Point
		want   []string
	}{
		{"last counts only good points", Policy{Last: 2}, []Point{
			{Number: 1, Taken: at(t, "2026-11-18T00:00:00Z"), Good: true},
			{Number: 2, Taken: at(t, "2026-11-19T00:00:00Z"), Good: true},
			{Number: 3, Taken: at(t, "2026-11-20T00:00:00Z")},
			{Number: 4, Taken: at(t, "2026-11-21T00:00:00Z"), Good: true},
		}, []string{"DROP no rule keeps it", "last 2 of 2", "DROP bad, and a newer point is good", "last 1 of 2, newest good point"}},
		{"a bad point newer than the newest good one stays", Policy{Last: 1}, []Point{
			{Number: 1, Taken: at(t, "2026-11-18T00:00:00Z"), Good: true},
			{Number: 2, Taken: at(t, "2026-11-19T00:00:00Z")},
		}, []string{"last 1 of 1, newest good point", "bad, but newer than the newest good point"}},
		{"bad points stay where nothing is good", Policy{Last: 1}, []Point{
			{Number: 1, Taken: at(t, "2020-11-18T00:00:00Z")}, {Number: 2, Taken: at(t, "2020-11-19T00:00:00Z")},
		}, []string{"bad, but no point is good: it is the only data", "bad, but no point is good: it is the only data"}},
		{"age keeps bad points too, and ends at exactly that age", Policy{Within: 24 * time.Hour, Last: 1}, []Point{
			{Number: 1, Taken: at(t, "2026-11-20T12:00:00Z"), Good: true},
			{Number: 2, Taken: at(t, "2026-11-20T12:00:01Z")},
			{Number: 3, Taken: at(t, "2026-11-21T00:00:00Z"), Good: true},
		}, []string{"DROP no rule keeps it", "younger than a day", "last 1 of 1, younger than a day, newest good point"}},
		{"pinned points are kept and use up no count", Policy{Last: 1}, []Point{
			{Number: 1, Taken: at(t, "2026-11-18T00:00:00Z"), Good: true},
			{Number: 2, Taken: at(t, "2026-11-19T00:00:00Z"), Good: true},
			{Number: 3, Taken: at(t, "2026-11-20T00:00:00Z"), Good: true, Pinned: "final backup of orders"},
		}, []string{"DROP no rule keeps it", "last 1 of 1", "pinned: final backup of orders, newest good point"}},
		{"daily takes the newest of days that have one", Policy{Daily: 2},
			good(t, "2026-10-01T08:00:00Z", "2026-11-01T08:00:00Z", "2026-11-21T01:00:00Z", "2026-11-21T02:00:00Z"),
			[]string{"DROP no rule keeps it", "daily 2026-11-01", "DROP no rule keeps it", "daily 2026-11-21, newest good point"}},
		{"ISO weeks begin on Monday and cross the year", Policy{Weekly: 2},
			good(t, "2025-12-28T23:59:59Z", "2025-12-29T00:00:00Z", "2026-01-04T23:59:59Z", "2026-01-05T00:00:00Z"),
			[]string{"DROP no rule keeps it", "DROP no rule keeps it", "weekly 2026-W01", "weekly 2026-W02, newest good point"}},
		{"months and years", Policy{Monthly: 1, Yearly: 2},
			good(t, "2025-06-01T00:00:00Z", "2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z"),
			[]string{"DROP no rule keeps it", "yearly 2025", "monthly 2026-01, yearly 2026, newest good point"}},
		{"every reason is said", Policy{Last: 1, Hourly: 1, Daily: 1, Weekly: 1, Monthly: 1, Yearly: 1, Within: time.Hour},
			good(t, "2026-11-21T11:30:00Z"),
			[]string{"last 1 of 1, hourly 2026-11-21 11:00Z, daily 2026-11-21, weekly 2026-W47, monthly 2026-11, yearly 2026, younger than 1h0m0s, newest good point"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			decisions, err := Apply(c.points, c.policy, at(t, now))
			if err != nil {
				t.Fatal(err)
			}
			if got := reasons(decisions); !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestPeriodsAreThoseOfTheZone(t *testing.T) {
	berlin, lordHowe, apia := zone(t, "Europe/Berlin"), zone(t, "Australia/Lord_Howe"), zone(t, "Pacific/Apia")
	cases := []struct {
		name   string
		policy Policy
		times  []string
		want   []string
	}{
		{"midnight is the zone's, not UTC's", Policy{Daily: 2, Zone: berlin},
			[]string{"2026-11-20T22:59:59Z", "2026-11-20T23:00:00Z"},
			[]string{"daily 2026-11-20", "daily 2026-11-21, newest good point"}},
		{"the hour that comes twice in autumn is two hours", Policy{Hourly: 3, Zone: berlin},
			[]string{"2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"},
			[]string{"hourly 2026-10-25 02:00+02:00", "hourly 2026-10-25 02:00+01:00", "hourly 2026-10-25 03:00+01:00, newest good point"}},
		{"the hour that is missing in spring costs none", Policy{Hourly: 2, Zone: berlin},
			[]string{"2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z"},
			[]string{"hourly 2026-03-29 01:00+01:00", "hourly 2026-03-29 03:00+02:00, newest good point"}},
		{"a day of 25 hours is one day", Policy{Daily: 2, Zone: berlin},
			[]string{"2026-10-24T22:00:00Z", "2026-10-25T22:59:59Z", "2026-10-25T23:00:00Z"},
			[]string{"DROP no rule keeps it", "daily 2026-10-25", "daily 2026-10-26, newest good point"}},
		{"a shift of half an hour", Policy{Hourly: 2, Zone: lordHowe},
			[]string{"2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z"},
			[]string{"hourly 2026-04-05 01:00+11:00", "hourly 2026-04-05 01:00+10:30, newest good point"}},
		{"a day that never was", Policy{Daily: 2, Zone: apia},
			[]string{"2011-12-30T09:59:59Z", "2011-12-30T10:00:00Z"},
			[]string{"daily 2011-12-29", "daily 2011-12-31, newest good point"}},
		{"the year begins with the zone", Policy{Yearly: 2, Weekly: 1, Zone: berlin},
			[]string{"2025-12-31T22:59:59Z", "2025-12-31T23:00:00Z"},
			[]string{"yearly 2025", "weekly 2026-W01, yearly 2026, newest good point"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			decisions, err := Apply(good(t, c.times...), c.policy, at(t, "2026-11-21T12:00:00Z"))
			if err != nil {
				t.Fatal(err)
			}
			if got := reasons(decisions); !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestPoliciesThatWouldLoseEverythingAreRefused(t *testing.T) {
	old := good(t, "2026-11-01T00:00:00Z")
	cases := []struct {
		name   string
		policy Policy
		points []Point
		want   string
	}{
		{"empty", Policy{}, old, "empty"},
		{"empty but for a zone", Policy{Zone: time.UTC}, nil, "empty"},
		{"too young for the newest good point", Policy{Within: time.Hour}, old, "newest good point, number 1"},
		{"a negative count", Policy{Last: 3, Daily: -1}, old, "daily"},
		{"a negative age", Policy{Within: -1}, old, "within"},
		{"two points of one number", Policy{Last: 1}, append(slices.Clone(old), old...), "number 1"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Apply(c.points, c.policy, at(t, "2026-11-21T12:00:00Z"))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want an error with %q", err, c.want)
			}
		})
	}
	if _, err := Apply(nil, Policy{}, time.Time{}); !errors.Is(err, ErrEmpty) {
		t.Errorf("got %v, want ErrEmpty", err)
	}
	if d, err := Apply(nil, Policy{Last: 1}, time.Time{}); err != nil || len(d) != 0 {
		t.Errorf("nothing to decide: got %v, %v", d, err)
	}
	pinned := []Point{{Number: 1, Good: true, Pinned: "by hand"}}
	if _, err := Apply(pinned, Policy{Within: time.Hour}, at(t, "2026-11-21T12:00:00Z")); err != nil {
		t.Errorf("a pin keeps the newest good point: %v", err)
	}
}
