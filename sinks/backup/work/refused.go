package work

import (
	"fmt"
	"path"
	"strings"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/backup"
)

// doesOf is what a thing does, from its id: BackupPolicy/default/nightly is a
// backup, Job/restore/default/x a restore.
func doesOf(id reconcile.ID) string {
	does, rest, _ := strings.Cut(id.Name, "/")
	if id.Kind == backup.KindPolicy && !strings.Contains(rest, "/") {
		return backup.DoesBackup
	}
	return does
}

// refused has words for what is never carried out as written: what the document
// itself says, and what the agent's configuration does not allow.
func (s *Service) refused(spec backup.Spec) string {
	if spec[backup.FieldRefused] != "" {
		return spec[backup.FieldRefused]
	}
	if spec[backup.FieldStorage] != "" {
		st, err := s.storeOf(spec, nil)
		if err != nil {
			return err.Error()
		}
		if spec["verify"] == "data" && st.sealed() {
			return fmt.Sprintf("%s: data wants to read what store %s encrypts, and no identity is at hand (stores[].encryption.identityFiles)", reconcile.VerifyMark, st.Name)
		}
	}
	if spec[backup.FieldCluster] != "" {
		if _, err := s.clusterOf(spec); err != nil {
			return err.Error()
		}
	}
	if spec[backup.FieldExisting] == "purge" {
		if words := s.unpurgeable(spec); words != "" {
			return words
		}
	}
	for name := range spec.Below("webhook") {
		if host, ok := strings.CutSuffix(name, ".host"); ok && !matches(s.o.AllowWebhooks, spec["webhook."+host+".host"]) {
			return fmt.Sprintf("the agent's configuration does not allow asking %s (backups.allowWebhooks)", spec["webhook."+host+".host"])
		}
	}
	return ""
}

// unpurgeable says which topic may not be emptied. A document that empties
// topics names them: a pattern would reach what is made tomorrow.
func (s *Service) unpurgeable(spec backup.Spec) string {
	topics := spec.List(backup.FieldTopics)
	if len(topics) == 0 {
		return "purgeTopics wants the topics named one by one"
	}
	rename := spec.Below("rename")
	target, err := s.clusterOf(spec)
	if err != nil {
		return err.Error()
	}
	for _, t := range topics {
		if to, ok := rename[t]; ok {
			t = to
		}
		switch {
		case strings.ContainsAny(t, "*?"):
			return fmt.Sprintf("purgeTopics wants the topics named one by one, and %s is a pattern", t)
		case strings.HasPrefix(t, "__"):
			return t + " is internal: it is never emptied"
		case matches(target.Protected, t):
			return fmt.Sprintf("topic %s is protected (clusters[].protected.topics): it is never emptied", t)
		case !matches(s.o.AllowPurge, t):
			return fmt.Sprintf("the agent's configuration does not allow emptying topic %s (backups.allowPurge)", t)
		}
	}
	return ""
}

func matches(patterns []string, name string) bool {
	for _, p := range patterns {
		if ok, err := path.Match(p, name); ok && err == nil {
			return true
		}
	}
	return false
}
