package git

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Dialect is a forge's way to sign a delivery.
type Dialect string

// The dialects.
const (
	GitHub      Dialect = "github"
	GitLab      Dialect = "gitlab" // the secret token, or a signing token ("whsec_…")
	Gitea       Dialect = "gitea"
	Forgejo     Dialect = "forgejo"
	Gogs        Dialect = "gogs"
	Bitbucket   Dialect = "bitbucket" // Cloud and Data Center
	AzureDevOps Dialect = "azuredevops"
	Generic     Dialect = "generic" // {"repository": URL, "ref": full name}, X-Signature: sha256=<hex HMAC>
)

// Dialects lists them all.
func Dialects() []Dialect {
	return []Dialect{GitHub, GitLab, Gitea, Forgejo, Gogs, Bitbucket, AzureDevOps, Generic}
}

// Outcome is what became of a delivery.
type Outcome string

// The outcomes.
const (
	HookAccepted  Outcome = "accepted"  // 202: a poll was woken
	HookPing      Outcome = "ping"      // 200: the forge tries the address
	HookIgnored   Outcome = "ignored"   // 202: verified, but another event, repository or ref
	HookReplayed  Outcome = "replayed"  // 202: verified, and seen a moment ago
	HookForged    Outcome = "forged"    // 401: the signature, token or password is missing or wrong
	HookExpired   Outcome = "expired"   // 401: the signed time is more than five minutes off
	HookMalformed Outcome = "malformed" // 400: verified, and not what the dialect sends
	HookOversized Outcome = "oversized" // 413
	HookSlow      Outcome = "slow"      // 408: the body did not come in time
	HookLimited   Outcome = "limited"   // 429: too many from one address
	HookMethod    Outcome = "method"    // 405: not a POST
	HookNoSecret  Outcome = "no-secret" // 500: our own secret cannot be read
)

// Outcomes lists them all, so that every series exists from the start.
func Outcomes() []Outcome {
	return []Outcome{HookAccepted, HookPing, HookIgnored, HookReplayed, HookForged, HookExpired,
		HookMalformed, HookOversized, HookSlow, HookLimited, HookMethod, HookNoSecret}
}

// The limits of a delivery.
const (
	MaxDelivery   = 1 << 20 // bytes
	deliveryTime  = 10 * time.Second
	signedWindow  = 5 * time.Minute
	perSecond     = 10 // deliveries from one address
	burst         = 30
	maxAddresses  = 1024
	maxDeliveries = 256
)

// HookOptions say which deliveries wake a poll.
type HookOptions struct {
	Name    string
	Dialect Dialect
	Secret  SecretFunc // never empty; the password for Azure DevOps
	User    string     // for Azure DevOps

	Repositories []string // URLs in any form; one must match
	Refs         []string // full names or patterns, "refs/heads/main", "refs/tags/*" (see Ref.Pattern); none: every ref

	Poke  func()        // must not block
	Count func(Outcome) // may be nil
}

// Pattern is what HookOptions.Refs should hold for this ref; "" for a commit,
// which no push changes.
func (r Ref) Pattern() string {
	switch {
	case r.Branch != "":
		return "refs/heads/" + r.Branch
	case r.Tag != "":
		return "refs/tags/" + r.Tag
	case r.Semver != "":
		return "refs/tags/*"
	}
	return ""
}

// webhook verifies deliveries. A delivery only says "look now": nothing in it
// chooses what is fetched, let alone applied.
type webhook struct {
	opts    HookOptions
	repos   map[string]bool
	senders senders
	seen    replays
}

// NewWebhook returns the handler for one webhook. A secret that is empty or
// cannot be read is an error now, not at the first delivery.
func NewWebhook(o HookOptions) (http.Handler, error) {
	h := &webhook{opts: o, repos: map[string]bool{}}
	if err := h.check(); err != nil {
		return nil, fmt.Errorf("webhook %s: %w", o.Name, err)
	}
	for _, raw := range o.Repositories {
		a, err := parseAddress(raw)
		if err != nil {
			return nil, fmt.Errorf("webhook %s: %w", o.Name, err)
		}
		h.repos[a.sameRepository()] = true
	}
	return h, nil
}

func (h *webhook) check() error {
	o := h.opts
	switch {
	case !slices.Contains(Dialects(), o.Dialect):
		return fmt.Errorf("dialect %q is none of %q", o.Dialect, Dialects())
	case o.Secret == nil:
		return errors.New("no secret: anybody could wake us")
	case o.Dialect == AzureDevOps && o.User == "":
		return errors.New("azuredevops needs a user beside its password")
	case len(o.Repositories) == 0:
		return errors.New("no repositories: nothing would match")
	case o.Poke == nil:
		return errors.New("nothing to wake")
	}
	for _, p := range o.Refs {
		if _, err := path.Match(p, ""); err != nil || !strings.HasPrefix(p, "refs/") {
			return fmt.Errorf("ref %q is not a full name or pattern such as refs/heads/main or refs/tags/*", p)
		}
	}
	s, err := secret(o.Secret, "secret")
	if err != nil {
		return err
	}
	_, err = signingKey(o.Dialect, s)
	return err
}

