package kafka

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
)

// Written is a document that would declare what lives, the other way of the
// decoders.
type Written struct {
	Kind  string // of document
	Name  string // of the document
	About string // the name in Kafka that it is about, "" where it is about everybody
	Body  any    // as JSON writes it
}

// Encoded is what a cluster becomes as documents.
type Encoded struct {
	Documents []Written
	Notes     []string // what is not in them, and why
}

// Encode writes what lives as documents that declare exactly that, sorted. leave
// has words for what is left out. Access and quotas of a user with a credential,
// or with a common name, stand in its KafkaUser; all other in documents of our
// own. What cannot be read back, passwords above all, is not declared.
func Encode(lives []reconcile.Live, leave func(reconcile.ID) string) Encoded {
	e := &encoder{names: map[string]bool{}, users: map[string]*writtenUser{}}
	lives = slices.SortedFunc(slices.Values(lives), func(a, b reconcile.Live) int { return reconcile.CompareID(a.ID, b.ID) })
	kept := lives[:0]
	for _, l := range lives {
		if words := firstWords(l.Internal, leave(l.ID)); words != "" {
			e.note("%s is left out: %s", l.ID, words)
			continue
		}
		kept = append(kept, l)
	}
	for _, kind := range []struct {
		name  string
		write func(reconcile.Live)
	}{{KindTopic, e.topic}, {KindScramCredential, e.credential}, {KindACLSet, e.acls}, {KindQuotaEntity, e.quotas}, {KindBrokerConfig, e.broker}} {
		for _, l := range kept {
			if l.ID.Kind == kind.name {
				kind.write(l)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.users)) {
		e.write(strimziVersions()[0], "KafkaUser", name, name, e.users[name].annotations, e.users[name].spec)
	}
	return e.out
}

func firstWords(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

// encoder gathers documents. A name is used once for each kind of document.
type encoder struct {
	out   Encoded
	names map[string]bool
	users map[string]*writtenUser // by name
}

// writtenUser is a KafkaUser on its way.
type writtenUser struct {
	principal   string // without User:
	annotations map[string]string
	spec        map[string]any
}

func (e *encoder) note(format string, args ...any) {
	e.out.Notes = append(e.out.Notes, fmt.Sprintf(format, args...))
}

func (e *encoder) write(version, kind, name, about string, annotations map[string]string, spec any) {
	metadata := map[string]any{"name": name}
	if len(annotations) > 0 {
		metadata["annotations"] = annotations
	}
	body := map[string]any{"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}
	e.out.Documents = append(e.out.Documents, Written{kind, name, about, body})
}

func (e *encoder) topic(l reconcile.Live) {
	if words := refusedTopicName(l.ID.Name); words != "" {
		e.note("%s is left out: %s", l.ID, words)
		return
	}
	spec := map[string]any{"partitions": number(l.Fields[fieldPartitions].Text())}
	if replicas := l.Fields[fieldReplicas].Text(); strings.Contains(replicas, "..") {
		e.note("%s: its partitions have %s replicas; how many it should have is not declared", l.ID, replicas)
	} else {
		spec["replicas"] = number(replicas)
	}
	if config := e.config(l); len(config) > 0 {
		spec["config"] = config
	}
	name := e.name("KafkaTopic", l.ID.Name)
	if name != l.ID.Name {
		spec["topicName"] = l.ID.Name
	}
	e.write(strimziVersions()[0], "KafkaTopic", name, l.ID.Name, nil, spec)
}

// config is what is set of a topic or a broker, save what cannot be read.
func (e *encoder) config(l reconcile.Live) map[string]any {
	config := map[string]any{}
	for _, field := range slices.Sorted(maps.Keys(l.Fields)) {
		key, ok := strings.CutPrefix(field, configPrefix)
		switch v := l.Fields[field]; {
		case !ok:
		case v.Is(reconcile.Text):
			config[key] = number(v.Text())
		default:
			e.note("%s: the brokers do not show %s; it is left alone until Git names it", l.ID, key)
		}
	}
	return config
}

// credential begins a user. Its password cannot be read: it is not managed.
func (e *encoder) credential(l reconcile.Live) {
	c, err := parseScramID(l.ID)
	if err != nil {
		e.note("%s is left out: %s", l.ID, err)
		return
	}
	if words := (&userReader{name: c.user}).refusedName(); words != "" {
		e.note("%s is left out: %s", l.ID, words)
		return
	}
	authentication := map[string]any{"type": authScram512}
	user := &writtenUser{principal: c.user, spec: map[string]any{"authentication": authentication}}
	if mechanismOf(c.code) == ScramSHA256 {
		user.annotations = map[string]string{reconcile.ScramMechanismMark: string(ScramSHA256)}
	}
	if e.users[c.user] != nil {
		// IDs are sorted: SCRAM-SHA-256 came first, and a document has room for one.
		e.note("%s|%s is left out: a KafkaUser declares one mechanism, and the user has SCRAM-SHA-512, too", KindScramCredential+"/"+c.user, ScramSHA256)
	}
	e.users[c.user] = user
}

// userOf is the KafkaUser for a principal: one that has a credential, or one
// that is begun for a common name. It is nil for all others.
func (e *encoder) userOf(principal string) *writtenUser {
	if user := e.users[principal]; user != nil && user.principal == principal {
		return user
	}
	name, ok := strings.CutPrefix(principal, "CN=")
	reader := userReader{name: name, spec: userSpec{Authentication: &userAuthentication{Type: authTLSExternal}}}
	if !ok || name == "" || reader.refusedName() != "" {
		return nil
	}
	if user := e.users[name]; user != nil {
		if user.principal != principal {
			return nil // a user with a password has that name
		}
		return user
	}
	user := &writtenUser{principal: principal, spec: map[string]any{"authentication": map[string]any{"type": authTLSExternal}}}
	e.users[name] = user
	return user
}

func (e *encoder) quotas(l reconcile.Live) {
	parts, err := parseEntity(l.ID)
	if err != nil {
		e.note("%s is left out: %s", l.ID, err)
		return
	}
	all := e.rates(l)
	if len(all) == 0 {
		return
	}
	if len(parts) == 1 && parts[0].Type == "user" && parts[0].Name != nil {
		if user := e.userOf(*parts[0].Name); user != nil {
			user.spec["quotas"] = all
			return
		}
	}
	entity, about := entityOf(parts)
	name := e.name("ClientQuota", l.ID.Name)
	e.write(ottlaVersions()[0], "ClientQuota", name, about, nil, map[string]any{"entity": entity, "quotas": all})
}

func (e *encoder) rates(l reconcile.Live) map[string]any {
	all := map[string]any{}
	known := append((&userQuotas{}).rates(), rate{key: "connection_creation_rate", field: "connectionCreationRate"})
	for _, key := range slices.Sorted(maps.Keys(l.Fields)) {
		i := slices.IndexFunc(known, func(r rate) bool { return r.key == key })
		if words := checkQuota(key, l.Fields[key]); i < 0 || words != "" {
			e.note("%s: %s is left out: %s", l.ID, key, words)
			continue
		}
		all[known[i].field] = number(l.Fields[key].Text())
	}
	return all
}

func entityOf(parts []QuotaPart) (entity map[string]any, about string) {
	entity = map[string]any{}
	var defaults []string
	for _, p := range parts {
		field := map[string]string{"user": "user", "client-id": "clientId", "ip": "ip"}[p.Type]
		if p.Name == nil {
			defaults = append(defaults, field)
			continue
		}
		entity[field] = *p.Name
		if p.Type == "user" {
			about = *p.Name
		}
	}
	if len(defaults) > 0 {
		entity["defaults"] = defaults
	}
	return entity, about
}

func (e *encoder) broker(l reconcile.Live) {
	config := e.config(l)
	if len(config) == 0 {
		return
	}
	spec, name := map[string]any{"config": config}, "all-brokers"
	if l.ID.Name != DefaultEntity {
		spec["brokers"], name = []any{number(l.ID.Name)}, "broker-"+l.ID.Name
	}
	e.write(ottlaVersions()[0], "BrokerConfig", name, "", nil, spec)
}
