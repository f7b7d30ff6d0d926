package notification

import (
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
)

type providerDocument struct {
	strict.Header
	Spec providerSpec `json:"spec" doc:"The provider." required:"true"`
}

type providerSpec struct {
	Type               string         `json:"type" doc:"The service that is told." required:"true" enum:"slack,msteams,googlechat,discord,rocket,telegram,matrix,lark,webex,opsgenie,pagerduty,alertmanager,grafana,sentry,datadog,nats,googlepubsub,azureeventhub,generic,generic-hmac,otel,zulip,smtp,github,githubdispatch,gitlab,gitea,giteapullrequestcomment,bitbucket,bitbucketserver,azuredevops,githubpullrequestcomment,gitlabmergerequestcomment"`
	Address            string         `json:"address" doc:"Where it is; it may hold a secret, and then belongs into secretRef." secret:"true"`
	Channel            string         `json:"channel" doc:"The channel, or the routing key."`
	Username           string         `json:"username" doc:"Name messages are sent under."`
	Interval           *time.Duration `json:"interval" doc:"Of older versions; ignored."`
	Timeout            *time.Duration `json:"timeout" doc:"How long a message may take." min:"1ms"`
	SecretRef          *secretRef     `json:"secretRef" doc:"Secret with address, token and what else the service wants."`
	CertSecretRef      *secretRef     `json:"certSecretRef" doc:"Secret with the certificate authority, and a client's certificate."`
	ProxySecretRef     *secretRef     `json:"proxySecretRef" doc:"Secret with the address of a proxy."`
	Proxy              string         `json:"proxy" doc:"Older spelling of proxySecretRef: the address itself." secret:"true"`
	ServiceAccountName string         `json:"serviceAccountName" doc:"Of use to Kubernetes only; ignored with a note."`
	CommitStatusExpr   string         `json:"commitStatusExpr" doc:"Expression for the name of a commit status."`
	Suspend            bool           `json:"suspend" doc:"Whether nobody is told." default:"false"`
}

type secretRef struct {
	Name string `json:"name" doc:"Name of the Secret." required:"true" min:"1" ref:"Secret"`
}

// Check wants an address somewhere, for those that have none of their own.
func (s *providerSpec) Check(report func(path, text string)) {
	switch s.Type {
	case "msteams", "googlechat", "discord", "alertmanager", "generic", "generic-hmac", "smtp":
		if s.Address == "" && s.SecretRef == nil {
			report("address", "is missing: give address, or a Secret that holds it by secretRef")
		}
	case "github", "gitlab", "gitea", "bitbucket":
		if s.SecretRef == nil {
			report("secretRef", "is missing: a commit status needs a token")
		}
	}
	if s.Type == "generic-hmac" && s.SecretRef == nil {
		report("secretRef", "is missing: there is no token to sign with")
	}
}

// Notes names what only Kubernetes has.
func (d *providerDocument) Notes() []string {
	if d.Spec.ServiceAccountName != "" {
		return []string{"spec.serviceAccountName: has no meaning outside Kubernetes, ignored"}
	}
	return nil
}

func providerKind() reconcile.DocumentKind {
	return reconcile.DocumentKind{
		APIVersions: fluxVersions(), Kind: "Provider", Spec: providerDocument{},
		Doc: "A service by which people are told.",
		Example: `apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata:
  name: slack
spec:
  type: slack
  channel: kafka
  secretRef:
    name: slack-address
`,
	}
}
