package kafka

import "github.com/ottla-io/ottla/reconcile"

// PrincipalOf is whom a live thing is about, as access rules spell it:
// User:bob, User:CN=shop. A quota of all other users is about User:<default>;
// "" is about nobody.
func PrincipalOf(id reconcile.ID) string {
	switch id.Kind {
	case KindACLSet:
		return id.Name
	case KindScramCredential:
		if c, err := parseScramID(id); err == nil {
			return "User:" + c.user
		}
	case KindQuotaEntity:
		return userOfEntity(id)
	}
	return ""
}

func userOfEntity(id reconcile.ID) string {
	parts, err := parseEntity(id)
	if err != nil {
		return ""
	}
	for _, p := range parts {
		switch {
		case p.Type != "user":
		case p.Name == nil:
			return "User:" + DefaultEntity
		default:
			return "User:" + *p.Name
		}
	}
	return ""
}
