package show_test

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/ottla-io/ottla/cmd/ottla/show"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/proof"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/restore"
)

func now() time.Time { return time.Date(2026, 11, 21, 18, 0, 0, 0, time.UTC) }

func nightly() format.Identity {
	return format.Identity{Namespace: "default", Name: "nightly", Cluster: "4L6g3nShT-eMCtK--X86sw"}
}

func points() []show.Point {
	verified := &show.Verified{Level: "data", Good: true, When: now().Add(-15 * time.Hour), By: "kafka-1"}
	return []show.Point{
		{Number: 9, Kind: format.Scheduled, Taken: now().Add(-88 * time.Hour), Topics: 14, State: "dropped", Why: "no rule keeps it"},
		{Number: 10, Kind: format.Final, Taken: now().Add(-64 * time.Hour), Topics: 1, Records: 12, New: 900, Total: 900, State: "good", Pinned: "final backup of orders"},
		{Number: 11, Kind: format.Scheduled, Taken: now().Add(-40 * time.Hour), Topics: 14, State: "damaged", Why: "pack 3f is missing"},
		{Number: 12, Kind: format.Scheduled, Taken: now().Add(-16 * time.Hour), Parent: 10, Topics: 14, Partitions: 120, Records: 1204331, New: 12 << 20, Total: 4 << 30,
			State: "good", Verified: verified, Notes: []string{"group billing had committed 17 beyond the point in orders-0"}},
	}
}

func pointView() show.PointView {
	orders := show.TopicView{Name: "orders", Compacted: true, Timestamps: "LogAppendTime", Partitions: []show.PartitionView{
		{Partition: 0, Start: 10, End: 120, High: 125, Gaps: []format.Gap{{First: 40, Next: 50, Reason: format.Lost}},
			Sum: show.Sum{Records: 90, Bytes: 3000, First: now().Add(-50 * time.Hour).UnixMilli(), Last: now().Add(-16 * time.Hour).UnixMilli()}},
		{Partition: 1, Why: "truncated at 1200"},
	}, Sum: show.Sum{Records: 90, Bytes: 3000, First: now().Add(-50 * time.Hour).UnixMilli(), Last: now().Add(-16 * time.Hour).UnixMilli(), Gone: format.Gone{Control: 3, Lost: 10}}}
	p := points()[3]
	return show.PointView{
		Store: "s3://backups/kafka", Point: p, Backup: nightly(), Began: p.Taken.Add(-time.Second), Ended: p.Taken.Add(90 * time.Second), Writer: "kafka-1/812/x7", Software: "ottla 0.4",
		Encrypted: true, NewPacks: 3, StandsOn: []int64{8, 10}, Looks: []show.Verified{*p.Verified}, Contents: []show.TopicView{orders},
		Groups: []format.Group{{Name: "billing", Type: "classic", State: "Stable", Offsets: []format.Commit{{Topic: "orders", Offset: 120, Clamped: 125}}}},
		Share:  []string{"workers"}, ACLs: make([]format.ACL, 2), Users: []format.User{{Name: "bob", Mechanisms: []string{"SCRAM-SHA-512"}}},
	}
}

func plan() restore.Plan {
	return restore.Plan{
		Point: 12, Taken: now().Add(-16 * time.Hour), Exact: true, Records: 1204331, Bytes: 4 << 30, ACLs: 2, Users: []string{"bob"},
		Topics: []restore.TopicPlan{
			{Source: "orders", Target: "orders-copy", Action: "create", Partitions: 2, Records: 90, Bytes: 3000, Expires: 12},
			{Source: "audit", Target: "audit", Action: "purge", Partitions: 1, Records: 1204241, Bytes: 4<<30 - 3000, Notes: []string{"holds 5 records"}},
		},
		Groups:   []restore.GroupPlan{{Name: "billing", Sets: 2}, {Name: "live", Live: 2}},
		Notes:    []string{"retention of audit is lifted until the data is in"},
		Problems: []restore.Problem{{Where: "topic audit", Text: "all its records would be deleted first", Hint: "--purge audit"}},
	}
}

