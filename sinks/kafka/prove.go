package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/ottla-io/ottla/reconcile"
)

// Login is a SASL listener where declared passwords can be proven.
type Login struct {
	Brokers []string // host:port
	TLS     *TLS     // nil is SASL_PLAINTEXT
}

// Proves tells whether there is somewhere to log in: a listener named for it,
// or our own connection's, if that is a SASL one.
func (k *credentials) Proves() bool { return k.login != nil }

// Prove logs in with a declared password. It is true where the broker takes
// it, false where it refuses it, and an error where that could not be told.
func (k *credentials) Prove(ctx context.Context, id reconcile.ID, declared reconcile.Value) (bool, error) {
	c, err := parseScramID(id)
	if err != nil {
		return false, err
	}
	password, ok := declared.Plaintext()
	if !ok || k.login == nil {
		return false, fmt.Errorf("prove the password of %s: there is nothing to log in with, or nowhere", id)
	}
	err = TestLogin(ctx, *k.login, c.user, mechanismOf(c.code), password)
	if errors.Is(err, ErrPassword) {
		return false, nil
	}
	return err == nil, err
}

// logins are the options to prove passwords with, nil where nothing can be.
func (o Options) logins() *Options {
	out := o
	switch {
	case o.Login != nil:
		out.Brokers, out.TLS = o.Login.Brokers, o.Login.TLS
	case o.SASL == nil:
		return nil
	}
	return &out
}
