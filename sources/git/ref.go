package git

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/go-git/go-git/v5/plumbing"

	"github.com/ottla-io/ottla/sources"
)

// Ref says what of a repository is followed. Exactly one field is set.
type Ref struct {
	Branch string // its newest commit
	Tag    string // where it points now, should it move
	Semver string // a range such as ">=1.2 <2" or "1.x": the newest tag that matches, with or without a leading v
	Commit string // the full hash
}

var (
	fullHash = regexp.MustCompile(`^[0-9a-f]{40}$`)
	badRef   = regexp.MustCompile(`[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^/|/$|\.lock$|^-`)
)

// Validate tells what is wrong with a Ref, without asking anybody.
func (r Ref) Validate() error {
	set := slices.DeleteFunc([]string{r.Branch, r.Tag, r.Semver, r.Commit}, func(s string) bool { return s == "" })
	if len(set) != 1 {
		return errors.New("give exactly one of branch, tag, semver and commit")
	}
	switch {
	case r.Semver != "":
		if _, err := semver.NewConstraint(r.Semver); err != nil {
			return fmt.Errorf("semver range %q: %w", r.Semver, err)
		}
	case r.Commit != "":
		if !fullHash.MatchString(r.Commit) {
			return fmt.Errorf("commit %q is not a full hash of 40 lower-case hex digits", r.Commit)
		}
	case badRef.MatchString(r.Branch + r.Tag):
		return fmt.Errorf("%s is not a name that Git allows", r)
	}
	return nil
}

// String is the ref in words: "branch main".
func (r Ref) String() string {
	switch {
	case r.Branch != "":
		return fmt.Sprintf("branch %s", r.Branch)
	case r.Tag != "":
		return fmt.Sprintf("tag %s", r.Tag)
	case r.Semver != "":
		return fmt.Sprintf("semver %s", r.Semver)
	}
	return fmt.Sprintf("commit %s", r.Commit)
}

// found is where a ref points on the remote.
type found struct {
	hash plumbing.Hash // of a commit or of an annotated tag
	name string        // in words, as a Snapshot says it
}

// ErrRefNotFound is wrapped when the repository lacks what is followed.
var ErrRefNotFound = errors.New("not found in the repository")

// lookUp finds a ref among those the remote has. A commit is not a ref: it is
// its own answer.
func (r Ref) lookUp(refs map[string]plumbing.Hash) (found, error) {
	switch {
	case r.Branch != "":
		return named(refs, "refs/heads/", r.Branch, "branch")
	case r.Tag != "":
		return named(refs, "refs/tags/", r.Tag, "tag")
	case r.Semver != "":
		return r.newestTag(refs)
	}
	return found{hash: plumbing.NewHash(r.Commit), name: r.String()}, nil
}

func named(refs map[string]plumbing.Hash, prefix, name, word string) (found, error) {
	if h, ok := refs[prefix+name]; ok {
		return found{hash: h, name: word + " " + name}, nil
	}
	return found{}, &sources.HintError{
		Err:  fmt.Errorf("%s %q: %w", word, name, ErrRefNotFound),
		Hint: namesHint(refs, prefix, name),
	}
}

// newestTag picks the highest version in range; of two tags that mean the same
// version (v1.0.0 and 1.0.0, build metadata) the last by name, so that order
// never matters.
func (r Ref) newestTag(refs map[string]plumbing.Hash) (found, error) {
	within, err := semver.NewConstraint(r.Semver)
	if err != nil {
		return found{}, fmt.Errorf("semver range %q: %w", r.Semver, err)
	}
	var best *semver.Version
	var tag string
	for _, name := range shortNames(refs, "refs/tags/") {
		v, err := semver.NewVersion(name)
		if err != nil || !within.Check(v) || best != nil && v.LessThan(best) {
			continue
		}
		best, tag = v, name
	}
	if best == nil {
		return found{}, &sources.HintError{
			Err:  fmt.Errorf("no tag in the range %q: %w", r.Semver, ErrRefNotFound),
			Hint: "a pre-release such as v2.0.0-rc.1 matches only a range that names one, for example \">=2.0.0-0\"",
		}
	}
	return found{hash: refs["refs/tags/"+tag], name: "tag " + tag}, nil
}

func shortNames(refs map[string]plumbing.Hash, prefix string) []string {
	var out []string
	for name := range refs {
		if short, ok := strings.CutPrefix(name, prefix); ok {
			out = append(out, short)
		}
	}
	slices.Sort(out)
	return out
}

// namesHint lists the names nearest to the one that was not found.
func namesHint(refs map[string]plumbing.Hash, prefix, want string) string {
	names := shortNames(refs, prefix)
	if len(names) == 0 {
		return "the repository has none"
	}
	slices.SortStableFunc(names, func(a, b string) int { return distance(a, want) - distance(b, want) })
	return "the repository has: " + strings.Join(names[:min(5, len(names))], ", ")
}

// distance is Levenshtein's, on bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
