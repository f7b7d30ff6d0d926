package notification

import (
	"fmt"
	"regexp"
	"time"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
)

type alertDocument struct {
	strict.Header
	Spec alertSpec `json:"spec" doc:"The alert." required:"true"`
}

type alertSpec struct {
	ProviderRef   providerRef       `json:"providerRef" doc:"By which service." required:"true"`
	EventSeverity string            `json:"eventSeverity" doc:"info: everything; error: errors alone." enum:"info,error" default:"info"`
	EventSources  []eventSource     `json:"eventSources" doc:"What it is about." required:"true" min:"1"`
	InclusionList []string          `json:"inclusionList" doc:"Go regular expressions; with some, only messages that match one."`
	ExclusionList []string          `json:"exclusionList" doc:"Go regular expressions; no message that matches one, even if it is included."`
	EventMetadata map[string]string `json:"eventMetadata" doc:"Put into every message."`
	Summary       string            `json:"summary" doc:"One line put above every message."`
	Suspend       bool              `json:"suspend" doc:"Whether nobody is told." default:"false"`
}

type providerRef struct {
	Name string `json:"name" doc:"Name of the Provider." required:"true" min:"1" ref:"Provider"`
}

type eventSource struct {
	APIVersion  string            `json:"apiVersion" doc:"Group and version of the kind."`
	Kind        string            `json:"kind" doc:"The kind." required:"true" min:"1"`
	Name        string            `json:"name" doc:"The name; * is any."`
	Namespace   string            `json:"namespace" doc:"The namespace; without it the alert's."`
	MatchLabels map[string]string `json:"matchLabels" doc:"Labels it must have; needs name: \"*\"."`
}

// Check compiles the expressions.
func (s *alertSpec) Check(report func(path, text string)) {
	expressions(report, "inclusionList", s.InclusionList)
	expressions(report, "exclusionList", s.ExclusionList)
}

func expressions(report func(path, text string), field string, list []string) {
	for i, expression := range list {
		if _, err := regexp.Compile(expression); err != nil {
			report(fmt.Sprintf("%s[%d]", field, i), fmt.Sprintf("is no Go regular expression: %s", err))
		}
	}
}

func alertKind() reconcile.DocumentKind {
	return reconcile.DocumentKind{
		APIVersions: fluxVersions(), Kind: "Alert", Spec: alertDocument{},
		Doc: "What is told by a Provider.",
		Example: `apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Alert
metadata:
  name: kafka
spec:
  providerRef:
    name: slack
  eventSeverity: error
  eventSources:
    - kind: KafkaTopic
      name: "*"
  exclusionList:
    - "waiting.*grace"
`,
	}
}

type alertRuleDocument struct {
	strict.Header
	Spec alertRuleSpec `json:"spec" doc:"The rule." required:"true"`
}

type alertRuleSpec struct {
	ConsumerLag     *lagRule        `json:"consumerLag" doc:"A group that falls behind."`
	Throughput      *throughputRule `json:"throughput" doc:"A topic that gets too little or too much."`
	UnderReplicated *toggle         `json:"underReplicated" doc:"Partitions that lack a replica."`
	For             time.Duration   `json:"for" doc:"How long it must last." default:"5m" min:"0s"`
	Severity        string          `json:"severity" doc:"How loud." enum:"info,warning,error" default:"warning"`
	ProviderRef     *providerRef    `json:"providerRef" doc:"By which service; without it the agent's."`
}

type lagRule struct {
	Groups  []string       `json:"groups" doc:"Groups; a name that ends in * is a prefix." required:"true" min:"1"`
	Topics  []string       `json:"topics" doc:"Topics; none are all of the group."`
	Records *int64         `json:"records" doc:"Records behind." min:"1"`
	Time    *time.Duration `json:"time" doc:"Time behind." min:"1s"`
}

// Check wants a threshold.
func (r *lagRule) Check(report func(path, text string)) {
	if r.Records == nil && r.Time == nil {
		report("", "has no threshold: give records or time")
	}
}

type throughputRule struct {
	Topics         []string `json:"topics" doc:"Topics; a name that ends in * is a prefix." required:"true" min:"1"`
	MinBytesPerSec *int64   `json:"minBytesPerSec" doc:"Bytes a second at least." min:"0"`
	MaxBytesPerSec *int64   `json:"maxBytesPerSec" doc:"Bytes a second at most." min:"1"`
}

// Check wants a threshold.
func (r *throughputRule) Check(report func(path, text string)) {
	if r.MinBytesPerSec == nil && r.MaxBytesPerSec == nil {
		report("", "has no threshold: give minBytesPerSec or maxBytesPerSec")
	}
}

type toggle struct {
	Topics []string `json:"topics" doc:"Topics; none are all."`
}

// Check wants exactly one thing to watch.
func (s *alertRuleSpec) Check(report func(path, text string)) {
	watched := 0
	for _, given := range []bool{s.ConsumerLag != nil, s.Throughput != nil, s.UnderReplicated != nil} {
		if given {
			watched++
		}
	}
	if watched != 1 {
		report("", "watches one thing: give one of consumerLag, throughput, underReplicated")
	}
}

func alertRuleKind() reconcile.DocumentKind {
	return reconcile.DocumentKind{
		APIVersions: []string{"ottla.io/v1alpha1"}, Kind: "AlertRule", Spec: alertRuleDocument{},
		Doc: "A condition of the cluster that people should hear of.",
		Example: `apiVersion: ottla.io/v1alpha1
kind: AlertRule
metadata:
  name: billing-lag
spec:
  consumerLag:
    groups: [billing]
    records: 10000
  for: 10m
  severity: error
`,
	}
}
