package backup

import (
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
)

type validationDocument struct {
	strict.Header
	Spec validationSpec `json:"spec" doc:"The validation." required:"true"`
}

type validationSpec struct {
	BackupRef     backupRef      `json:"backupRef" doc:"The backup." required:"true"`
	KafkaCluster  *cluster       `json:"kafkaCluster" doc:"A cluster to compare with."`
	Checks        checks         `json:"checks" doc:"What is looked at." required:"true"`
	Evidence      *evidence      `json:"evidence" doc:"What is written down."`
	Notifications *notifications `json:"notifications" doc:"Who is told of each result, where the agent's configuration allows their hosts (backups.allowWebhooks)."`
	Schedule      string         `json:"schedule" doc:"When, as the cron fields of a KafkaBackup; without it once."`
	TimeZone      string         `json:"timeZone" doc:"Zone of the schedule; UTC without it."`
	Suspend       bool           `json:"suspend" doc:"Whether the schedule rests." default:"false"`
}

// Check holds the schedule against cron.
func (s *validationSpec) Check(report func(path, text string)) {
	checkSchedule(s.Schedule, s.TimeZone, report)
}

type checks struct {
	MessageCount         *messageCount   `json:"messageCount" doc:"Whether the counts agree."`
	OffsetRange          *toggled        `json:"offsetRange" doc:"Whether the ranges of offsets agree."`
	ConsumerGroupOffsets *groupOffsets   `json:"consumerGroupOffsets" doc:"Whether the groups' offsets agree."`
	CustomWebhooks       []customWebhook `json:"customWebhooks" doc:"Services that judge, too."`
}

// Check wants something to look at.
func (c *checks) Check(report func(path, text string)) {
	if c.MessageCount == nil && c.OffsetRange == nil && c.ConsumerGroupOffsets == nil && len(c.CustomWebhooks) == 0 {
		report("", "looks at nothing: give at least one of messageCount, offsetRange, consumerGroupOffsets, customWebhooks")
	}
}

type toggled struct {
	Enabled bool `json:"enabled" doc:"Whether it is looked at."`
}

type messageCount struct {
	Enabled       bool     `json:"enabled" doc:"Whether it is looked at."`
	FailThreshold *float64 `json:"failThreshold" doc:"Share of missing records from which on it fails." min:"0"`
	Topics        []string `json:"topics" doc:"Topics; none are all."`
}

type groupOffsets struct {
	Enabled        bool     `json:"enabled" doc:"Whether it is looked at."`
	ConsumerGroups []string `json:"consumerGroups" doc:"The groups; none are all."`
}

type customWebhook struct {
	Name               string `json:"name" doc:"What it is called." required:"true" min:"1"`
	URL                string `json:"url" doc:"Where it is." required:"true" min:"1" secret:"true" pattern:"^https?://"`
	TimeoutSecs        int    `json:"timeoutSecs" doc:"Seconds it may take." default:"120" min:"1"`
	ExpectedStatusCode int    `json:"expectedStatusCode" doc:"Status of a good answer." default:"200" min:"100" max:"599"`
}

type evidence struct {
	Formats       []string `json:"formats" doc:"How it is written. The signed JSON always is; pdf is a page to print beside it." default:"json" enum:"json,pdf" min:"1"`
	Signing       *signing `json:"signing" doc:"With which key it is signed, if not with the agent's own."`
	Storage       *storage `json:"storage" doc:"Where it is copied to; it always stands beside the backup, too."`
	RetentionDays int      `json:"retentionDays" doc:"Days that copies in storage are kept." default:"90" min:"1"`
}

type signing struct {
	Enabled   bool        `json:"enabled" doc:"Whether the key of keySecret signs."`
	KeySecret *signingKey `json:"keySecret" doc:"Secret with the keys."`
}

type signingKey struct {
	Name          string `json:"name" doc:"Name of the Secret." required:"true" min:"1" ref:"Secret"`
	PrivateKeyKey string `json:"privateKeyKey" doc:"Key of the private key: ed25519, as PEM (PKCS 8)."`
	PublicKeyKey  string `json:"publicKeyKey" doc:"Key of its public key, as PEM; one that does not belong to it is refused."`
}

// Check wants a key to sign with.
func (s *signing) Check(report func(path, text string)) {
	if !s.Enabled {
		return
	}
	if s.KeySecret == nil {
		report("keySecret", "is missing: there is no key to sign with")
	} else if s.KeySecret.PrivateKeyKey == "" {
		report("keySecret.privateKeyKey", "is missing: it names the key to sign with")
	}
}

type notifications struct {
	Slack     *slackTarget     `json:"slack" doc:"A Slack channel, told of every result."`
	PagerDuty *pagerDutyTarget `json:"pagerduty" doc:"A PagerDuty service: a failure opens an incident, the next pass ends it."`
}

type secretKey struct {
	Name string `json:"name" doc:"Name of the Secret." required:"true" min:"1" ref:"Secret"`
	Key  string `json:"key" doc:"Key in the Secret." required:"true" min:"1"`
}

type slackTarget struct {
	WebhookSecret secretKey `json:"webhookSecret" doc:"Secret with the address of the webhook." required:"true"`
	Channel       string    `json:"channel" doc:"Of no use: an incoming webhook has its own."`
}

type pagerDutyTarget struct {
	RoutingKeySecret secretKey `json:"routingKeySecret" doc:"Secret with the routing key." required:"true"`
	Severity         string    `json:"severity" doc:"How loud." default:"critical" enum:"critical,error,warning,info"`
}

func validationKind() reconcile.DocumentKind {
	return reconcile.DocumentKind{
		APIVersions: versions(), Kind: "KafkaBackupValidation", CarriedOut: true, Spec: validationDocument{},
		Doc: "A look whether a backup holds what it promises.",
		Example: `apiVersion: kafka.oso.sh/v1alpha1
kind: KafkaBackupValidation
metadata:
  name: weekly
spec:
  schedule: "0 5 * * 0"
  backupRef:
    name: nightly
  checks:
    messageCount:
      enabled: true
      failThreshold: 0.01
    offsetRange:
      enabled: true
  evidence:
    formats: [json, pdf]
    storage:
      storageType: s3
      s3:
        bucket: audit
        region: eu-central-1
        prefix: kafka
    retentionDays: 365
  notifications:
    slack:
      webhookSecret:
        name: proof
        key: slack
    pagerduty:
      routingKeySecret:
        name: proof
        key: pagerduty
`,
	}
}