// ServeHTTP implements http.Handler. It answers before anything is fetched.
func (h *webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	outcome := h.receive(w, r)
	if h.opts.Count != nil {
		h.opts.Count(outcome)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	switch outcome {
	case HookMethod:
		w.Header().Set("Allow", http.MethodPost)
	case HookLimited:
		w.Header().Set("Retry-After", "1")
	case HookSlow, HookOversized:
		w.Header().Set("Connection", "close")
	}
	w.WriteHeader(outcome.status())
	_, _ = fmt.Fprintln(w, outcome) //nolint:gosec // one of our own words, as plain text
}

func (o Outcome) status() int {
	switch o {
	case HookAccepted, HookIgnored, HookReplayed:
		return http.StatusAccepted
	case HookPing:
		return http.StatusOK
	case HookForged, HookExpired:
		return http.StatusUnauthorized
	case HookOversized:
		return http.StatusRequestEntityTooLarge
	case HookSlow:
		return http.StatusRequestTimeout
	case HookLimited:
		return http.StatusTooManyRequests
	case HookMethod:
		return http.StatusMethodNotAllowed
	case HookNoSecret:
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}

func (h *webhook) receive(w http.ResponseWriter, r *http.Request) Outcome {
	if r.Method != http.MethodPost {
		return HookMethod
	}
	if !h.senders.allow(r.RemoteAddr, time.Now()) {
		return HookLimited
	}
	body, outcome := readBody(w, r)
	if outcome != "" {
		return outcome
	}
	s, err := secret(h.opts.Secret, "secret")
	if err != nil {
		return HookNoSecret
	}
	d := delivery{header: r.Header, body: body, now: time.Now()}
	d.user, d.password, d.basic = r.BasicAuth()
	if outcome := d.verify(h.opts, s); outcome != "" {
		return outcome
	}
	return h.judge(d)
}

// judge looks at a delivery that is known to come from the forge.
func (h *webhook) judge(d delivery) Outcome {
	e, err := d.parse(h.opts.Dialect)
	switch {
	case err != nil:
		return HookMalformed
	case e.ping:
		return HookPing
	case !e.push || !h.concerns(e):
		return HookIgnored
	case h.opts.Dialect != Generic && h.seen.again(d.body, d.now): // a generic body is the same for every push
		return HookReplayed
	}
	h.opts.Poke()
	return HookAccepted
}

func (h *webhook) concerns(e event) bool {
	ours := slices.ContainsFunc(e.repositories, func(raw string) bool {
		a, err := parseAddress(raw)
		return err == nil && h.repos[a.sameRepository()]
	})
	return ours && (len(h.opts.Refs) == 0 || slices.ContainsFunc(e.refs, func(ref string) bool {
		return slices.ContainsFunc(h.opts.Refs, func(p string) bool { ok, _ := path.Match(p, ref); return ok })
	}))
}

// readBody takes no more than it should and waits no longer than it should.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, Outcome) {
	if r.ContentLength > MaxDelivery {
		return nil, HookOversized
	}
	// a writer that knows no deadline is a test's, or behind a server with one
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(deliveryTime))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxDelivery))
	var large *http.MaxBytesError
	var timeout net.Error
	switch {
	case err == nil:
		return body, ""
	case errors.As(err, &large):
		return nil, HookOversized
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return nil, HookSlow
	}
	return nil, HookMalformed
}

// senders limits how often one address may deliver, before anything is
// computed for it.
type senders struct {
	mu     sync.Mutex
	limits map[string]*sender
}

type sender struct {
	limit *rate.Limiter
	last  time.Time
}

func (s *senders) allow(remote string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := network(remote)
	one, ok := s.limits[key]
	if !ok {
		s.makeRoom(now)
		one = &sender{limit: rate.NewLimiter(perSecond, burst)}
		s.limits[key] = one
	}
	one.last = now
	return one.limit.AllowN(now, 1)
}

// makeRoom forgets who was silent long enough to have a full allowance again,
// and if that is not enough everybody: memory is bounded, whoever asks.
func (s *senders) makeRoom(now time.Time) {
	if s.limits == nil {
		s.limits = map[string]*sender{}
	}
	if len(s.limits) < maxAddresses {
		return
	}
	for key, one := range s.limits {
		if now.Sub(one.last) > burst/perSecond*time.Second {
			delete(s.limits, key)
		}
	}
	if len(s.limits) >= maxAddresses {
		clear(s.limits)
	}
}

// network is the address without port; of IPv6 the /64, which is one customer.
func network(remote string) string {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return remote
	}
	ip := at.Addr().Unmap()
	if ip.Is6() {
		if p, err := ip.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return ip.String()
}
