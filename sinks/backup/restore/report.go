package restore

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// report says what was done so far.
func (j *job) report() Report {
	r := Report{
		Plan: j.plan, Restored: j.done.Load(), RawBytes: j.raw.Load(), Encoded: j.encoded.Load(),
		Proof: j.proof, Unequal: j.unequal, Snapshot: j.rec.Snapshot, Began: j.began, Took: j.o.now().Sub(j.began),
	}
	if j.rec.Maps != "" { // everything is in: by this run and those before it
		r.Topics = slices.Clone(r.Topics)
		r.Restored = j.rec.count(r.Topics)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	r.Left = slices.Clone(j.left)
	for _, e := range j.halted {
		r.Left = append(r.Left, e.Error())
	}
	return r
}

// count says of each topic how many records are in it by the restore, and returns
// how many that is.
func (rec record) count(topics []TopicPlan) (total int64) {
	for _, t := range rec.Topics {
		n := int64(0)
		for p, end := range t.Ends {
			n += end - t.Starts[p]
		}
		total += n
		if i := slices.IndexFunc(topics, func(p TopicPlan) bool { return p.Target == t.Target }); i >= 0 {
			topics[i].Restored = n
		}
	}
	return total
}

// again answers for a restore that is done: nothing is done twice. Where what
// it had restored is not there any more, saying "done" would be a lie.
func (j *job) again(ctx context.Context) (Report, error) {
	r := Report{Plan: j.plan}
	if j.rec.Report != nil {
		r = *j.rec.Report
	}
	c, err := j.target.metadata(ctx, j.names())
	if err != nil {
		return r, err
	}
	for i, t := range j.rec.Topics {
		s := c.topics[t.Target]
		if s.err != nil || idText(s.id) != t.ID {
			return r, fmt.Errorf("restore %s was done on %s, but topic %s is not there any more as it was restored: restore under a new name", j.o.Name, j.rec.Began.UTC().Format(time.RFC3339), t.Target)
		}
		if i < len(r.Topics) {
			r.Topics[i].Action = actionDone
		}
	}
	r.Notes = append(r.Notes, fmt.Sprintf("restore %s was done already, on %s: nothing was done again", j.o.Name, j.rec.Began.UTC().Format(time.RFC3339)))
	if !j.o.Prove || len(r.Proof) > 0 {
		return r, nil
	}
	if err := j.still(ctx); err != nil {
		return r, err
	}
	err = j.prove(ctx)
	r.Proof, r.Unequal = j.proof, j.unequal
	return r, err
}
