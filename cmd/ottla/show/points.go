package show

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/fatih/color"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// Backups are the backup repositories of a store.
type Backups struct {
	Store   string   `json:"store"`
	Backups []Points `json:"backups"`
}

// Points are the points of one backup repository.
type Points struct {
	Store  string          `json:"store"`
	Backup format.Identity `json:"backup"`
	Points []Point         `json:"points"`
	Older  int             `json:"older,omitempty"` // not listed
	// Restores are those that are not over: until then their topics keep everything.
	Restores []repository.UnderWay `json:"restores,omitempty"`
	// Unreadable are the points of which nothing is known, listed or not, and
	// Damaged what else cannot be read, in words.
	Unreadable []int64  `json:"unreadable,omitempty"`
	Damaged    []string `json:"damaged,omitempty"`
}

// Whole tells a backup of which everything could be read.
func (p Points) Whole() bool { return len(p.Unreadable)+len(p.Damaged) == 0 }

// Point is one point in a list. Sizes are bytes as stored.
type Point struct {
	Number     int64       `json:"number"`
	Kind       format.Kind `json:"kind"`
	Taken      time.Time   `json:"taken,omitzero"` // zero where the manifest cannot be read
	Parent     int64       `json:"parent,omitempty"`
	Topics     int         `json:"topics"`
	Partitions int         `json:"partitions"`
	Records    int64       `json:"records"`
	New        int64       `json:"newBytes"`
	Total      int64       `json:"totalBytes"`
	Packs      int64       `json:"newPackBytes"` // of the objects that were new, with their indexes
	State      string      `json:"state"`        // good | damaged | dropped
	Why        string      `json:"why,omitempty"`
	Pinned     string      `json:"pinned,omitempty"`
	Notes      []string    `json:"notes,omitempty"`
	Signer     string      `json:"signer,omitempty"`
	Verified   *Verified   `json:"verified,omitempty"` // the deepest look at it
}

// Verified is who looked at a point, how deep and when.
type Verified struct {
	Level string    `json:"level"`
	Good  bool      `json:"good"`
	Found []string  `json:"found,omitempty"`
	When  time.Time `json:"when"`
	By    string    `json:"by"`
}

// PointOf sums up an entry. whole is the point with all that it stands on; nil
// leaves its records and total size out.
func PointOf(e repository.Entry, whole *repository.Point) Point {
	m := e.Manifest
	p := Point{
		Number: m.Number, Kind: m.Kind, Taken: m.Taken, Parent: m.Parent, Topics: len(m.Topics), Packs: e.Size,
		State: "good", Pinned: m.Pinned, Notes: m.Notes, Verified: verifiedOf(e.Verified),
	}
	if e.Signer != nil {
		p.Signer = base64.StdEncoding.EncodeToString(e.Signer)
	}
	switch {
	case e.Removed != "":
		p.State, p.Why = "dropped", e.Removed
	case e.Bad != "":
		p.State, p.Why = "damaged", e.Bad
	}
	p.add(m, whole)
	return p
}

// add adds up what is new, and what it holds, of the topics in m.
func (p *Point) add(m format.Manifest, whole *repository.Point) {
	named := map[string]bool{}
	for _, t := range m.Topics {
		named[t.Name] = true
	}
	for _, part := range m.Parts {
		if part.Writer == format.Inherited {
			continue // older points had added it
		}
		for _, pack := range part.Packs {
			for _, f := range pack.Frames {
				if named[f.Topic] {
					p.New += f.Length
				}
			}
		}
	}
	for _, t := range m.Topics {
		p.Partitions += len(t.Partitions)
		if whole == nil {
			continue
		}
		for _, one := range t.Partitions {
			sum := sumOf(whole.Refs(t.Name, one.Partition))
			p.Records, p.Total = p.Records+sum.Records, p.Total+sum.Bytes
		}
	}
}

// verifiedOf is the last look where that found damage, and otherwise the
// deepest one, the newest of those.
func verifiedOf(all []format.Verification) *Verified {
	if len(all) == 0 {
		return nil
	}
	depth := map[string]int{string(repository.Subset): 1, string(repository.Data): 2}
	best := all[len(all)-1]
	for _, v := range all {
		if best.Good && v.Good && (depth[v.Level] > depth[best.Level] || depth[v.Level] == depth[best.Level] && v.Ended.After(best.Ended)) {
			best = v
		}
	}
	return &Verified{Level: best.Level, Good: best.Good, Found: best.Found, When: best.Ended, By: best.By}
}

