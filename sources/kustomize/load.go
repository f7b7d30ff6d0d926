package kustomize

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
)

// load reads one kustomization and checks every path in it.
func (s *survey) load(dir, file string) (*kustomization, error) {
	data, err := fs.ReadFile(s.tree, file)
	if err != nil {
		return nil, err
	}
	kn := &kustomization{dir: dir, file: file, files: make(map[string]string), subs: make(map[string]string)}
	if err := kn.k.Unmarshal(data); err != nil {
		return nil, shapeError(file, err)
	}
	kn.k.FixKustomization()
	if kn.k.CheckEmpty() != nil {
		return nil, fmt.Errorf("%s: the kustomization is empty: list at least one file under resources", file)
	}
	if err := forbidden(kn); err != nil {
		return nil, err
	}
	if labels := kn.k.CommonLabels; labels != nil { // the same, without kustomize's warning
		kn.k.Labels = append(kn.k.Labels, types.Label{Pairs: labels, IncludeSelectors: true})
		kn.k.CommonLabels = nil
	}
	c := checker{tree: s.tree, kn: kn}
	c.check()
	return kn, errors.Join(c.errs...)
}

// shapeError says what is wrong with a kustomization without quoting it.
func shapeError(file string, err error) error {
	if m := regexp.MustCompile(`unknown field "([^"]{1,80})"`).FindStringSubmatch(err.Error()); m != nil {
		return fmt.Errorf("%s: kustomize knows no field %q", file, m[1])
	}
	if m := regexp.MustCompile(`Go struct field (\S{1,80}) of type`).FindStringSubmatch(err.Error()); m != nil {
		_, field, _ := strings.Cut(m[1], ".")
		return fmt.Errorf("%s: field %s has a value of the wrong type", file, field)
	}
	return fmt.Errorf("%s: this is not a kustomization", file)
}

func forbidden(kn *kustomization) error {
	k := kn.k
	switch {
	case len(k.HelmCharts) > 0 || k.HelmGlobals != nil:
		return fmt.Errorf("%s: helm charts are not rendered here: commit what `helm template` prints", kn.file)
	case len(k.Generators)+len(k.Transformers)+len(k.Validators) > 0:
		return fmt.Errorf("%s: generators, transformers and validators are plugins and are not run: use the kustomization's own fields (secretGenerator, patches, labels, …)", kn.file)
	}
	for _, args := range k.ConfigMapGenerator {
		if err := behavior(kn, args.Name, args.Behavior); err != nil {
			return err
		}
	}
	return nil
}

func behavior(kn *kustomization, name, behavior string) error {
	switch behavior {
	case "", "create", "merge", "replace", "unspecified":
		return nil
	}
	return fmt.Errorf("%s: the behavior of generator %s must be create, merge or replace", kn.file, name)
}

// checker resolves the paths of one kustomization and collects what is wrong.
type checker struct {
	tree fs.FS
	kn   *kustomization
	errs []error
}

func (c *checker) check() {
	k := &c.kn.k
	for i := range k.Resources {
		c.resource("resources", &k.Resources[i], true)
	}
	for i := range k.Components {
		c.resource("components", &k.Components[i], false)
	}
	for i := range k.Patches {
		c.file("patches", &k.Patches[i].Path)
	}
	for i := range k.PatchesJson6902 {
		c.file("patchesJson6902", &k.PatchesJson6902[i].Path)
	}
	var old []types.Patch
	for _, p := range k.PatchesStrategicMerge {
		old = append(old, c.inlineOrFile(string(p)))
	}
	k.Patches, k.PatchesStrategicMerge = append(old, k.Patches...), nil // the same, without kustomize's warning
	for i := range k.Replacements {
		c.file("replacements", &k.Replacements[i].Path)
	}
	for i := range k.Crds {
		c.file("crds", &k.Crds[i])
	}
	for i := range k.Configurations {
		c.file("configurations", &k.Configurations[i])
	}
	if schema := k.OpenAPI["path"]; schema != "" {
		c.file("openapi", &schema)
		k.OpenAPI["path"] = schema
	}
	for i := range k.ConfigMapGenerator {
		c.generator("configMapGenerator", &k.ConfigMapGenerator[i].GeneratorArgs)
	}
	for i := range k.SecretGenerator {
		c.generator("secretGenerator", &k.SecretGenerator[i].GeneratorArgs)
	}
}

