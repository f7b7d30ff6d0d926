package kustomize

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sources/yaml"
)

// isTemplate tells an OpenShift Template (template.openshift.io/v1, or v1 in
// old ones).
func isTemplate(d reconcile.Document) bool {
	return d.Kind == "Template" && (d.APIVersion == "v1" || strings.HasPrefix(d.APIVersion, "template.openshift.io/"))
}

// expandTemplates replaces every Template by its objects. ${P} is text, ${{P}}
// takes the parameter's own type. Values come from the sync's configuration,
// else from the Template; generated ones are an error: every round would
// generate another.
func expandTemplates(docs []reconcile.Document, given map[string]string) ([]reconcile.Document, error) {
	var errs []error
	out := make([]reconcile.Document, 0, len(docs))
	for _, d := range docs {
		if !isTemplate(d) {
			out = append(out, d)
			continue
		}
		objects, err := expand(d, given)
		out, errs = append(out, objects...), append(errs, err)
	}
	return out, errors.Join(errs...)
}

func expand(d reconcile.Document, given map[string]string) ([]reconcile.Document, error) {
	values, err := parameters(d, given)
	if err != nil {
		return nil, err
	}
	objects, ok := d.Body.Get("objects")
	if !ok || objects.Kind != reconcile.ListNode {
		return nil, templateError(d, d.Body.Line, "objects must be a list")
	}
	v := variables{values: values, file: d.Origin.File, lenient: true}
	nodes := v.node(braces(), objects).Items
	return yaml.Documents(nodes, d.Origin.File)
}

// parameters are the values of a Template's parameters.
func parameters(d reconcile.Document, given map[string]string) (map[string]string, error) {
	values := make(map[string]string)
	list, _ := d.Body.Get("parameters")
	var errs []error
	for _, p := range list.Items {
		name, value, err := parameter(d, p, given)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		values[name] = value
	}
	return maps.Clone(values), errors.Join(errs...)
}

func parameter(d reconcile.Document, p reconcile.Node, given map[string]string) (string, string, error) {
	name, _ := p.Get("name")
	value, has := p.Get("value")
	required, _ := p.Get("required")
	_, generate := p.Get("generate")
	own, set := given[name.Text()]
	switch {
	case name.Kind != reconcile.StringNode || name.Text() == "":
		return "", "", templateError(d, p.Line, "every parameter needs a name")
	case set:
		return name.Text(), own, nil
	case generate && !has:
		return "", "", templateError(d, p.Line, fmt.Sprintf("parameter %s is to be generated, which would give another value every time: give it one in templateParameters", name.Text()))
	case required.Text() == "true" && value.Text() == "":
		return "", "", templateError(d, p.Line, fmt.Sprintf("parameter %s is required and has no value: give it one in templateParameters", name.Text()))
	}
	return name.Text(), value.Text(), nil
}

func templateError(d reconcile.Document, line int, text string) error {
	return &yaml.Error{File: d.Origin.File, Line: line, Text: d.Origin.Document + ": " + text}
}
