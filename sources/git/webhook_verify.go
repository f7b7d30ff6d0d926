package git

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// delivery is one request, read but not yet believed.
type delivery struct {
	header         http.Header
	body           []byte
	now            time.Time
	user, password string // of basic authentication
	basic          bool
}

// signingTokenPrefix marks a GitLab signing token, as the Standard Webhooks
// specification does.
const signingTokenPrefix = "whsec_"

// signingKey is the key that signs in a dialect.
func signingKey(d Dialect, secret string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(secret, signingTokenPrefix)
	if d != GitLab || !ok {
		return []byte(secret), nil
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(key) == 0 {
		return nil, errors.New("the signing token is not whsec_ and base64")
	}
	return key, nil
}

// verify returns "" for a delivery that comes from whoever knows the secret.
func (d delivery) verify(o HookOptions, secret string) Outcome {
	key, err := signingKey(o.Dialect, secret)
	if err != nil {
		return HookNoSecret
	}
	switch o.Dialect {
	case GitHub:
		return d.signed(key, "sha256=", "X-Hub-Signature-256")
	case Bitbucket:
		return d.signed(key, "sha256=", "X-Hub-Signature")
	case Gitea:
		return d.signed(key, "", "X-Gitea-Signature")
	case Forgejo:
		return d.signed(key, "", "X-Forgejo-Signature", "X-Gitea-Signature")
	case Gogs:
		return d.signed(key, "", "X-Gogs-Signature")
	case Generic:
		return d.signed(key, "sha256=", "X-Signature")
	case AzureDevOps:
		return forgedUnless(d.basic && equal(d.user, o.User) && equal(d.password, secret))
	case GitLab:
		if strings.HasPrefix(secret, signingTokenPrefix) {
			return d.standard(key) // the weaker token is no way around it
		}
		return forgedUnless(equal(d.header.Get("X-Gitlab-Token"), secret))
	}
	return HookForged
}

func forgedUnless(ok bool) Outcome {
	if ok {
		return ""
	}
	return HookForged
}

// equal compares in constant time, whatever the lengths.
func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// signed checks the hex HMAC-SHA256 of the body in the first header present.
func (d delivery) signed(key []byte, prefix string, headers ...string) Outcome {
	for _, name := range headers {
		value := d.header.Get(name)
		if value == "" {
			continue
		}
		digits, ok := strings.CutPrefix(value, prefix)
		got, err := hex.DecodeString(digits)
		return forgedUnless(ok && err == nil && hmac.Equal(got, mac(key, d.body)))
	}
	return HookForged
}

func mac(key []byte, parts ...[]byte) []byte {
	m := hmac.New(sha256.New, key)
	for _, p := range parts {
		_, _ = m.Write(p) // a hash never fails
	}
	return m.Sum(nil)
}

// standard checks a signature of the Standard Webhooks specification over id,
// time and body; the header may hold several while keys are rotated.
func (d delivery) standard(key []byte) Outcome {
	id, at := d.header.Get("webhook-id"), d.header.Get("webhook-timestamp")
	want := mac(key, []byte(id+"."+at+"."), d.body)
	good := false
	for one := range strings.FieldsSeq(d.header.Get("webhook-signature")) {
		encoded, ok := strings.CutPrefix(one, "v1,")
		got, err := base64.StdEncoding.DecodeString(encoded)
		good = good || ok && err == nil && hmac.Equal(got, want)
	}
	if !good {
		return HookForged
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || d.now.Sub(time.Unix(seconds, 0)).Abs() > signedWindow {
		return HookExpired
	}
	return ""
}

// replays remembers bodies for a while. What is sent again later costs one
// poll, and so does one that was pushed out by many others.
type replays struct {
	mu   sync.Mutex
	ring [maxDeliveries]replay
	next int
}

type replay struct {
	sum [sha256.Size]byte
	at  time.Time
}

func (r *replays) again(body []byte, now time.Time) bool {
	sum := sha256.Sum256(body)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, old := range r.ring {
		if old.sum == sum && now.Sub(old.at) < signedWindow {
			return true
		}
	}
	r.ring[r.next] = replay{sum: sum, at: now}
	r.next = (r.next + 1) % len(r.ring)
	return false
}
