package agent

import (
	"cmp"
	"fmt"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
)

// maxSocket is what the kernel takes as the path of a Unix socket (sun_path).
const maxSocket = 107

// checker gathers what is wrong across sections.
type checker struct {
	root  reconcile.Node
	found strict.Problems
}

func (k *checker) addf(at, format string, args ...any) {
	k.found = append(k.found, strict.Problem{Path: at, Line: strict.LineOf(k.root, at), Text: fmt.Sprintf(format, args...)})
}

func (k *checker) socket(path string) {
	switch {
	case !filepath.IsAbs(path):
		k.addf("socket", "%s is not an absolute path", path)
	case len(path) > maxSocket:
		k.addf("socket", "is %d bytes long, and the kernel takes %d: name a shorter path", len(path), maxSocket)
	}
}

// names holds that each name stands once in its section.
func (k *checker) names(c *Config) {
	unique(k, "repositories", c.Repositories, func(r RepositoryConfig) string { return r.Name })
	unique(k, "clusters", c.Clusters, func(l ClusterConfig) string { return l.Name })
	unique(k, "syncs", c.Syncs, func(s SyncConfig) string { return s.Name })
	unique(k, "webhooks.hooks", c.Webhooks.Hooks, func(h HookConfig) string { return h.Name })
	unique(k, "notify.slack", c.Notify.Slack, func(s SlackConfig) string { return s.Name })
}

func unique[T any](k *checker, section string, all []T, name func(T) string) {
	first := map[string]int{}
	for i, one := range all {
		n := name(one)
		if before, seen := first[n]; seen && n != "" {
			k.addf(fmt.Sprintf("%s[%d].name", section, i), "%q is also the name of %s[%d]", n, section, before)
			continue
		}
		first[n] = i
	}
}

// references holds that what a section names is there.
func (k *checker) references(c *Config) {
	repositories, clusters := make([]string, len(c.Repositories)), make([]string, len(c.Clusters))
	for i, r := range c.Repositories {
		repositories[i] = r.Name
	}
	for i, l := range c.Clusters {
		clusters[i] = l.Name
	}
	for i, h := range c.Webhooks.Hooks {
		k.refers(fmt.Sprintf("webhooks.hooks[%d].repository", i), h.Repository, "repositories", repositories)
	}
	for i, s := range c.Syncs {
		at := fmt.Sprintf("syncs[%d]", i)
		k.refers(at+".repository", s.Repository, "repositories", repositories)
		k.refers(at+".cluster", s.Cluster, "clusters", clusters)
		if r, ok := c.Repository(s.Repository); ok && s.Ref.IsZero() && !r.IsDirectory() {
			k.addf(at+".ref", "give one of branch, tag, semver and commit")
		}
	}
}

func (k *checker) refers(at, name, section string, names []string) {
	if name != "" && !slices.Contains(names, name) {
		k.addf(at, "%q is not one of %s%s", name, section, strict.DidYouMean(name, names))
	}
}

// files walks every field called …File or …Files: its path is absolute,
// credentials are expanded, and a secret is named once and says something.
func (k *checker) files(c *Config) {
	k.file("stateDir", &c.StateDir)
	k.walk(reflect.ValueOf(c).Elem(), "")
}

func (k *checker) walk(v reflect.Value, at string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			k.walk(v.Elem(), at)
		}
	case reflect.Slice:
		for i := range v.Len() {
			k.walk(v.Index(i), fmt.Sprintf("%s[%d]", at, i))
		}
	case reflect.Struct:
		k.structure(v, at)
	default:
	}
}

func (k *checker) structure(v reflect.Value, at string) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() {
			continue
		}
		name := f.Tag.Get("json")
		below := strings.TrimPrefix(at+"."+name, ".")
		switch {
		case strings.HasSuffix(name, "File"):
			k.file(below, v.Field(i).Addr().Interface().(*string))
			k.secret(v, strings.TrimSuffix(f.Name, "File"), below)
		case strings.HasSuffix(name, "Files"):
			for j := range v.Field(i).Len() {
				k.file(fmt.Sprintf("%s[%d]", below, j), v.Field(i).Index(j).Addr().Interface().(*string))
			}
		default:
			k.walk(v.Field(i), below)
		}
	}
}

func (k *checker) file(at string, name *string) {
	if *name == "" {
		return
	}
	expanded, err := expandCredentials(*name)
	switch {
	case err != nil:
		k.addf(at, "%v", err)
	case !filepath.IsAbs(expanded):
		k.addf(at, "%s is not an absolute path", expanded)
	default:
		*name = expanded
	}
}

// secret looks at a …File that has an …Env beside it.
func (k *checker) secret(v reflect.Value, stem, at string) {
	env := v.FieldByName(stem + "Env")
	if !env.IsValid() {
		return
	}
	s := Secret{File: v.FieldByName(stem + "File").String(), Env: env.String()}
	switch {
	case s.File != "" && s.Env != "":
		k.addf(at, "give the file or the environment variable, not both")
	case s.File != "" && s.empty():
		k.addf(at, "%s is empty", s.File)
	case s.Env != "" && s.empty():
		k.addf(strings.TrimSuffix(at, "File")+"Env", "environment variable %s is empty", s.Env)
	}
}

// globs reports patterns that are empty or cannot be read.
func globs(report func(path, text string), field string, patterns []string) {
	for i, p := range patterns {
		at := fmt.Sprintf("%s[%d]", field, i)
		if p == "" {
			report(at, "is empty")
		} else if _, err := path.Match(p, ""); err != nil {
			report(at, fmt.Sprintf("%q is not a pattern: * is any text, ? any character, [ab] one of them", p))
		}
	}
}

// merge leaves out what only follows from a field that could not be read.
func merge(found, across strict.Problems) strict.Problems {
	follows := func(p strict.Problem) bool {
		return slices.ContainsFunc(found, func(first strict.Problem) bool {
			return first.Path == p.Path || strings.HasPrefix(first.Path, p.Path+".") || strings.HasPrefix(first.Path, p.Path+"[")
		})
	}
	return sorted(append(found, slices.DeleteFunc(across, follows)...))
}

func sorted(p strict.Problems) strict.Problems {
	slices.SortStableFunc(p, func(a, b strict.Problem) int { return cmp.Compare(a.Line, b.Line) })
	return p
}
