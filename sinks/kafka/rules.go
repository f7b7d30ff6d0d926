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
		KindBrokerConfig:    BrokerConfigRules(),
		KindTopic:           TopicRules(),
		KindScramCredential: ScramCredentialRules(),
		KindACLSet:          ACLSetRules(),
		KindQuotaEntity:     QuotaEntityRules(),
	}
}

// ScramCredentialRules say that a password cannot be read back, and that iterations are
// part of what is made of it.
func ScramCredentialRules() reconcile.Rules {
	return reconcile.Rules{
		Recreate: true,
		Field: func(name string) reconcile.Rule {
			switch name {
			case fieldPassword:
				return reconcile.Rule{
					Needed:   "no password is declared and no credential exists",
					Disrupts: replacesPassword,
				}
			case fieldIterations:
				return reconcile.Rule{Check: checkIterations, With: []string{fieldPassword}, Watch: true}
			default:
				return reconcile.Rule{}
			}
		},
	}
}

// replacesPassword: clients that log in with the old one will notice.
func replacesPassword(from, to reconcile.Value) string {
	if from.Is(reconcile.WriteOnly) && to.Is(reconcile.Secret) {
		return "clients that still use the old password can no longer log in"
	}
	return ""
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

// ACLSetRules say that a principal's ACLs are a bag.
func ACLSetRules() reconcile.Rules {
	return reconcile.Rules{
		Bag: true, Recreate: true,
		Field: func(name string) reconcile.Rule { return reconcile.Rule{Reset: true, Check: checkACL(name)} },
	}
}

// QuotaEntityRules say that an entity's quotas are a bag.
func QuotaEntityRules() reconcile.Rules {
	return reconcile.Rules{
		Bag: true, Recreate: true,
		Field: func(name string) reconcile.Rule {
			return reconcile.Rule{Reset: true, Check: func(_, to reconcile.Value) string { return checkQuota(name, to) }}
		},
	}
}