func jobs() []sinks.Job {
	return []sinks.Job{
		{ID: "backup/default/nightly", State: sinks.JobWaiting, Point: 12, Began: now().Add(-16 * time.Hour), Ended: now().Add(-16*time.Hour + 3*time.Second), Next: now().Add(8 * time.Hour)},
		{ID: "restore/default/orders", State: sinks.JobRunning, Text: "records", Done: 1 << 30, Total: 4 << 30, Unit: "bytes", Point: 11, Began: now().Add(-10 * time.Second), PerSecond: float64(1<<30) / 10, LeftSeconds: 30},
		{ID: "backup/default/hourly", State: sinks.JobFailing, Text: "reach kafka:9092: connection refused", Began: now().Add(-time.Minute)},
	}
}

// TestBackupsAreShownAsPeopleAskForThem compares with testdata/backup.txtar;
// -update writes it.
func TestBackupsAreShownAsPeopleAskForThem(t *testing.T) {
	began := now().Add(-2 * time.Second)
	drilled := show.Drilled{Files: []string{"evidence/drill.json"}, Evidence: proof.Evidence{
		Backup: nightly(), Point: 12, Taken: now().Add(-16 * time.Hour), Proves: "every record can be restored into a Kafka of this kind, unchanged", Began: began, Ended: now(),
		Checks: []proof.Check{{Name: "records", Passed: true, Text: "90 equal"}, {Name: "orders-1", Text: "not equal", Found: []string{"digest a1, want b2"}}},
	}}
	report := restore.Report{Plan: plan(), Restored: 1204331, RawBytes: 4 << 30, Encoded: 3000, Left: []string{"group live: 2 members"}, Proof: make([]format.Digest, 3), Took: 20 * time.Second, Snapshot: "r1-before"}
	report.Topics[0].Restored, report.Topics[1].Restored = 80, 1204251
	sections := map[string]func(*show.Printer) error{
		"list": func(p *show.Printer) error {
			return p.Backups(show.Backups{Backups: []show.Points{{Store: "s3://backups/kafka", Backup: nightly(), Points: points(), Older: 8}}}, now())
		},
		"damaged": func(p *show.Printer) error {
			return p.Backups(show.Backups{Backups: []show.Points{{
				Store: "s3://backups/kafka", Backup: nightly(), Points: append(points(), show.Point{Number: 13, State: "damaged", Why: "points/000000000013.manifest: line 1"}),
				Unreadable: []int64{3, 13}, Damaged: []string{"verifications/000000000001.json: line 3"},
				Restores: []repository.UnderWay{{Name: "point-10-x", Point: 10, Phase: "prepared", Cluster: "abc", Began: now().Add(-2 * time.Hour), Heard: now().Add(-time.Hour)}},
			}}}, now())
		},
		"nothing":  func(p *show.Printer) error { return p.Backups(show.Backups{Store: "s3://backups/kafka"}, now()) },
		"show":     func(p *show.Printer) error { return p.PointView(pointView(), false, now()) },
		"detailed": func(p *show.Printer) error { return p.PointView(pointView(), true, now()) },
		"captured": func(p *show.Printer) error {
			return p.Captured(show.Captured{Store: "s3://backups/kafka", Backup: nightly(), Point: 13, Taken: now(), Topics: 14, Records: 1200, Bytes: 3 << 20, Stored: 1 << 20, Objects: 2, Requests: 44,
				Seconds: 1.5, Gone: format.Gone{Aborted: 2, Lost: 10}, Alerts: []show.Alert{{Kind: "gap", Topic: "orders", Text: "retention took [40, 50) of partition 0"}}})
		},
		"verified": func(p *show.Printer) error {
			return p.Verifications([]format.Verification{
				{Point: 11, Level: "data", Found: []string{"pack 3f: frame 2 of orders-0 [40, 90): sum differs"}, Began: began, Ended: now()},
				{Point: 12, Level: "data", Good: true, Began: began, Ended: now(), Digests: []format.Digest{{Records: 90}}},
			})
		},
		"retained": func(p *show.Printer) error {
			return p.Retained(show.Retained{Store: "s3://backups/kafka", Backup: nightly(), DryRun: true, Freed: 12 << 20, Swept: &repository.Swept{Objects: 2, Bytes: 900},
				Points: []show.RetainedPoint{{Point: 11, Taken: now().Add(-40 * time.Hour), Drop: "no rule keeps it"}, {Point: 12, Taken: now().Add(-16 * time.Hour), Keep: []string{"last 1", "daily 1"}}}}, now())
		},
		"refused deletes": func(p *show.Printer) error {
			return p.Retained(show.Retained{Store: "s3://backups/kafka", Backup: nightly(), Swept: &repository.Swept{Refused: []repository.Refused{
				{Object: "packs/3f.pack", Why: "access denied"}, {Object: "packs/40.pack", Why: "locked", Locked: true, Until: now().Add(48 * time.Hour)},
			}}, Points: []show.RetainedPoint{{Point: 12, Taken: now().Add(-16 * time.Hour), Keep: []string{"last 1"}}}}, now())
		},
		"repaired": func(p *show.Printer) error {
			return p.Repaired(show.Repaired{Point: 13, Topics: 2, Configured: 1, Groups: []string{"billing"}, ACLs: 2, Lost: []string{"orders-0 [40, 90)"}})
		},
		"plan":     func(p *show.Printer) error { return p.RestorePlan(show.RestorePlan{Name: "r1", Plan: plan()}, now()) },
		"restored": func(p *show.Printer) error { return p.Restored(show.Restored{Name: "r1", Report: report}) },
		"drilled":  func(p *show.Printer) error { return p.Drilled(drilled, now()) },
		"jobs":     func(p *show.Printer) error { return p.Jobs(jobs(), now()) },
	}
	golden(t, "testdata/backup.txtar", sections)
}

