package agent

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
)

// SyncConfig is one path of a repository, kept on one cluster.
type SyncConfig struct {
	Name               string                         `json:"name" doc:"Its name in messages and metrics, and of its section in the ledger." required:"true" pattern:"^[a-z0-9][a-z0-9._-]*$" max:"63"`
	Repository         string                         `json:"repository" doc:"Name of the repository." required:"true"`
	Ref                RefConfig                      `json:"ref" doc:"What of the repository is followed. Not needed where the repository is a plain directory, which is then read as it is."`
	Path               string                         `json:"path" doc:"Directory in the repository: a kustomization, or plain YAML." default:"."`
	Cluster            string                         `json:"cluster" doc:"Name of the cluster." required:"true"`
	Interval           time.Duration                  `json:"interval" doc:"How often the cluster is compared with Git." default:"30s" min:"1s"`
	Mode               Mode                           `json:"mode" doc:"observe: everything is planned, told and shown, nothing is written or adopted." enum:"apply,observe" default:"apply"`
	Drift              reconcile.DriftMode            `json:"drift" doc:"What happens to a difference that Git did not cause: put it back, only tell, or do not look." enum:"heal,report,off" default:"heal"`
	DriftByKind        map[string]reconcile.DriftMode `json:"driftByKind" doc:"The same for one live kind: Topic, ScramCredential, AclSet, QuotaEntity, BackupPolicy, Job." enum:"heal,report,off"`
	Recreate           bool                           `json:"recreate" doc:"Create anew, empty, a topic of ours that was deleted by hand. Otherwise this waits for a person."`
	Allow              AllowConfig                    `json:"allow" doc:"What the path may declare. Anything if not given."`
	WipeGuard          WipeGuardConfig                `json:"wipeGuard" doc:"A revision that would delete more has all its deletions held."`
	Grace              GraceConfig                    `json:"grace" doc:"How long a thing must be gone from Git before it is deleted."`
	SOPS               SOPSConfig                     `json:"sops" doc:"Keys that open encrypted files. No other key of the machine is ever tried."`
	Secrets            string                         `json:"secrets" doc:"encrypted-only: a Secret in plain text in Git rejects the revision." enum:"any,encrypted-only" default:"any"`
	Substitute         map[string]string              `json:"substitute" doc:"Values for ${VAR} in documents. Where it is not given nothing is replaced."`
	TemplateParameters map[string]string              `json:"templateParameters" doc:"Values for the parameters of OpenShift Templates."`
	Settle             time.Duration                  `json:"settle" doc:"How long an acknowledged change may take to show on the brokers." default:"30s" min:"1s"`
}

// Check wants a path within the repository, and patterns that can be read.
func (s *SyncConfig) Check(report func(path, text string)) {
	if !fs.ValidPath(s.Path) {
		report("path", fmt.Sprintf("%q is not a path in the repository, such as overlays/production: no leading or trailing slash, no ..", s.Path))
	}
	for _, kind := range strict.Keys(s.DriftByKind) {
		if !slices.Contains(LiveKinds(), kind) {
			report("driftByKind."+kind, fmt.Sprintf("is not a live kind%s; they are %s", strict.DidYouMean(kind, LiveKinds()), strings.Join(LiveKinds(), ", ")))
		}
	}
}

// RefConfig says what is followed: one of its fields.
type RefConfig struct {
	Branch string `json:"branch" doc:"Its newest commit."`
	Tag    string `json:"tag" doc:"Where it points, should it move."`
	Semver string `json:"semver" doc:"A range such as 1.x or >=1.2 <2: the newest tag in it."`
	Commit string `json:"commit" doc:"The full hash of a commit."`
}

// IsZero tells that none is given.
func (r RefConfig) IsZero() bool { return r == RefConfig{} }

var fullHash = regexp.MustCompile(`^[0-9a-f]{40}$`)

// LiveKinds are the kinds that a configuration may speak of: those that cmd
// puts in.
func LiveKinds() []string {
	return []string{"Topic", "ScramCredential", "AclSet", "QuotaEntity", "BrokerConfig", "BackupPolicy", "Job"}
}

// Check wants one field, and one that can be looked for.
func (r *RefConfig) Check(report func(path, text string)) {
	given := 0
	for _, one := range []string{r.Branch, r.Tag, r.Semver, r.Commit} {
		if one != "" {
			given++
		}
	}
	if given > 1 {
		report("", "give one of branch, tag, semver and commit")
	}
	if r.Commit != "" && !fullHash.MatchString(r.Commit) {
		report("commit", "is not a full hash of 40 lower-case hex digits")
	}
	if _, err := semver.NewConstraint(r.Semver); r.Semver != "" && err != nil {
		report("semver", fmt.Sprintf("%q is not a range of versions such as 1.x", r.Semver))
	}
}

// AllowConfig bounds what a path may declare.
type AllowConfig struct {
	Topics     []string `json:"topics" doc:"Topics; * and ? match."`
	Principals []string `json:"principals" doc:"Principals such as User:team-a-*; * and ? match."`
}

// Check wants patterns that can be read.
func (a *AllowConfig) Check(report func(path, text string)) {
	globs(report, "topics", a.Topics)
	globs(report, "principals", a.Principals)
}

// WipeGuardConfig is how much one revision may delete, counted over an hour.
type WipeGuardConfig struct {
	Topics  *int `json:"topics" doc:"Topics." default:"5" min:"0"`
	Percent *int `json:"percent" doc:"Share of what is owned of a kind." default:"20" min:"0" max:"100"`
}

// GraceConfig is how long deletions wait.
type GraceConfig struct {
	Topics *time.Duration `json:"topics" doc:"Before a topic is deleted." default:"10m" min:"0s"`
	Access time.Duration  `json:"access" doc:"Before credentials, access rules and quotas are deleted." min:"0s"`
}

// SOPSConfig names the keys.
type SOPSConfig struct {
	AgeKeyFiles []string `json:"ageKeyFiles" doc:"Files of age identities."`
	PGPKeyFiles []string `json:"pgpKeyFiles" doc:"Files of PGP private keys, armored or not."`
}
