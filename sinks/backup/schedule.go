package backup

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Schedule says when something is due next after a moment; it is cron.Schedule.
type Schedule = cron.Schedule

// ParseSchedule reads cron fields: the usual five, six with seconds before
// them, or seven with a year behind, which is *. zone is a name of the IANA
// database, UTC without one. Fields that match no time at all are an error.
func ParseSchedule(schedule, zone string) (Schedule, error) {
	fields := strings.Fields(schedule)
	if len(fields) == 7 && (fields[6] == "*" || fields[6] == "?") {
		fields = fields[:6]
	}
	if strings.Contains(schedule, "TZ=") { // the parser panics on a zone alone
		return nil, fmt.Errorf("%q is no schedule: its zone stands in timeZone", schedule)
	}
	at, err := time.LoadLocation(zone)
	if err != nil || zone == "Local" {
		return nil, fmt.Errorf("%q is no time zone such as Europe/Helsinki", zone)
	}
	parser := cron.NewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)
	parsed, err := parser.Parse(strings.Join(fields, " "))
	if err != nil {
		return nil, fmt.Errorf("%q is no schedule: %w", schedule, err)
	}
	if spec, ok := parsed.(*cron.SpecSchedule); ok {
		spec.Location = at
	}
	if parsed.Next(time.Unix(0, 0)).IsZero() {
		return nil, fmt.Errorf("%q is no schedule: no day is ever one of these", schedule)
	}
	return parsed, nil
}

// checkSchedule reports what is wrong with a schedule and its zone.
func checkSchedule(schedule, zone string, report func(path, text string)) {
	if schedule == "" {
		if zone != "" {
			report("timeZone", "has no effect without schedule")
		}
		return
	}
	if _, err := ParseSchedule(schedule, zone); err != nil {
		report("schedule", err.Error())
	}
}
