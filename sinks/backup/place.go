package backup

import (
	"fmt"
	"net/url"
	"path"
	"strings"
)

// Place is where a document says that its backups are: a store, and the path
// below it.
type Place struct {
	Scheme   string // s3, gs, azblob, pvc
	Bucket   string // or container, or claim
	Account  string // of Azure
	Endpoint string // of a store that is not the make's own; "" is its own
	Region   string // of S3
	Prefix   string // without slashes around it
}

// PlaceOf reads what the fields of a document say.
func PlaceOf(s Spec) (Place, error) {
	u, err := url.Parse(s[FieldStorage])
	if err != nil || u.Host == "" {
		return Place{}, fmt.Errorf("%q is no storage: it is spelt s3://bucket/prefix", s[FieldStorage])
	}
	return Place{
		Scheme: u.Scheme, Bucket: u.Host, Prefix: strings.Trim(u.Path, "/"),
		Account: s["storage.account"], Endpoint: s["storage.endpoint"], Region: s["storage.region"],
	}, nil
}

// String is the place as people write it: s3://bucket/prefix.
func (p Place) String() string {
	return p.Scheme + "://" + path.Join(p.Bucket, p.Prefix)
}

// Store is a store of the agent's configuration: what URLs there may be.
type Store struct {
	Name string
	URL  string // file:///dir, s3://bucket/prefix?endpoint=…, gs://…, azblob://…?account=…, mem://
}

// Below returns the URL of the place in this store, or false if it lies
// elsewhere. The parameters of the store's URL are kept: they say how it is
// spoken to.
func (s Store) Below(p Place) (string, bool) {
	u, err := url.Parse(s.URL)
	if err != nil || u.Scheme != p.Scheme || u.Host != p.Bucket {
		return "", false
	}
	q := u.Query()
	if p.Endpoint != "" && plainEndpoint(q.Get("endpoint")) != plainEndpoint(p.Endpoint) && !azureEndpoint(q, p) {
		return "", false
	}
	if p.Endpoint == "" && p.Scheme == "s3" && q.Get("endpoint") != "" {
		return "", false
	}
	if region := q.Get("region"); p.Endpoint == "" && p.Region != "" && region != "" && p.Region != region {
		return "", false
	}
	if p.Scheme == "azblob" && q.Get("account") != "" && p.Account != q.Get("account") {
		return "", false
	}
	own := strings.Trim(u.Path, "/")
	if own != "" && p.Prefix != own && !strings.HasPrefix(p.Prefix, own+"/") {
		return "", false
	}
	u.Path = "/" + p.Prefix
	return u.String(), true
}

// azureEndpoint compares an endpoint with the domain and protocol of a store.
func azureEndpoint(q url.Values, p Place) bool {
	if p.Scheme != "azblob" || q.Get("domain") == "" {
		return false
	}
	u, err := url.Parse(p.Endpoint)
	return err == nil && strings.EqualFold(u.Host, q.Get("domain"))
}

func plainEndpoint(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return strings.ToLower(strings.TrimRight(text, "/"))
	}
	return strings.ToLower(u.Scheme + "://" + u.Host)
}

// FindStore returns the configured store a place lies in, the one with the
// longest prefix, and the place's URL. The words say what is missing where
// there is none. dir is below which pvc's are directories.
func FindStore(stores []Store, p Place, dir string) (Store, string, string) {
	if p.Scheme == "pvc" {
		at := url.URL{Scheme: "file", Path: path.Join(dir, "pvc", p.Bucket, p.Prefix), RawQuery: "create_dir=true"}
		return Store{Name: "pvc", URL: at.String()}, at.String(), ""
	}
	var best Store
	var at string
	for _, s := range stores {
		if u, ok := s.Below(p); ok && len(s.URL) >= len(best.URL) {
			best, at = s, u
		}
	}
	if at != "" {
		return best, at, ""
	}
	return Store{}, "", fmt.Sprintf("no store of the agent's configuration holds %s%s; allow it there with stores: [{name: NAME, url: %q}]", p, elsewhere(p), p.suggest())
}

func elsewhere(p Place) string {
	switch {
	case p.Endpoint != "":
		return " at " + p.Endpoint
	case p.Region != "":
		return " in region " + p.Region
	}
	return ""
}

// suggest is the URL of a store that would hold the place.
func (p Place) suggest() string {
	q := url.Values{}
	if p.Endpoint != "" && p.Scheme == "s3" {
		q.Set("endpoint", p.Endpoint)
		q.Set("use_path_style", "true")
	}
	if p.Region != "" {
		q.Set("region", p.Region)
	}
	if p.Account != "" {
		q.Set("account", p.Account)
	}
	u := url.URL{Scheme: p.Scheme, Host: p.Bucket, Path: "/" + p.Prefix, RawQuery: q.Encode()}
	return strings.TrimSuffix(u.String(), "/")
}
