package kustomize

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/ottla-io/ottla/sources"
)

var errPanic = errors.New("kustomize broke down")

// explanation turns one of kustomize's errors into ours. Only what its groups
// match is passed on: names and ids, never text of a document.
type explanation struct {
	pattern *regexp.Regexp
	words   string
}

const id = `([^\s'"\[\]{}]{1,160})`

func explanations() []explanation {
	list := []struct{ pattern, words string }{
		{`may not add resource with an already registered id: ` + id, "%s is declared twice"},
		{`id resid\.ResId\{.*exists; behavior must be merge or replace`, "a generator makes a resource that is already there: give it behavior: merge or replace"},
		{`behavior must be merge or replace`, "a generator makes a resource that is already there: give it behavior: merge or replace"},
		{`does not exist; cannot merge or replace`, "a generator with behavior merge or replace finds no resource of its name"},
		{`no (?:resource matches strategic merge patch|matches for Id) "?` + id, "the patch for %s hits nothing: no resource has that kind and name"},
		{`illegally qualifies as both an SM and JSON patch`, "a patch is both a strategic merge patch and a JSON patch"},
		{`unable to parse SM or JSON patch`, "a patch is neither a strategic merge patch nor a JSON patch"},
		{`must specify a target for JSON patch`, "a JSON patch needs a target"},
		{`must specify one of patch and path`, "an entry of patches needs a patch or a path"},
		{`multiple matches for selector|multiple possible matches`, "the source of a replacement matches more than one resource"},
		{`nothing selected by ` + id, "the source of a replacement, %s, is not among the resources"},
		{`unable to find field ` + `"?` + id + `"? in replacement target`, "a replacement finds no field %s in its target: write options.create: true to add it"},
		{`fieldPath .{0,20}` + id + `.{0,3} is missing for replacement source`, "a replacement finds no field %s in its source"},
		{`replacements must specify a source`, "a replacement needs a source and at least one target"},
		{`expected kind 'Component'`, "a directory under components has no kind: Component"},
		{`expected kind != 'Component'`, "a component stands under resources: move it to components"},
		{`namespace transformation produces ID conflict`, "two resources of the same kind and name are moved into one namespace"},
		{`found namespace transformation|var '` + id + `' already encountered`, "a var of name %s is defined twice"},
		{`var '` + id + `' cannot be mapped`, "the var %s points to a field that is not there"},
		{`missing metadata.name in object`, "a resource has no metadata.name"},
		{`(?:remove|add|replace|test) operation does not apply|testing value .* failed|doc is missing path`, "an operation of a JSON patch does not apply to its target"},
	}
	out := make([]explanation, len(list))
	for i, e := range list {
		out[i] = explanation{regexp.MustCompile(e.pattern), e.words}
	}
	return out
}

// explain says what kustomize stumbled over. Its own text may quote secrets, so
// what is not understood is left out.
func (s *survey) explain(dir string, err error) error {
	file := s.dirs[dir].file
	if cause := s.ctx.Err(); cause != nil {
		return cause
	}
	for _, e := range explanations() {
		m := e.pattern.FindStringSubmatch(err.Error())
		if m == nil {
			continue
		}
		if strings.Contains(e.words, "%s") {
			return fmt.Errorf("%s: %s", file, fmt.Sprintf(e.words, readable(m[len(m)-1])))
		}
		return fmt.Errorf("%s: %s", file, e.words)
	}
	return &sources.HintError{
		Err:  fmt.Errorf("%s: kustomize cannot render it; its own words are left out, they may quote secrets", file),
		Hint: "run `kustomize build` on the directory to see them",
	}
}

// readable turns KafkaTopic.v1.kafka.strimzi.io/orders.[noNs] into words.
func readable(resid string) string {
	gvk, name, ok := strings.Cut(resid, "/")
	if !ok {
		return resid
	}
	kind, _, _ := strings.Cut(gvk, ".")
	name, _, _ = strings.Cut(name, ".[")
	return kind + " " + strings.TrimSuffix(name, ".")
}
