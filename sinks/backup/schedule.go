package backup

import (
	"fmt"
	"strings"

	"github.com/robfig/cron/v3"
)

// badSchedule says in words what is wrong with a schedule: five cron fields,
// six with seconds before them, or seven with a year behind, which is *.
func badSchedule(schedule string) string {
	if schedule == "" {
		return ""
	}
	fields := strings.Fields(schedule)
	if len(fields) == 7 && (fields[6] == "*" || fields[6] == "?") {
		fields = fields[:6]
	}
	if strings.Contains(schedule, "TZ=") { // the parser panics on a zone alone
		return fmt.Sprintf("%q is no schedule: it is in UTC, without a zone", schedule)
	}
	parser := cron.NewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)
	if _, err := parser.Parse(strings.Join(fields, " ")); err != nil {
		return fmt.Sprintf("%q is no schedule: %s", schedule, err)
	}
	return ""
}
