package show

import (
	"slices"
	"time"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// PointView is all there is to know of a point.
type PointView struct {
	Store string `json:"store"`
	Point
	Backup    format.Identity `json:"backup"`
	Began     time.Time       `json:"began"`
	Ended     time.Time       `json:"ended"`
	Written   time.Time       `json:"written"` // by the store's clock
	Writer    string          `json:"writer"`
	Software  string          `json:"software"`
	Encrypted bool            `json:"encrypted"`
	NewPacks  int             `json:"newPacks"`
	StandsOn  []int64         `json:"standsOn,omitempty"` // earlier points
	Looks     []Verified      `json:"verifications,omitempty"`
	Contents  []TopicView     `json:"contents"`
	Groups    []format.Group  `json:"groups,omitempty"`
	Share     []string        `json:"shareGroups,omitempty"`
	ACLs      []format.ACL    `json:"acls,omitempty"`
	Quotas    []format.Quota  `json:"quotas,omitempty"`
	Users     []format.User   `json:"users,omitempty"`
	// Restores give this point back; Unreadable and Damaged are of the backup.
	Restores   []repository.UnderWay `json:"restores,omitempty"`
	Unreadable []int64               `json:"unreadable,omitempty"`
	Damaged    []string              `json:"damaged,omitempty"`
}

// TopicView is what a point holds of a topic.
type TopicView struct {
	Name       string            `json:"name"`
	ID         string            `json:"id"`
	Internal   bool              `json:"internal,omitempty"`
	Replicas   int               `json:"replicas"`
	Compacted  bool              `json:"compacted,omitempty"`
	Timestamps string            `json:"timestamps"`
	Config     map[string]string `json:"config,omitempty"`
	Partitions []PartitionView   `json:"partitions"`
	Sum
}

// PartitionView is what a point holds of a partition: offsets [Start, End).
type PartitionView struct {
	Partition int32        `json:"partition"`
	Start     int64        `json:"start"`
	End       int64        `json:"end"`
	High      int64        `json:"high"` // above End where a transaction was open
	Why       string       `json:"why,omitempty"`
	Gaps      []format.Gap `json:"gaps,omitempty"` // between frames; those inside are counted in gone
	Sum
}

// Sum adds frames up. Of a frame that is taken in part all records count.
type Sum struct {
	Records int64       `json:"records"`
	Bytes   int64       `json:"bytes"`              // as stored
	Raw     int64       `json:"rawBytes"`           // as Kafka had them
	First   int64       `json:"firstTime"`          // ms, the first of each batch only, unless records were decoded
	Last    int64       `json:"lastTime,omitempty"` // ms, the highest
	Gone    format.Gone `json:"gone,omitzero"`
}

func sumOf(refs []repository.Ref) Sum {
	var s Sum
	for _, r := range refs {
		one := Sum{Records: r.Records, Bytes: r.Length, Raw: r.Raw, First: r.FirstTime, Last: r.MaxTime, Gone: r.Gone}
		if r.MinTime != nil {
			one.First = *r.MinTime
		}
		s.add(one)
	}
	return s
}

func (s *Sum) add(o Sum) {
	if o.Records > 0 && (s.Records == 0 || o.First < s.First) {
		s.First = o.First
	}
	if o.Records > 0 {
		s.Last = max(s.Last, o.Last)
	}
	s.Records, s.Bytes, s.Raw = s.Records+o.Records, s.Bytes+o.Bytes, s.Raw+o.Raw
	s.Gone.Control += o.Gone.Control
	s.Gone.Aborted += o.Gone.Aborted
	s.Gone.Compacted += o.Gone.Compacted
	s.Gone.Lost += o.Gone.Lost
}

// ViewOf takes a point apart. chain are the earlier points it may stand on.
func ViewOf(e repository.Entry, whole *repository.Point, chain []int64) PointView {
	m := e.Manifest
	v := PointView{
		Point: PointOf(e, whole), Backup: m.Backup, Began: m.Began, Ended: m.Ended, Written: e.Written, Writer: m.Writer, Software: m.Software,
		StandsOn: chain, Groups: m.Groups, Share: m.Share, ACLs: m.ACLs, Quotas: m.Quotas, Users: m.Users,
	}
	for _, part := range m.Parts {
		if part.Writer != format.Inherited {
			v.NewPacks += len(part.Packs)
		}
	}
	for _, one := range e.Verified {
		v.Looks = append(v.Looks, Verified{Level: one.Level, Good: one.Good, Found: one.Found, When: one.Ended, By: one.By})
	}
	for _, t := range m.Topics {
		v.Contents = append(v.Contents, v.topic(t, whole))
	}
	return v
}

func (v *PointView) topic(t format.Topic, whole *repository.Point) TopicView {
	out := TopicView{
		Name: t.Name, ID: t.ID, Internal: t.Internal, Replicas: t.Replicas, Compacted: t.Compacted, Timestamps: t.Timestamps, Config: t.Config,
	}
	for _, one := range t.Partitions {
		refs := whole.Refs(t.Name, one.Partition)
		v.Encrypted = v.Encrypted || slices.ContainsFunc(refs, func(r repository.Ref) bool { return r.Pack.Encrypted })
		p := PartitionView{Partition: one.Partition, Start: one.Start, End: one.End, High: one.High, Why: one.Why, Sum: sumOf(refs)}
		for _, r := range refs {
			p.Gaps = append(p.Gaps, within(r.Gaps, r.From, r.To)...)
		}
		out.Partitions = append(out.Partitions, p)
		out.add(p.Sum)
	}
	return out
}

// within keeps what of the gaps lies in [from, to).
func within(gaps []format.Gap, from, to int64) []format.Gap {
	var out []format.Gap
	for _, g := range gaps {
		g.First, g.Next = max(g.First, from), min(g.Next, to)
		if g.First < g.Next {
			out = append(out, g)
		}
	}
	return out
}
