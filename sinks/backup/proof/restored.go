package proof

import (
	"fmt"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/restore"
)

// Restored is the evidence of a restore that was proven: Options.Prove.
func Restored(backup format.Identity, r restore.Report) Evidence {
	e := Evidence{
		Version: version, Kind: "restore", Backup: backup, Point: r.Point, Taken: r.Taken, Target: r.Cluster,
		Digests: r.Proof, Began: r.Began, By: by(), Software: software(),
	}
	records := Check{Name: "records", Passed: len(r.Unequal) == 0 && len(r.Proof) > 0, Found: r.Unequal}
	records.Text = fmt.Sprintf("the record digests of %s were compared with the backup's", plural(len(r.Proof)+len(r.Unequal), "partition"))
	left := Check{Name: "left alone", Passed: len(r.Left) == 0, Found: r.Left, Text: "everything that was asked for was carried out"}
	if !left.Passed {
		left.Text = plural(len(r.Left), "thing") + " left as found"
	}
	e.Checks = []Check{records, left}
	e.conclude(r.Began.Add(r.Took))
	e.Proves = fmt.Sprintf("Point %d was restored into cluster %s: every record of %s was read back with key, value, headers, timestamp and order as the backup holds them.",
		e.Point, e.Target, plural(len(r.Topics), "topic"))
	if !records.Passed {
		e.Proves = "What was restored is not what was backed up: see the checks."
	}
	return e
}
