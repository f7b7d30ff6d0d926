package backup

import (
	"fmt"
	"slices"
	"strconv"
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
	if len(fields) == 7 {
		if fields[6] != "*" && fields[6] != "?" {
			return nil, fmt.Errorf("%q is no schedule: its seventh field is the year, which can only be *", schedule)
		}
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
	if err != nil && len(fields) > 4 && slices.Contains(numbersOf(fields[len(fields)-1]), "7") {
		return nil, fmt.Errorf("%q is no schedule: the weekdays are 0 to 6, from Sunday on, or SUN to SAT: 7 is none", schedule)
	}
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

// numbersOf are the numbers in a field of weekdays, steps left out.
func numbersOf(field string) []string {
	var all []string
	for one := range strings.SplitSeq(field, ",") {
		days, _, _ := strings.Cut(one, "/")
		for end := range strings.SplitSeq(days, "-") {
			if _, err := strconv.Atoi(end); err == nil {
				all = append(all, end)
			}
		}
	}
	return all
}

// twoMeanings says why a schedule would run on other days here than where these
// kinds come from. That operator counts weekdays from 1 for Sunday to 7, and
// wants the day of the month and the weekday to fit both, while cron counts from
// 0 and takes either. It reads six and seven fields only: five are cron's.
func twoMeanings(schedule string) string {
	fields := strings.Fields(schedule)
	if len(fields) != 6 && len(fields) != 7 {
		return ""
	}
	day, weekday := fields[3], fields[5]
	every := func(field string) bool { return field == "*" || field == "?" }
	switch {
	case len(numbersOf(weekday)) > 0:
		return fmt.Sprintf("the weekday %q has two meanings in %d fields: 1 is Sunday where this kind comes from, and Monday to cron: write SUN, MON, TUE, WED, THU, FRI, SAT", weekday, len(fields))
	case !every(day) && !every(weekday):
		return fmt.Sprintf("the day %q and the weekday %q have two meanings in %d fields: where this kind comes from both must fit, and to cron either does: leave one of them *", day, weekday, len(fields))
	default:
		return ""
	}
}

// checkSchedule reports what is wrong with a schedule and its zone. What has two
// meanings is refused by the decoder, which lets the rest of a revision be.
func checkSchedule(schedule, zone string, report func(path, text string)) {
	if schedule == "" {
		if zone != "" {
			report("timeZone", "has no effect without schedule")
		}
		return
	}
	if twoMeanings(schedule) != "" {
		schedule = "@daily" // the zone is looked at all the same
	}
	if _, err := ParseSchedule(schedule, zone); err != nil {
		report("schedule", err.Error())
	}
}
