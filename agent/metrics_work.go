package agent

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ottla-io/ottla/sinks"
)

// workCollector reads what goes on beside the rounds at each scrape. Its labels
// are clusters of the configuration, states and outcomes: what a commit names
// is none.
type workCollector struct {
	by    map[string]func() sinks.WorkFigures
	descs workDescs
}

type workDescs struct {
	runs, proofs, read, stored, objects, took, oldest, late, restored, restoring, jobs, open *prometheus.Desc
}

func newWorkCollector(by map[string]func() sinks.WorkFigures) workCollector {
	desc := func(name, help string, more ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, append([]string{"cluster"}, more...), nil)
	}
	return workCollector{by, workDescs{
		runs:      desc("ottla_backup_runs_total", "Backup runs, by what came of them.", "outcome"),
		proofs:    desc("ottla_validation_runs_total", "Validations and drills, by what came of them: ok, failed where one did not pass, error where it could not be carried out.", "outcome"),
		read:      desc("ottla_backup_read_bytes_total", "Bytes of record batches that were new to a backup, as the brokers had them."),
		stored:    desc("ottla_backup_stored_bytes_total", "Bytes that backups wrote to stores."),
		objects:   desc("ottla_backup_objects_total", "Objects that backups wrote to stores."),
		took:      desc("ottla_backup_duration_seconds_total", "How long all backup runs took."),
		oldest:    desc("ottla_backup_newest_good_point_age_seconds", "Age of the newest good point, of that backup which is worst off; 0 where none is declared."),
		late:      desc("ottla_backup_overdue_seconds", "How long the run that is most overdue has been due; 0 where none is."),
		restored:  desc("ottla_restore_records", "Records that restores under way have written."),
		restoring: desc("ottla_restore_records_expected", "Records that restores under way have to write."),
		jobs:      desc("ottla_jobs", "Schedules, restores, drills and final backups, by state.", "state"),
		open:      desc("ottla_backup_incidents", "Open incidents of backups, restores, drills and final backups, by what is wrong.", "what"),
	}}
}

// Describe is prometheus.Collector's.
func (w workCollector) Describe(ch chan<- *prometheus.Desc) {
	d := w.descs
	for _, one := range []*prometheus.Desc{d.runs, d.proofs, d.read, d.stored, d.objects, d.took, d.oldest, d.late, d.restored, d.restoring, d.jobs, d.open} {
		ch <- one
	}
}

// Collect is prometheus.Collector's.
func (w workCollector) Collect(ch chan<- prometheus.Metric) {
	d := w.descs
	for cluster, figures := range w.by {
		f := figures()
		count := func(desc *prometheus.Desc, v float64, labels ...string) {
			ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, v, append([]string{cluster}, labels...)...)
		}
		gauge := func(desc *prometheus.Desc, v float64, labels ...string) {
			ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, v, append([]string{cluster}, labels...)...)
		}
		for _, outcome := range []string{outcomeOK, outcomeFailed} {
			count(d.runs, float64(f.Runs[outcome]), outcome)
		}
		for _, outcome := range []string{outcomeOK, outcomeFailed, outcomeError} {
			count(d.proofs, float64(f.Proofs[outcome]), outcome)
		}
		count(d.read, float64(f.Read))
		count(d.stored, float64(f.Stored))
		count(d.objects, float64(f.Objects))
		count(d.took, f.Took.Seconds())
		gauge(d.oldest, f.Oldest.Seconds())
		gauge(d.late, f.Late.Seconds())
		gauge(d.restored, float64(f.Restored))
		gauge(d.restoring, float64(f.Restoring))
		for _, state := range sinks.JobStates() {
			gauge(d.jobs, float64(f.Jobs[state]), string(state))
		}
		for _, what := range sinks.WorkTroubles() {
			gauge(d.open, float64(f.Open[what]), string(what))
		}
	}
}
