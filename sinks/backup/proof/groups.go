package proof

import (
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/glob"
)

// groups compares what consumer groups had committed with what the point holds,
// and with what they have committed now.
func (v *validation) groups() error {
	chosen, err := v.chosenGroups()
	if err != nil {
		return err
	}
	ranges := map[place]format.Partition{}
	for _, t := range v.point.Topics {
		for _, p := range t.Partitions {
			ranges[place{t.Name, p.Partition}] = p
		}
	}
	var bad []string
	commits, back := 0, 0
	for _, g := range chosen {
		commits += len(g.Offsets)
		for _, c := range g.Offsets {
			if found := outside(ranges, c); found != "" {
				bad = append(bad, fmt.Sprintf("group %s: %s", g.Name, found))
			}
		}
		set, found := v.since(g)
		bad, back = append(bad, found...), back+set
	}
	text := fmt.Sprintf("%s of %s lie inside the point", plural(commits, "committed offset"), plural(len(chosen), "group"))
	if back > 0 {
		text += fmt.Sprintf("; set back in the source since then: %d, which a restore would set forward again", back)
	}
	v.evidence.check("groups", text, bad)
	return nil
}

// chosenGroups are those that the globs name; none name all. One that names none
// is an error.
func (v *validation) chosenGroups() ([]format.Group, error) {
	globs := v.Groups.Groups
	if len(globs) == 0 {
		return v.point.Groups, nil
	}
	var all []string
	for _, g := range v.point.Groups {
		all = append(all, g.Name)
	}
	if idle := glob.Idle(globs, all); idle != "" {
		return nil, fmt.Errorf("point %d holds no group %q", v.point.Number, idle)
	}
	return slices.DeleteFunc(slices.Clone(v.point.Groups), func(g format.Group) bool { return !glob.Any(globs, g.Name) }), nil
}

// outside says what is wrong with a committed offset of the point. One before
// the start is right: the group had fallen behind retention. One of a topic that
// is not backed up cannot be judged.
func outside(ranges map[place]format.Partition, c format.Commit) string {
	p, ok := ranges[place{c.Topic, c.Partition}]
	if ok && c.Offset > p.End {
		return fmt.Sprintf("%s-%d: committed offset %d lies beyond the end of the point at %d", c.Topic, c.Partition, c.Offset, p.End)
	}
	return ""
}

// since counts what was set back since: the point is right all the same. bad is
// a group that could not be looked at.
func (v *validation) since(g format.Group) (back int, bad []string) {
	if v.live == nil {
		return 0, nil
	}
	now, ok := v.live.groups[g.Name]
	if !ok || now.Err != nil {
		return 0, []string{fmt.Sprintf("group %s: the source could not be asked for its offsets%s", g.Name, why(now))}
	}
	for _, c := range g.Offsets {
		live, ok := now.Fetched.Lookup(c.Topic, c.Partition)
		if ok && live.Err == nil && live.At >= 0 && live.At < c.Offset {
			back++
		}
	}
	return back, nil
}

func why(r kadm.FetchOffsetsResponse) string {
	if r.Err == nil {
		return ""
	}
	return ": " + r.Err.Error()
}
