package store

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// address is a store's URL taken apart.
type address struct {
	scheme string
	bucket string // or container
	prefix string // "" or ends with a slash
	path   string // of file
	query  url.Values
}

// parameters are what may stand behind the question mark.
func parameters(scheme string) (names []string, known bool) {
	switch scheme {
	case "file":
		return []string{"create_dir"}, true
	case "mem", "gs":
		return nil, true
	case "s3":
		return []string{"region", "endpoint", "use_path_style"}, true
	case "azblob":
		return []string{"account", "domain", "protocol"}, true
	}
	return nil, false
}

func parse(raw string) (address, error) {
	// url.Parse puts the URL into its error, and a URL may hold a secret by mistake.
	u, err := url.Parse(raw)
	if err != nil {
		return address{}, errors.New("the URL of the store cannot be read: it is like s3://bucket/prefix")
	}
	names, known := parameters(u.Scheme)
	switch {
	case !known:
		return address{}, fmt.Errorf("there is no store %q: it is file, s3, gs, azblob or mem", u.Scheme)
	case u.User != nil:
		return address{}, errors.New("the URL of a store holds no user and password: give credentials apart from it")
	case u.Fragment != "" || u.Opaque != "":
		return address{}, fmt.Errorf("the URL of the store is like %s://bucket/prefix", u.Scheme)
	}
	a := address{scheme: u.Scheme, bucket: u.Host, query: u.Query()}
	if err := a.check(names); err != nil {
		return address{}, err
	}
	if a.scheme == "file" {
		return a.file(u)
	}
	if a.bucket == "" && a.scheme != "mem" {
		return address{}, fmt.Errorf("the URL of the store names no bucket: it is like %s://bucket/prefix", u.Scheme)
	}
	a.prefix = strings.Trim(u.Path, "/")
	if a.prefix != "" {
		a.prefix += "/"
	}
	if strings.Contains("/"+a.prefix, "/../") || strings.Contains(a.prefix, "//") || strings.Contains("/"+a.prefix, "/./") {
		return address{}, fmt.Errorf("the prefix %q of the store has an empty or dotted part", a.prefix)
	}
	return a, nil
}

func (a address) file(u *url.URL) (address, error) {
	if u.Host != "" && u.Host != "localhost" {
		return address{}, fmt.Errorf("the URL of a directory has three slashes: file:///%s", u.Host+u.Path)
	}
	a.path = filepath.Clean(filepath.FromSlash(u.Path))
	if !filepath.IsAbs(a.path) {
		return address{}, errors.New("the URL of a directory names it from the root: file:///var/backups")
	}
	return a, nil
}

func (a address) check(names []string) error {
	for name, values := range a.query {
		if !slices.Contains(names, name) {
			return fmt.Errorf("the URL of the store has the unknown parameter %q: %s has %s", name, a.scheme, listed(names))
		}
		if len(values) != 1 {
			return fmt.Errorf("the URL of the store has the parameter %q more than once", name)
		}
	}
	for _, name := range []string{"create_dir", "use_path_style"} {
		if _, err := strconv.ParseBool(a.query.Get(name)); a.query.Has(name) && err != nil {
			return fmt.Errorf("the parameter %q of the store's URL is true or false", name)
		}
	}
	return nil
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func (a address) flag(name string) bool {
	on, _ := strconv.ParseBool(a.query.Get(name)) // check has seen it
	return on
}

// Name is a URL without anything secret, for people: s3://bucket/prefix.
func Name(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "(a store whose URL cannot be read)"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
