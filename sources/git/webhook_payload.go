package git

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/url"
)

// event is what a verified delivery says happened.
type event struct {
	push, ping   bool
	repositories []string // one repository's addresses, as the forge writes them
	refs         []string // full names
}

// parse reads a verified delivery. Only pushes are looked into.
func (d delivery) parse(dialect Dialect) (event, error) {
	switch dialect {
	case GitHub:
		return d.parseGitHub("X-GitHub-Event")
	case Gitea:
		return d.parseGitHub("X-Gitea-Event")
	case Forgejo:
		return d.parseGitHub("X-Forgejo-Event", "X-Gitea-Event")
	case Gogs:
		return d.parseGitHub("X-Gogs-Event")
	case GitLab:
		return d.parseGitLab()
	case Bitbucket:
		return d.parseBitbucket()
	case AzureDevOps:
		return d.parseAzure()
	}
	return d.parseGeneric()
}

func (d delivery) firstHeader(names ...string) string {
	for _, n := range names {
		if v := d.header.Get(n); v != "" {
			return v
		}
	}
	return ""
}

// json is the body, which GitHub and Gogs may also send as a form.
func (d delivery) json() ([]byte, error) {
	kind, _, _ := mime.ParseMediaType(d.header.Get("Content-Type"))
	if kind != "application/x-www-form-urlencoded" {
		return d.body, nil
	}
	form, err := url.ParseQuery(string(d.body))
	if err != nil {
		return nil, fmt.Errorf("read the form: %w", err)
	}
	return []byte(form.Get("payload")), nil
}

func (d delivery) into(v any) error {
	data, err := d.json()
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

func (d delivery) parseGitHub(eventHeaders ...string) (event, error) {
	switch d.firstHeader(eventHeaders...) {
	case "ping":
		return event{ping: true}, nil
	case "push":
	default:
		return event{}, nil
	}
	var p struct {
		Ref        string `json:"ref"`
		Repository struct {
			Clone string `json:"clone_url"`
			SSH   string `json:"ssh_url"`
			HTML  string `json:"html_url"`
		} `json:"repository"`
	}
	if err := d.into(&p); err != nil {
		return event{}, err
	}
	r := p.Repository
	return pushed([]string{p.Ref}, r.Clone, r.SSH, r.HTML)
}

func (d delivery) parseGitLab() (event, error) {
	switch d.header.Get("X-Gitlab-Event") {
	case "Push Hook", "Tag Push Hook", "System Hook":
	default:
		return event{}, nil
	}
	var p struct {
		Kind    string `json:"object_kind"`
		Name    string `json:"event_name"`
		Ref     string `json:"ref"`
		Project struct {
			HTTP string `json:"git_http_url"`
			SSH  string `json:"git_ssh_url"`
			Web  string `json:"web_url"`
		} `json:"project"`
	}
	if err := d.into(&p); err != nil {
		return event{}, err
	}
	if kind := cmp.Or(p.Kind, p.Name); kind != "push" && kind != "tag_push" {
		return event{}, nil // a system hook tells of much else
	}
	return pushed([]string{p.Ref}, p.Project.HTTP, p.Project.SSH, p.Project.Web)
}

func (d delivery) parseBitbucket() (event, error) {
	switch d.header.Get("X-Event-Key") {
	case "diagnostics:ping":
		return event{ping: true}, nil
	case "repo:push":
		return d.parseBitbucketCloud()
	case "repo:refs_changed":
		return d.parseBitbucketServer()
	}
	return event{}, nil
}

func (d delivery) parseBitbucketCloud() (event, error) {
	type ref struct {
		Type string `json:"type"`
		Name string `json:"name"`
	}
	var p struct {
		Push struct {
			Changes []struct {
				New *ref `json:"new"` // null where a ref is deleted
				Old *ref `json:"old"`
			} `json:"changes"`
		} `json:"push"`
		Repository struct {
			Links struct {
				HTML struct {
					Href string `json:"href"`
				} `json:"html"`
			} `json:"links"`
		} `json:"repository"`
	}
	if err := d.into(&p); err != nil {
		return event{}, err
	}
	var refs []string
	for _, c := range p.Push.Changes {
		r := c.New
		if r == nil {
			r = c.Old
		}
		switch {
		case r == nil:
		case r.Type == "tag":
			refs = append(refs, "refs/tags/"+r.Name)
		default:
			refs = append(refs, "refs/heads/"+r.Name)
		}
	}
	return pushed(refs, p.Repository.Links.HTML.Href)
}

func (d delivery) parseBitbucketServer() (event, error) {
	var p struct {
		Changes []struct {
			Ref struct {
				ID string `json:"id"`
			} `json:"ref"`
		} `json:"changes"`
		Repository struct {
			Links struct {
				Clone []struct {
					Href string `json:"href"`
				} `json:"clone"`
			} `json:"links"`
		} `json:"repository"`
	}
	if err := d.into(&p); err != nil {
		return event{}, err
	}
	var refs, repos []string
	for _, c := range p.Changes {
		refs = append(refs, c.Ref.ID)
	}
	for _, l := range p.Repository.Links.Clone {
		repos = append(repos, l.Href)
	}
	return pushed(refs, repos...)
}

func (d delivery) parseAzure() (event, error) {
	var p struct {
		Type     string `json:"eventType"`
		Resource struct {
			Updates []struct {
				Name string `json:"name"`
			} `json:"refUpdates"`
			Repository struct {
				Remote string `json:"remoteUrl"`
				SSH    string `json:"sshUrl"`
			} `json:"repository"`
		} `json:"resource"`
	}
	if err := d.into(&p); err != nil {
		return event{}, err
	}
	if p.Type != "git.push" {
		return event{}, nil
	}
	var refs []string
	for _, u := range p.Resource.Updates {
		refs = append(refs, u.Name)
	}
	return pushed(refs, p.Resource.Repository.Remote, p.Resource.Repository.SSH)
}

func (d delivery) parseGeneric() (event, error) {
	var p struct {
		Ref        string `json:"ref"`
		Repository string `json:"repository"`
	}
	if err := d.into(&p); err != nil {
		return event{}, err
	}
	return pushed([]string{p.Ref}, p.Repository)
}

// pushed insists on what a push cannot lack.
func pushed(refs []string, repositories ...string) (event, error) {
	if len(refs) == 0 || refs[0] == "" {
		return event{}, errors.New("no ref")
	}
	if len(repositories) == 0 {
		return event{}, errors.New("no repository")
	}
	return event{push: true, refs: refs, repositories: repositories}, nil
}
