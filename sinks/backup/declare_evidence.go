package backup

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks/backup/format"
)

// The fields that say what becomes of what a validation or a drill found, and
// the means behind them.
const (
	FieldPDF       = "evidence.pdf"       // a page to print stands beside the signed JSON
	FieldEvidence  = "evidence.storage"   // where it is copied to, spelt as FieldStorage
	FieldRetention = "evidence.retention" // how long a copy is kept there
	FieldSigner    = "evidence.signer"    // public key, in base64, of who signs it; the agent's own without
	FieldSlack     = "notify.slack"       // host of the webhook that is told
	FieldPagerDuty = "notify.pagerduty"   // severity of what is told

	MeansSigner    = "evidence.key"
	MeansSlack     = "notify.slack.url"
	MeansPagerDuty = "notify.pagerduty.key"
)

// EvidenceOf is the part of a spec that says where evidence is copied to, spelt
// as that of a backup.
func EvidenceOf(s Spec) Spec { return s.Below("evidence") }

// evidence says how what was found is written down, and where.
func (d *declaration) evidence(e *evidence) {
	if e == nil {
		return
	}
	if slices.Contains(e.Formats, "pdf") {
		d.set(FieldPDF, "true", "spec.evidence.formats")
	}
	if !slices.Contains(e.Formats, "json") {
		d.note("spec.evidence.formats", "the signed JSON is written, too: it is what counts")
	}
	d.signing(e.Signing)
	if e.Storage == nil {
		d.noteGiven("spec.evidence.retentionDays", "it is of the copies in evidence.storage; what stands beside the backup is never removed, ignored")
		return
	}
	d.storage(*e.Storage, "spec.evidence.storage", "evidence.")
	d.set(FieldRetention, (time.Duration(e.RetentionDays) * 24 * time.Hour).String(), "spec.evidence.retentionDays")
}

// signing takes the key that signs instead of the agent's own.
func (d *declaration) signing(s *signing) {
	const at = "spec.evidence.signing"
	if s == nil {
		return
	}
	if !s.Enabled {
		d.note(at+".enabled", "evidence is signed all the same, with the agent's own key (backups.signingKeyFile), ignored")
		return
	}
	k := s.KeySecret
	text, ok := d.needed(MeansSigner, at+".keySecret.privateKeyKey", k.Name, k.PrivateKeyKey)
	if !ok {
		return
	}
	key, err := format.PrivateKey([]byte(text))
	if err != nil {
		d.refuse(at+".keySecret.privateKeyKey", "key %s of Secret %s signs nothing: %v", k.PrivateKeyKey, k.Name, err)
		return
	}
	signer := base64.StdEncoding.EncodeToString(format.Public(key))
	d.set(FieldSigner, signer, at+".keySecret")
	if k.PublicKeyKey != "" {
		d.matching(*k, signer, at+".keySecret.publicKeyKey")
	}
}

// matching holds that the public key of a Secret is the half of its private one.
func (d *declaration) matching(k signingKey, signer, at string) {
	text, ok := d.read(at, k.Name, k.PublicKeyKey)
	if !ok {
		return
	}
	public, err := format.PublicKey([]byte(text))
	switch {
	case err != nil:
		d.refuse(at, "key %s of Secret %s proves nothing: %v", k.PublicKeyKey, k.Name, err)
	case base64.StdEncoding.EncodeToString(public) != signer:
		d.refuse(at, "key %s of Secret %s does not belong to key %s: what is signed could not be verified with it", k.PublicKeyKey, k.Name, k.PrivateKeyKey)
	}
}

// notifications say who is told of each result, besides whom the agent's
// configuration tells of failures.
func (d *declaration) notifications(n *notifications) {
	if n == nil {
		return
	}
	if n.Slack != nil {
		d.slack(*n.Slack)
	}
	if p := n.PagerDuty; p != nil {
		const at = "spec.notifications.pagerduty"
		key, ok := d.needed(MeansPagerDuty, at+".routingKeySecret", p.RoutingKeySecret.Name, p.RoutingKeySecret.Key)
		if ok && strings.TrimSpace(key) == "" {
			d.refuse(at+".routingKeySecret", "key %s of Secret %s is empty", p.RoutingKeySecret.Key, p.RoutingKeySecret.Name)
		}
		d.set(FieldPagerDuty, p.Severity, at)
	}
}

// slack takes the host of the webhook as a field: it is what the configuration
// allows or not. The rest of the address is the secret.
func (d *declaration) slack(s slackTarget) {
	const at = "spec.notifications.slack"
	d.noteGiven(at+".channel", "an incoming webhook has its own channel, ignored")
	text, ok := d.needed(MeansSlack, at+".webhookSecret", s.WebhookSecret.Name, s.WebhookSecret.Key)
	if !ok {
		return
	}
	host := WebHost(text)
	if host == "" {
		d.refuse(at+".webhookSecret", "key %s of Secret %s is no address such as https://hooks.slack.com/services/…", s.WebhookSecret.Key, s.WebhookSecret.Name)
	}
	d.set(FieldSlack, host, at)
}

// WebHost is the host of an address that can be asked, "" of anything else.
func WebHost(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.Hostname()
}

// needed takes a key of a Secret as a means that nothing could stand in for.
func (d *declaration) needed(means, path, name, key string) (string, bool) {
	text, ok := d.read(path, name, key)
	if ok {
		d.want.Means[means] = reconcile.SecretOf(text)
	}
	return text, ok
}

// read reads a key of a Secret of this revision. Without the Secret the document
// is refused, for the agent's configuration has nothing instead.
func (d *declaration) read(path, name, key string) (string, bool) {
	value, err := d.refs.Secret(d.doc.Namespace, name, key)
	switch {
	case err == nil:
	case strings.Contains(err.Error(), "is not declared in this revision"):
		d.refuse(path, "Secret %s is not declared in this revision, and nothing stands in for it", name)
		return "", false
	default:
		d.report.Add(path, "%v", err)
		return "", false
	}
	text, ok := value.Plaintext()
	return text, ok && !reconcile.Undecrypted(text) // nothing can be said of one that is still encrypted
}