// Backups prints every backup repository with its points.
func (p *Printer) Backups(b Backups, now time.Time) error {
	if done, err := p.Value(b); done {
		return err
	}
	if len(b.Backups) == 0 {
		p.linef("there is no backup in %s", b.Store)
	}
	for i, one := range b.Backups {
		if i > 0 {
			p.linef("")
		}
		p.points(one, now)
	}
	return nil
}

func (p *Printer) points(all Points, now time.Time) {
	p.linef("%s  of cluster %s in %s", p.bold(backupName(all.Backup)), all.Backup.Cluster, all.Store)
	if all.Older > 0 {
		p.linef("%s", p.dim(fmt.Sprintf("%s before these: --last 0 lists them", plural(all.Older, "point"))))
	}
	if len(all.Points) == 0 {
		p.linef("no point yet")
	} else {
		p.pointGrid(all.Points, now)
		p.linef("%s", p.newestGood(all.Points, now))
	}
	p.underWay(all.Restores, now)
	p.unreadable(all)
}

func (p *Printer) pointGrid(all []Point, now time.Time) {
	g := grid{head: []string{">POINT", "TAKEN (UTC)", "", "KIND", ">TOPICS", ">RECORDS", ">NEW", ">TOTAL", "STATE"}}
	for _, one := range all {
		if one.Taken.IsZero() {
			g.row(fmt.Sprint(one.Number), "–", "–", "–", "–", "–", "–", "–", pointState(one))
			g.paintState(one.State)
			continue
		}
		records, total := Count(one.Records), Bytes(one.Total)
		if one.State != "good" {
			records, total = "–", "–" // not added up
		}
		g.row(fmt.Sprint(one.Number), one.Taken.UTC().Format(clock), age(one.Taken, now), string(one.Kind), fmt.Sprint(one.Topics),
			records, Bytes(one.New), total, pointState(one))
		g.paintState(one.State)
	}
	p.grid(g)
}

// paintState paints the last row as the state of its point.
func (g *grid) paintState(state string) {
	switch state {
	case "dropped":
		g.dim()
	case "damaged":
		g.colour(color.FgRed)
	default:
		g.colour(color.FgGreen)
	}
}

// underWay names the restores that somebody may go on with, or give up.
func (p *Printer) underWay(all []repository.UnderWay, now time.Time) {
	for _, one := range all {
		p.linef("%s %s of point %d into cluster %s, begun %s, last heard of %s%s", p.paint("! restore under way:", color.FgYellow), p.bold(one.Name), one.Point,
			one.Cluster, moment(one.Began, now), age(one.Heard, now), when(one.GivenUp, ": its point is not kept for it any more"))
	}
	if len(all) > 0 {
		p.linef("  until it is over, retention of its topics stays lifted. A KafkaRestore goes on in its agent; the same command with --name NAME goes on with any other, and --abandon --name NAME gives it up")
	}
}

// unreadable says what helps against what could not be read.
func (p *Printer) unreadable(all Points) {
	for _, words := range all.Damaged {
		p.linef("%s %s", p.paint("✗ cannot be read:", color.FgRed, color.Bold), words)
	}
	if n := len(all.Unreadable); n > 0 {
		p.linef("%s", p.paint(fmt.Sprintf("%s cannot be read: %s", plural(n, "point"), numbers(all.Unreadable)), color.FgRed, color.Bold))
	}
	if !all.Whole() {
		p.linef("  ottla backup verify names all that is damaged; ottla backup repair rebuilds what can be read as a new point")
	}
}

func numbers(all []int64) string {
	words := make([]string, len(all))
	for i, n := range all {
		words[i] = fmt.Sprint(n)
	}
	return strings.Join(words, ", ")
}

func backupName(id format.Identity) string { return id.Namespace + "/" + id.Name }

func pointState(one Point) string {
	words := []string{one.State}
	if one.Why != "" {
		words[0] += ": " + one.Why
	}
	if v := one.Verified; v != nil && one.State == "good" {
		words = append(words, fmt.Sprintf("verified (%s) %s", v.Level, v.When.UTC().Format("2006-01-02 15:04")))
	}
	if one.Pinned != "" {
		words = append(words, "pinned: "+one.Pinned)
	}
	if len(one.Notes) > 0 {
		words = append(words, plural(len(one.Notes), "note"))
	}
	return strings.Join(words, " · ")
}

// newestGood is the answer to the first question: from when is what we have?
func (p *Printer) newestGood(all []Point, now time.Time) string {
	for i := len(all) - 1; i >= 0; i-- {
		if one := all[i]; one.State == "good" {
			return fmt.Sprintf("newest good point: %s, taken %s", p.bold(fmt.Sprint(one.Number)), moment(one.Taken, now))
		}
	}
	return p.paint("there is no good point among these", color.FgRed, color.Bold)
}
