package kafka

import (
	"slices"

	"github.com/ottla-io/ottla/reconcile"
)

// steps are the fields of a change that go ahead: what is held, waiting or
// refused stays in the plan and is not carried out.
func steps(c reconcile.Change) []reconcile.FieldChange {
	return slices.DeleteFunc(slices.Clone(c.Fields), func(f reconcile.FieldChange) bool {
		return !f.Fate.Clear() || !f.To.Is(reconcile.Text) && !f.To.Is(reconcile.Secret) && !f.To.Is(reconcile.Unset)
	})
}

// cleared leaves out what is not to be carried out, notes among them.
func cleared(changes []reconcile.Change) []reconcile.Change {
	return slices.DeleteFunc(slices.Clone(changes), func(c reconcile.Change) bool {
		return !c.Fate.Clear() || c.Action == reconcile.Note
	})
}

func failure(id reconcile.ID, words string, fields ...string) reconcile.Outcome {
	return reconcile.Outcome{ID: id, Fields: fields, Failed: words}
}

func fieldNames(fields []reconcile.FieldChange) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = f.Name
	}
	return out
}

// verdicts are the refusals among what a check found, field by field.
func verdicts(outcomes []reconcile.Outcome) []reconcile.Verdict {
	var out []reconcile.Verdict
	for _, o := range outcomes {
		if o.Failed == "" {
			continue
		}
		if len(o.Fields) == 0 {
			out = append(out, reconcile.Verdict{ID: o.ID, Refused: o.Failed})
		}
		for _, f := range o.Fields {
			out = append(out, reconcile.Verdict{ID: o.ID, Field: f, Refused: o.Failed})
		}
	}
	return out
}

// judged are the changes whose value is worth asking about: what a person may
// still confirm too, only not what is refused already.
func judged(changes []reconcile.Change) []reconcile.Change {
	var out []reconcile.Change
	for _, c := range changes {
		if c.Fate.Refused != "" || c.Action == reconcile.Note {
			continue
		}
		c.Fields = slices.DeleteFunc(slices.Clone(c.Fields), func(f reconcile.FieldChange) bool { return f.Fate.Refused != "" })
		for i := range c.Fields {
			c.Fields[i].Fate = reconcile.Fate{}
		}
		out = append(out, c)
	}
	return out
}
