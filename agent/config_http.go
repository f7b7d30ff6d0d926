package agent

import (
	"fmt"
	"net"
	"time"
)

// HTTPConfig is the read-only listener.
type HTTPConfig struct {
	Listen string     `json:"listen" doc:"Address and port to listen on." default:"127.0.0.1:8080"`
	Expose bool       `json:"expose" doc:"Allow an address that other machines reach. What is shown names topics, users and commits, and asks nobody who they are."`
	Pprof  bool       `json:"pprof" doc:"Serve Go's profiles below /debug/pprof/."`
	TLS    *TLSServer `json:"tls" doc:"Serve HTTPS."`
}

// Check wants an address that can be listened on, and a word before it is
// opened to others.
func (h *HTTPConfig) Check(report func(path, text string)) {
	host, _, err := net.SplitHostPort(h.Listen)
	if err != nil {
		report("listen", fmt.Sprintf("%q is not an address and port such as 127.0.0.1:8080", h.Listen))
		return
	}
	if !h.Expose && !loopback(host) {
		report("listen", fmt.Sprintf("%s is reachable from other machines: say expose: true if it is meant to be", h.Listen))
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// TLSServer is a server's certificate. The files are read again when they change.
type TLSServer struct {
	CertFile string `json:"certFile" doc:"PEM file of the certificate and those between it and its authority." required:"true"`
	KeyFile  string `json:"keyFile" doc:"PEM file of its key." required:"true"`
}

// WebhooksConfig is where a forge says that something was pushed. A delivery
// only wakes a poll: it never chooses what is applied.
type WebhooksConfig struct {
	Listen string       `json:"listen" doc:"A listener of its own for /webhook/NAME, so that only this path is reachable from a forge. On the http listener if not given."`
	TLS    *TLSServer   `json:"tls" doc:"Serve HTTPS on the listener of its own."`
	Hooks  []HookConfig `json:"hooks" doc:"One for each sender."`
}

// Check wants an address, and TLS only where there is one.
func (w *WebhooksConfig) Check(report func(path, text string)) {
	if w.Listen == "" {
		if w.TLS != nil {
			report("tls", "has no meaning without webhooks.listen: the http listener has its own tls")
		}
		return
	}
	if _, _, err := net.SplitHostPort(w.Listen); err != nil {
		report("listen", fmt.Sprintf("%q is not an address and port such as 0.0.0.0:9443", w.Listen))
	}
}

// HookConfig is one sender of deliveries.
type HookConfig struct {
	Name         string `json:"name" doc:"The last part of its URL, /webhook/NAME." required:"true" pattern:"^[a-z0-9][a-z0-9._-]*$" max:"63"`
	Dialect      string `json:"dialect" doc:"How a delivery proves where it comes from." required:"true" enum:"github,gitlab,gitea,forgejo,gogs,bitbucket,azuredevops,generic"`
	Repository   string `json:"repository" doc:"Name of the repository it wakes." required:"true"`
	SecretFile   string `json:"secretFile" doc:"File that holds the secret shared with the forge."`
	SecretEnv    string `json:"secretEnv" doc:"Environment variable that holds the secret."`
	Username     string `json:"username" doc:"Of azuredevops, which proves itself by user and password."`
	PasswordFile string `json:"passwordFile" doc:"File that holds the password of azuredevops."`
	PasswordEnv  string `json:"passwordEnv" doc:"Environment variable that holds the password of azuredevops."`
}

// Secret is what deliveries are signed with.
func (h HookConfig) Secret() Secret { return Secret{h.SecretFile, h.SecretEnv} }

// Password is what Azure DevOps sends.
func (h HookConfig) Password() Secret { return Secret{h.PasswordFile, h.PasswordEnv} }

// Check wants the proof that the dialect knows, and no other.
func (h *HookConfig) Check(report func(path, text string)) {
	if h.Dialect == "azuredevops" {
		if h.Username == "" || h.Password().IsZero() {
			report("", "azuredevops needs username and passwordFile or passwordEnv: without them anybody could send")
		}
		if !h.Secret().IsZero() {
			report("", "azuredevops has no secret: give username and password")
		}
		return
	}
	if h.Secret().IsZero() {
		report("", "needs secretFile or secretEnv: without a secret anybody could send")
	}
	if h.Username != "" || !h.Password().IsZero() {
		report("", "username and password are for azuredevops only: "+h.Dialect+" signs with a secret")
	}
}

// NotifyConfig says who is told.
type NotifyConfig struct {
	Slack    []SlackConfig `json:"slack" doc:"Slack channels."`
	Reminder time.Duration `json:"reminder" doc:"An incident that goes on is told again after this." default:"1h" min:"1m"`
}

// SlackConfig is one channel.
type SlackConfig struct {
	Name           string `json:"name" doc:"Its name in the log and in metrics." required:"true" pattern:"^[a-z0-9][a-z0-9._-]*$" max:"63"`
	WebhookURLFile string `json:"webhookURLFile" doc:"File that holds an incoming webhook's URL; it is a secret. Each message stands alone."`
	WebhookURLEnv  string `json:"webhookURLEnv" doc:"Environment variable that holds an incoming webhook's URL."`
	TokenFile      string `json:"tokenFile" doc:"File that holds a bot token with chat:write. An incident is one message, kept up to date, with its history in the thread."`
	TokenEnv       string `json:"tokenEnv" doc:"Environment variable that holds a bot token."`
	Channel        string `json:"channel" doc:"Channel id or name, for a bot token."`
	APIURL         string `json:"apiURL" doc:"Of Slack's API, for a bot token behind a gateway." default:"https://slack.com/api/"`
	MinSeverity    string `json:"minSeverity" doc:"The least that is told here." enum:"info,warning,error" default:"info"`
}

// WebhookURL is the incoming webhook.
func (s SlackConfig) WebhookURL() Secret { return Secret{s.WebhookURLFile, s.WebhookURLEnv} }

// Token is the bot's.
func (s SlackConfig) Token() Secret { return Secret{s.TokenFile, s.TokenEnv} }

// Check wants one way in.
func (s *SlackConfig) Check(report func(path, text string)) {
	webhook, token := !s.WebhookURL().IsZero(), !s.Token().IsZero()
	switch {
	case webhook == token:
		report("", "give an incoming webhook (webhookURLFile or webhookURLEnv) or a bot token (tokenFile or tokenEnv)")
	case token && s.Channel == "":
		report("channel", "is missing: a bot token needs to know where to write")
	case webhook && s.Channel != "":
		report("channel", "an incoming webhook has its own channel: leave it out, or use a bot token")
	}
	checkURL(report, "apiURL", s.APIURL, "http", "https")
}
