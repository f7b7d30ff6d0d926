package reconcile

import (
	"errors"
	"strings"
	"testing"
)

// reads is a decoder of one type whose documents declare themselves.
type reads struct{ kind, live string }

func (r reads) Reads() []string { return []string{"v1/" + r.kind} }

func (r reads) Decode(d Document, refs Refs) (Decoded, error) {
	if name := d.Annotations["needs-secret"]; name != "" {
		if _, err := refs.Secret(d.Namespace, name, "password"); err != nil {
			return Decoded{}, Mistake{d.Origin, err.Error()}
		}
	}
	fields := map[string]Value{}
	if v := d.Labels["value"]; v != "" {
		fields["f"] = TextOf(v)
	}
	if v := d.Labels["field"]; v != "" {
		fields[v] = TextOf("")
	}
	return Decoded{Resources: []Resource{{ID: ID{r.live, d.Name}, Fields: fields, Origins: map[string][]Origin{"": {d.Origin}}}}, Notes: []string{"noted"}[:len(d.Annotations["note"])]}, nil
}

func doc(kind, name string, line int, set ...string) Document {
	d := Document{APIVersion: "v1", Kind: kind, Name: name, Labels: map[string]string{}, Annotations: map[string]string{}, Origin: Origin{kind + " " + name, "all.yaml", line}}
	for _, s := range set {
		key, value, _ := strings.Cut(s, "=")
		if strings.HasPrefix(key, "@") {
			d.Annotations[key[1:]] = value
		} else {
			d.Labels[key] = value
		}
	}
	return d
}

func declare(docs ...Document) (Declarations, error) {
	return Declare(docs, DeclareOptions{
		Cluster: "prod", Decoders: []Decoder{reads{"Topic", "Topic"}, reads{"User", "AclSet"}, reads{"Rule", "AclSet"}},
		NotOurs: func(d Document) bool { return d.Kind == "Namespace" },
		Bags:    func(kind string) bool { return kind == "AclSet" }, Encrypted: func(s string) bool { return strings.HasPrefix(s, "ENC[") },
	})
}

func TestMistakesNameTheirPlaceAndAllAreToldAtOnce(t *testing.T) {
	secret := doc("Secret", "s", 90)
	secret.Body = Node{Kind: MapNode, Fields: []Field{{Key: "stringData", Value: Node{Fields: []Field{{Key: "password", Value: ScalarNode(StringNode, "ENC[x]", 0)}}}}}}
	for name, c := range map[string]struct {
		docs []Document
		says []string
	}{
		"declared twice":      {[]Document{doc("Topic", "a", 1), doc("Topic", "a", 5)}, []string{"all.yaml:5", "also in all.yaml:1"}},
		"unknown kind":        {[]Document{doc("Tpic", "a", 1)}, []string{"all.yaml:1", "unknown document kind Tpic"}},
		"differing values":    {[]Document{doc("User", "a", 1, "value=1"), doc("Rule", "a", 5, "value=2")}, []string{"f is 2 here and 1 in all.yaml:1"}},
		"differing markers":   {[]Document{doc("User", "a", 1), doc("Rule", "a", 5, "@"+PruneMark+"=disabled")}, []string{"other annotations than in all.yaml:1"}},
		"bad drift mode":      {[]Document{doc("Topic", "a", 1, "@"+DriftMark+"=maybe")}, []string{"heal, report, off"}},
		"bad prune":           {[]Document{doc("Topic", "a", 1, "@"+PruneMark+"=no")}, []string{"disabled nor enabled"}},
		"annotation misspelt": {[]Document{doc("Topic", "a", 1, "@ottla.io/prun=disabled")}, []string{"unknown annotation ottla.io/prun"}},
		"reference to none":   {[]Document{doc("Topic", "a", 1, "@needs-secret=t")}, []string{"all.yaml:1", "Secret t is not declared"}},
		"still encrypted":     {[]Document{secret, doc("Topic", "a", 1, "@needs-secret=s")}, []string{"still encrypted"}},
		"two at once":         {[]Document{doc("Tpic", "a", 1), doc("Topic", "b", 9, "@"+DriftMark+"=maybe")}, []string{"all.yaml:1", "all.yaml:9"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := declare(c.docs...)
			if err == nil {
				t.Fatal("it is taken")
			}
			for _, words := range c.says {
				mustContain(t, "error", err.Error(), words)
			}
		})
	}
	var m Mistake
	if _, err := declare(doc("Tpic", "a", 1)); !errors.As(err, &m) || m.Origin.Line != 1 {
		t.Errorf("no mistake with its origin: %v", err)
	}
}

