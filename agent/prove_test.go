package agent

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ottla-io/ottla/reconcile"
)

var bob = declare("Credential/bob", "password", "bobs-password")

// existing puts a user there with a password.
func (h *house) existing(id, password string) {
	h.broker.set(id, "password", "set")
	h.broker.passwords[thing(id)] = password
}

func TestAProvenPasswordIsAdoptedWithoutBeingSent(t *testing.T) {
	h := newHouse(t, "p")
	h.existing("Credential/bob", "bobs-password")
	h.repo.push("r1", paths{"p": all(bob)})
	h.round()
	h.wrote()
	if own := h.ledger.state.Section("p").Owned[thing("Credential/bob")]; own == nil || own.Created {
		t.Errorf("not adopted: %+v", own)
	}
}

func TestAPasswordChangedByHandIsHealed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "p")
		h.repo.push("r1", paths{"p": all(bob)})
		h.round()
		h.broker.passwords[thing("Credential/bob")] = "another"
		pass(proofPause)
		r := h.round()
		h.wrote("create Credential/bob", "update Credential/bob")
		if h.broker.passwords[thing("Credential/bob")] != "bobs-password" || len(r.Healed()) != 1 {
			t.Errorf("%q", healedLinesOf(r))
		}
	})
}

func TestAProofThatFailsIsNoDrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "p")
		h.repo.push("r1", paths{"p": all(bob)})
		h.round()
		h.broker.loginErr = errors.New("the listener is down")
		pass(proofPause)
		h.round()
		h.wrote("create Credential/bob")
	})
}

func TestOwnedPasswordsAreProvenInTurnAndNotMoreOftenThanEveryTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "p")
		var users []reconcile.Resource
		for i := range 5 {
			users = append(users, declare(fmt.Sprint("Credential/u", i), "password", "secret-word"))
		}
		h.repo.push("r1", paths{"p": users})
		h.round()
		h.broker.logins = 0
		for range 60 {
			h.round()
			pass(time.Second)
		}
		if h.broker.logins != 6 {
			t.Errorf("%d logins in a minute", h.broker.logins)
		}
		for id := range h.broker.passwords {
			h.broker.passwords[id] = "another"
		}
		for range 60 {
			h.round()
			pass(time.Second)
		}
		for id, got := range h.broker.passwords {
			if got != "secret-word" {
				t.Errorf("%s had no turn", id)
			}
		}
	})
}

func TestASyncThatOnlyObservesDoesNotTryPasswordsInEveryRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "p")
		h.Syncs[0].Mode = Observe
		var users []reconcile.Resource
		for i := range proofsARound + 10 {
			id := fmt.Sprintf("Credential/u%02d", i)
			users = append(users, declare(id, "password", "secret-word"))
			h.existing(id, "another")
		}
		h.repo.push("r1", paths{"p": users})
		h.round()
		if h.broker.logins != proofsARound {
			t.Errorf("%d logins in a round", h.broker.logins)
		}
		for range 10 {
			pass(30 * time.Second)
			h.round()
		}
		if h.broker.logins != len(users) {
			t.Errorf("%d logins for %d users", h.broker.logins, len(users))
		}
	})
}
