package kafka

import (
	"fmt"
	"strconv"

	"github.com/ottla-io/ottla/reconcile"
)

// Rules are the rules of all live kinds by name, for a plan that is made
// without a cluster.
func Rules() map[string]reconcile.Rules {
	return map[string]reconcile.Rules{
		KindTopic:           TopicRules(),
		KindScramCredential: ScramCredentialRules(),
		KindAclSet:          AclSetRules(),
		KindQuotaEntity:     QuotaEntityRules(),
	}
}

// ScramCredentialRules: a password cannot be read back, and iterations are
// part of what is made of it.
func ScramCredentialRules() reconcile.Rules {
	return reconcile.Rules{
		Recreate: true,
		Field: func(name string) reconcile.Rule {
			switch name {
			case fieldPassword:
				return reconcile.Rule{Needed: "no password is declared and no credential exists"}
			case fieldIterations:
				return reconcile.Rule{Check: checkIterations, With: fieldPassword, Watch: true}
			default:
				return reconcile.Rule{}
			}
		},
	}
}

func checkIterations(_, to reconcile.Value) string {
	if !to.Is(reconcile.Text) {
		return ""
	}
	n, err := strconv.Atoi(to.Text())
	if err != nil || n < leastIterations || n > mostIterations {
		return fmt.Sprintf("Kafka takes %d to %d iterations, not %s", leastIterations, mostIterations, to.Text())
	}
	return ""
}

// AclSetRules: a principal's ACLs are a bag.
func AclSetRules() reconcile.Rules {
	return reconcile.Rules{
		Bag: true, Recreate: true,
		Field: func(name string) reconcile.Rule { return reconcile.Rule{Reset: true, Check: checkACL(name)} },
	}
}

// QuotaEntityRules: an entity's quotas are a bag.
func QuotaEntityRules() reconcile.Rules {
	return reconcile.Rules{
		Bag: true, Recreate: true,
		Field: func(name string) reconcile.Rule {
			return reconcile.Rule{Reset: true, Check: func(_, to reconcile.Value) string { return checkQuota(name, to) }}
		},
	}
}
