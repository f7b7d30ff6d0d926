package kafka

import (
	"fmt"
	"strconv"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
)

const (
	passwordPath   = "spec.authentication.password"
	secretKeyPath  = passwordPath + ".valueFrom.secretKeyRef"
	mechanismPath  = "metadata.annotations." + reconcile.ScramMechanismMark
	iterationsPath = "metadata.annotations." + reconcile.ScramIterationsMark
)

// Kafka's limits of SCRAM iterations.
const minIterations, maxIterations = 4096, 16384

// credential declares the user's SCRAM credential. Without a password it
// counts as declared and its password as not managed.
func (u *userReader) credential(refs reconcile.Refs) {
	a := u.spec.Authentication
	if a == nil || a.Type != authScram512 {
		u.needless(reconcile.ScramMechanismMark, mechanismPath)
		u.needless(reconcile.ScramIterationsMark, iterationsPath)
		return
	}
	credential := declare(u.doc, KindScramCredential, u.name+"|"+u.mechanism(), "spec.authentication")
	if a.Password == nil {
		credential.set(fieldPassword, reconcile.UnmanagedValue(), strict.LineOf(u.doc.Body, "spec.authentication"))
	} else {
		credential.set(fieldPassword, u.password(a.Password.ValueFrom.SecretKeyRef, refs), strict.LineOf(u.doc.Body, secretKeyPath))
	}
	if text, ok := u.doc.Annotations[reconcile.ScramIterationsMark]; ok {
		credential.set(fieldIterations, u.iterations(text), strict.LineOf(u.doc.Body, iterationsPath))
	}
	u.out = append(u.out, credential.Resource)
}

func (u *userReader) needless(mark, path string) {
	if _, ok := u.doc.Annotations[mark]; ok {
		u.report.Add(path, "belongs to authentication of type: %s", authScram512)
	}
}

func (u *userReader) mechanism() string {
	switch m := u.doc.Annotations[reconcile.ScramMechanismMark]; m {
	case "", "SCRAM-SHA-512":
		return "SCRAM-SHA-512"
	case "SCRAM-SHA-256":
		return m
	default:
		known := []string{"SCRAM-SHA-256", "SCRAM-SHA-512"}
		u.report.Add(mechanismPath, "%q is not one of SCRAM-SHA-256, SCRAM-SHA-512%s", m, strict.DidYouMean(m, known))
		return m
	}
}

// password fetches the password. Its errors come from the references and name
// the Secret, never what is in it.
func (u *userReader) password(key userSecretKey, refs reconcile.Refs) reconcile.Value {
	value, err := refs.Secret(u.doc.Namespace, key.Name, key.Key)
	if err != nil {
		u.report.Add(secretKeyPath, "%s", err)
		return reconcile.UnmanagedValue()
	}
	if plain, ok := value.Plaintext(); ok && plain == "" {
		u.report.Add(secretKeyPath, "key %s of Secret %s is empty: a user needs a password", key.Key, key.Name)
	}
	return value
}

func (u *userReader) iterations(text string) reconcile.Value {
	n, err := strconv.Atoi(text)
	if err != nil || n < minIterations || n > maxIterations {
		u.report.Add(iterationsPath, "%q is not a whole number from %d to %d", text, minIterations, maxIterations)
	}
	return reconcile.TextOf(fmt.Sprint(n))
}
