package backup

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ottla-io/ottla/reconcile"
)

// Spec is what a document asks for, flat and in canonical spelling: what a plan
// shows, the ledger remembers, and a policy in a bucket says. A field that is
// not there has its default.
type Spec map[string]string

// The live kinds.
const (
	// KindPolicy is what runs on a schedule, or all the time:
	// BackupPolicy/default/nightly. Its live side is the newest policy in its own
	// backup repository.
	KindPolicy = "BackupPolicy"
	// KindJob is what is carried out once: Job/restore/default/orders-of-tuesday.
	KindJob = "Job"
)

// Does says what a policy or a job does.
const (
	DoesBackup     = "backup"
	DoesRestore    = "restore"
	DoesReset      = "offset-reset"
	DoesRollback   = "offset-rollback"
	DoesValidation = "validation"
	DoesDrill      = "drill"
	DoesFinal      = "final" // declared by no document: before a topic is deleted
)

// The fields that several kinds of documents have.
const (
	FieldDoes     = "does"
	FieldRefused  = "refused" // words: why it is never carried out as written
	FieldStorage  = "storage" // s3://bucket/prefix
	FieldCluster  = "cluster" // bootstrap servers
	FieldTopics   = "topics"  // patterns
	FieldExclude  = "exclude"
	FieldSchedule = "schedule"
	FieldZone     = "timeZone"
	FieldSuspend  = "suspend"
	FieldExisting = "existing" // append | purge
	FieldBackup   = "backup"   // namespace/name of the KafkaBackup
	FieldPoint    = "point"
	FieldSource   = "source" // id of the source cluster
	FieldDryRun   = "dryRun"
)

// SpecOf reads the texts among a resource's fields.
func SpecOf(fields map[string]reconcile.Value) Spec {
	s := Spec{}
	for name, v := range fields {
		if v.Is(reconcile.Text) {
			s[name] = v.Text()
		}
	}
	return s
}

// Fields are the spec as a resource has it.
func (s Spec) Fields() map[string]reconcile.Value {
	fields := map[string]reconcile.Value{}
	for name, text := range s {
		fields[name] = reconcile.TextOf(text)
	}
	return fields
}

// Is tells a field that says true.
func (s Spec) Is(field string) bool { return s[field] == "true" }

// Int is a field's number, 0 where there is none.
func (s Spec) Int(field string) int64 {
	n, _ := strconv.ParseInt(s[field], 10, 64)
	return n
}

// Float is a field's number, 0 where there is none.
func (s Spec) Float(field string) float64 {
	f, _ := strconv.ParseFloat(s[field], 64)
	return f
}

// Duration is a field's time, 0 where there is none.
func (s Spec) Duration(field string) time.Duration {
	d, _ := time.ParseDuration(s[field])
	return d
}

// Time is a field's moment, zero where there is none.
func (s Spec) Time(field string) time.Time {
	t, _ := time.Parse(time.RFC3339Nano, s[field])
	return t
}

// List is a field's list.
func (s Spec) List(field string) []string {
	if s[field] == "" {
		return nil
	}
	return strings.Split(s[field], ",")
}

// Below are the fields below a prefix, without it: rename.orders is orders
// below rename.
func (s Spec) Below(prefix string) map[string]string {
	below := map[string]string{}
	for name, text := range s {
		if rest, ok := strings.CutPrefix(name, prefix+"."); ok {
			below[rest] = text
		}
	}
	return below
}

// Clone is a copy.
func (s Spec) Clone() Spec { return maps.Clone(s) }

// listOf spells a list in which order means nothing.
func listOf(all []string) string {
	sorted := slices.Clone(all)
	slices.Sort(sorted)
	return strings.Join(slices.Compact(sorted), ",")
}

func number[T int | int16 | int32 | int64](n T) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(int64(n), 10)
}

func truth(b bool) string {
	if b {
		return "true"
	}
	return ""
}