func golden(t *testing.T, name string, sections map[string]func(*show.Printer) error) {
	t.Helper()
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for i, file := range archive.Files {
		var out strings.Builder
		if err := sections[file.Name](&show.Printer{Out: &out, Format: show.Text}); err != nil {
			t.Fatal(err)
		}
		if out.String() != string(file.Data) && !*update {
			t.Errorf("%s:\n%s", file.Name, out.String())
		}
		archive.Files[i].Data = []byte(out.String())
		delete(sections, file.Name)
	}
	for missing := range sections {
		t.Errorf("%s has no section %s", name, missing)
	}
	if *update {
		if err := os.WriteFile(name, txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

var update = flag.Bool("update", false, "write what is printed into testdata")

func TestSizesCountsAndSpansAreSpelledForPeople(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1<<20 - 1: "1.0 MiB", 64 << 20: "64.0 MiB", 1 << 60: "1.0 EiB"} {
		if got := show.Bytes(n); got != want {
			t.Errorf("%d bytes: %s, want %s", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1204331: "1,204,331", -1000: "-1,000"} {
		if got := show.Count(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{0: "0 ms", 1500 * time.Millisecond: "1.5 s", 61 * time.Second: "1 min 1 s", 2 * time.Hour: "2 h", 50 * time.Hour: "2 d 2 h"} {
		if got := show.Span(d); got != want {
			t.Errorf("%s: %s, want %s", d, got, want)
		}
	}
}

func TestWhatAPointAddedIsNotWhatItInherited(t *testing.T) {
	frame := func(topic string, length int64) []format.Pack {
		return []format.Pack{{Frames: []format.Frame{{Topic: topic, Length: length}}}}
	}
	e := repository.Entry{Manifest: format.Manifest{Number: 51, Topics: []format.Topic{{Name: "orders"}}, Parts: []format.Part{
		{Writer: format.Inherited, Packs: frame("orders", 1000)}, {Writer: "kafka-1", Packs: frame("orders", 10)}, {Writer: "kafka-1", Packs: frame("audit", 100)},
	}}}
	if got := show.PointOf(e, nil); got.New != 10 {
		t.Errorf("of orders it added %d bytes, want 10", got.New)
	}
	if got := show.ViewOf(e, &repository.Point{}, nil); got.NewPacks != 2 {
		t.Errorf("it added %d packs, want 2", got.NewPacks)
	}
}