func TestDeclarationsOfABagAreAUnion(t *testing.T) {
	d, err := declare(doc("User", "a", 1, "field=read"), doc("Rule", "a", 5, "field=write"), doc("Rule", "a", 9, "field=read"))
	if err != nil || len(d.Resources) != 1 {
		t.Fatalf("%v, %v", d.Resources, err)
	}
	mustEqual(t, "fields", len(d.Resources[0].Fields), 2)
	mustEqual(t, "origins", len(d.Resources[0].Origins[""]), 3)
}

func TestADocumentForAnotherClusterGivesWay(t *testing.T) {
	for _, docs := range [][]Document{
		{doc("Topic", "a", 1, ClusterLabel+"=test", "value=1"), doc("Topic", "a", 5, ClusterLabel+"=prod", "value=2")},
		{doc("Topic", "a", 5, ClusterLabel+"=prod", "value=2"), doc("Topic", "a", 1, ClusterLabel+"=test", "value=1")},
	} {
		d, err := declare(docs...)
		if err != nil || len(d.Resources) != 1 || d.Resources[0].Skip != "" || d.Resources[0].Fields["f"] != TextOf("2") {
			t.Errorf("%+v, %v", d.Resources, err)
		}
	}
}

func TestMarksOfADocumentAreOnItsResources(t *testing.T) {
	d, err := declare(
		doc("Topic", "a", 1, "@"+PauseMark+"=true", "@"+DriftMark+"=report", "@"+PruneMark+"=disabled", "@"+IgnoreFieldsMark+"=x, y,"),
		doc("Topic", "b", 2, "@"+ManagedMark+"=false"), doc("Topic", "c", 3, ClusterLabel+"=test"), doc("Namespace", "n", 4),
	)
	if err != nil {
		t.Fatal(err)
	}
	a := d.Resources[0]
	if a.Skip != SkipPaused || a.Drift != DriftReport || !a.Keep || !a.Ignore["x"] || !a.Ignore["y"] || len(a.Ignore) != 2 {
		t.Errorf("%+v", a)
	}
	mustEqual(t, "managed: false", d.Resources[1].Skip, SkipUnmanaged)
	mustContain(t, "another cluster's", d.Resources[2].Skip, "for another cluster")
	mustContain(t, "not ours", d.Remarks[0].Text, "not ours")
}

func TestMarksAreReadAsStrimziReadsThemAndNothingElse(t *testing.T) {
	d, err := declare(doc("Topic", "a", 1, "@"+ManagedMark+"=False"), doc("Topic", "b", 2, "@"+PauseMark+"=TRUE"), doc("Topic", "c", 3, "@"+ManagedMark+"=True"))
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "managed: False", d.Resources[0].Skip, SkipUnmanaged)
	mustEqual(t, "paused: TRUE", d.Resources[1].Skip, SkipPaused)
	mustEqual(t, "managed: True", d.Resources[2].Skip, "")
	for _, mark := range []string{ManagedMark + "=no", PauseMark + "=yes", PauseMark + "="} {
		_, err := declare(doc("Topic", "a", 1, "@"+mark))
		if err == nil {
			t.Errorf("%s is taken", mark)
			continue
		}
		mustContain(t, mark, err.Error(), "neither true nor false")
	}
}