func (c *checker) generator(field string, args *types.GeneratorArgs) {
	for i, source := range args.FileSources {
		key, file, found := strings.Cut(source, "=")
		if !found {
			file = source
		}
		c.file(field, &file)
		if found {
			file = key + "=" + file
		}
		args.FileSources[i] = file
	}
	for i := range args.EnvSources {
		c.file(field, &args.EnvSources[i])
	}
}

// resource resolves a file or a directory anywhere in the tree.
func (c *checker) resource(field string, ref *string, fileToo bool) {
	name, info, ok := c.resolve(field, *ref)
	if !ok {
		return
	}
	spelled := relative(c.kn.dir, name)
	switch {
	case info.IsDir():
		c.kn.subs[spelled] = name
	case !fileToo:
		c.problem(field, *ref, "is a file, not a directory with a component")
	case !below(c.kn.dir, name):
		c.problem(field, *ref, "lies outside the directory of the kustomization: name its directory, with a kustomization of its own, instead")
	default:
		c.kn.files[spelled] = name
	}
	*ref = spelled
}

// file resolves a file in or below the kustomization's directory.
func (c *checker) file(field string, ref *string) {
	if *ref == "" {
		return
	}
	name, info, ok := c.resolve(field, *ref)
	switch {
	case !ok:
	case info.IsDir():
		c.problem(field, *ref, "is a directory, not a file")
	case !below(c.kn.dir, name):
		c.problem(field, *ref, "lies outside the directory of the kustomization")
	default:
		c.kn.references = append(c.kn.references, name)
		*ref = relative(c.kn.dir, name)
	}
}

// inlineOrFile: an old strategic merge patch is given as text or as a path.
func (c *checker) inlineOrFile(ref string) types.Patch {
	if strings.ContainsAny(ref, "\n{") {
		return types.Patch{Patch: ref}
	}
	c.file("patchesStrategicMerge", &ref)
	return types.Patch{Path: ref}
}

func (c *checker) resolve(field, ref string) (string, fs.FileInfo, bool) {
	name := path.Clean(path.Join(c.kn.dir, ref))
	if path.IsAbs(ref) || !fs.ValidPath(name) {
		c.problem(field, ref, "lies outside the repository")
		return "", nil, false
	}
	info, err := fs.Stat(c.tree, name)
	if err != nil {
		c.problem(field, ref, missing(ref, err))
		return "", nil, false
	}
	return name, info, true
}

// missing says why a path cannot be used: a link that leads out of the tree is
// there, and still none of ours.
func missing(ref string, err error) string {
	var at *fs.PathError
	if !errors.Is(err, fs.ErrNotExist) && errors.As(err, &at) {
		return "cannot be read: " + at.Err.Error()
	}
	if strings.Contains(ref, "://") || strings.Contains(ref, "?ref=") || strings.HasPrefix(ref, "github.com") || strings.Contains(ref, "@") {
		return "is a remote address: nothing remote is fetched, copy it into the repository"
	}
	return "does not exist"
}

func (c *checker) problem(field, ref, words string) {
	if len(ref) > 200 {
		ref = ref[:200] + "…"
	}
	c.errs = append(c.errs, fmt.Errorf("%s: %s: %s %s", c.kn.file, field, ref, words))
}

func below(dir, name string) bool {
	return dir == "." || strings.HasPrefix(name, dir+"/")
}

// relative spells a path of the tree as seen from dir, always beginning with a
// dot.
func relative(dir, name string) string {
	up := ""
	for dir != "." && name != dir && !strings.HasPrefix(name, dir+"/") {
		up += "../"
		dir = path.Dir(dir)
	}
	switch {
	case name == dir:
		return "./" + strings.TrimSuffix(up, "/")
	case dir == ".":
		return "./" + up + name
	default:
		return "./" + up + strings.TrimPrefix(name, dir+"/")
	}
}
