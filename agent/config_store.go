package agent

import (
	"slices"
	"time"

	"github.com/ottla-io/ottla/reconcile/strict"
)

// StoreConfig is one object store that backups may be in. A document may name
// or match it; it cannot bring in another.
type StoreConfig struct {
	Name       string            `json:"name" doc:"Its name in this file, on the command line, in messages and in metrics." required:"true" pattern:"^[a-z0-9][a-z0-9._-]*$" max:"63"`
	URL        string            `json:"url" doc:"Where it is: file:///directory, s3://bucket/prefix?region=…&endpoint=…&use_path_style=true, gs://bucket/prefix, azblob://container/prefix?account=…. A document that says the same bucket and endpoint matches it, below this prefix." required:"true" min:"1"`
	S3         *S3Config         `json:"s3" doc:"Access keys of S3 and what speaks as it does."`
	GCS        *GCSConfig        `json:"gcs" doc:"A service account of Google Cloud."`
	Azure      *AzureConfig      `json:"azure" doc:"An account key, a SAS token or a service principal of Azure."`
	Ambient    bool              `json:"ambient" doc:"The identity that the host has may be used where neither this section nor the document gives one."`
	Encryption *EncryptionConfig `json:"encryption" doc:"Packs are encrypted with age before they leave the process."`
}

// S3Config are access keys.
type S3Config struct {
	AccessKeyIDFile     string `json:"accessKeyIDFile" doc:"File that holds the access key id."`
	AccessKeyIDEnv      string `json:"accessKeyIDEnv" doc:"Environment variable that holds the access key id."`
	SecretAccessKeyFile string `json:"secretAccessKeyFile" doc:"File that holds the secret access key."`
	SecretAccessKeyEnv  string `json:"secretAccessKeyEnv" doc:"Environment variable that holds the secret access key."`
	SessionTokenFile    string `json:"sessionTokenFile" doc:"File that holds a session token, for temporary keys."`
	SessionTokenEnv     string `json:"sessionTokenEnv" doc:"Environment variable that holds a session token."`
}

// AccessKeyID is the key's id.
func (c S3Config) AccessKeyID() Secret { return Secret{c.AccessKeyIDFile, c.AccessKeyIDEnv} }

// SecretAccessKey signs.
func (c S3Config) SecretAccessKey() Secret {
	return Secret{c.SecretAccessKeyFile, c.SecretAccessKeyEnv}
}

// SessionToken belongs to temporary keys; zero for lasting ones.
func (c S3Config) SessionToken() Secret { return Secret{c.SessionTokenFile, c.SessionTokenEnv} }

// GCSConfig is a service account.
type GCSConfig struct {
	ServiceAccountFile string `json:"serviceAccountFile" doc:"File that holds the service account as JSON."`
	ServiceAccountEnv  string `json:"serviceAccountEnv" doc:"Environment variable that holds the service account as JSON."`
}

// ServiceAccount is the account as JSON.
func (c GCSConfig) ServiceAccount() Secret { return Secret{c.ServiceAccountFile, c.ServiceAccountEnv} }

// AzureConfig proves who we are to Azure.
type AzureConfig struct {
	AccountKeyFile   string `json:"accountKeyFile" doc:"File that holds the account's key."`
	AccountKeyEnv    string `json:"accountKeyEnv" doc:"Environment variable that holds the account's key."`
	SASTokenFile     string `json:"sasTokenFile" doc:"File that holds a shared access signature."`
	SASTokenEnv      string `json:"sasTokenEnv" doc:"Environment variable that holds a shared access signature."`
	TenantID         string `json:"tenantID" doc:"Of a service principal: its tenant."`
	ClientID         string `json:"clientID" doc:"Of a service principal: its id."`
	ClientSecretFile string `json:"clientSecretFile" doc:"Of a service principal: file that holds its secret."`
	ClientSecretEnv  string `json:"clientSecretEnv" doc:"Of a service principal: environment variable that holds its secret."`
}

// AccountKey is the storage account's key.
func (c AzureConfig) AccountKey() Secret { return Secret{c.AccountKeyFile, c.AccountKeyEnv} }

// SASToken is a shared access signature.
func (c AzureConfig) SASToken() Secret { return Secret{c.SASTokenFile, c.SASTokenEnv} }

// ClientSecret is a service principal's.
func (c AzureConfig) ClientSecret() Secret { return Secret{c.ClientSecretFile, c.ClientSecretEnv} }

// EncryptionConfig says to whom packs are encrypted, and who reads them here.
type EncryptionConfig struct {
	Recipients    []string `json:"recipients" doc:"age recipients (age1…). Any one of their identities can read." required:"true" min:"1"`
	IdentityFiles []string `json:"identityFiles" doc:"Files of age identities. Only restore, verify with data, drill and extract need one; a run does not."`
}

// BackupsConfig is what backups have in common.
type BackupsConfig struct {
	SigningKeyFile string             `json:"signingKeyFile" doc:"ed25519 key that signs manifests and evidence, as PEM (PKCS 8). backup.key in the state directory, made at the first run, if not given."`
	TrustedKeys    []string           `json:"trustedKeys" doc:"ed25519 public keys, in base64, that may have signed what is restored, besides our own. Without any, whoever signed is only shown."`
	Memory         int64              `json:"memory" doc:"Bytes of memory for each run or restore." default:"268435456" min:"67108864"`
	Brokers        int                `json:"brokers" doc:"Brokers that a run reads from at once; all of them if not given." min:"0"`
	FinalBackup    *FinalBackupConfig `json:"finalBackup" doc:"A topic that Git removes is backed up, verified, and only then deleted."`
	AllowPurge     []string           `json:"allowPurge" doc:"Topics that a restore may empty first, as patterns, where its document asks for it and a person confirms. None by default."`
	AllowWebhooks  []string           `json:"allowWebhooks" doc:"Hosts that a KafkaBackupValidation may ask (customWebhooks) or tell (notifications: hooks.slack.com, events.pagerduty.com or events.eu.pagerduty.com), as patterns. None by default."`
	Scratch        string             `json:"scratch" doc:"Name of the cluster that drills restore into. Without it they use a Kafka in the process, which proves that a backup can be read, and says so."`
}

// FinalBackupConfig says where a topic goes before it is deleted.
type FinalBackupConfig struct {
	Store string        `json:"store" doc:"Name of the store." required:"true"`
	Quiet time.Duration `json:"quiet" doc:"How long nobody may have produced or consumed before a topic is deleted." default:"10m" min:"0s"`
}

// Check refuses two ways to prove who we are.
func (c *StoreConfig) Check(report func(path, text string)) {
	given := 0
	for _, is := range []bool{c.S3 != nil, c.GCS != nil, c.Azure != nil} {
		if is {
			given++
		}
	}
	if given > 1 {
		report("", "give one of s3, gcs and azure")
	}
}

// Check wants patterns that can be read: any other would match nothing, in silence.
func (c *BackupsConfig) Check(report func(path, text string)) {
	globs(report, "allowPurge", c.AllowPurge)
	globs(report, "allowWebhooks", c.AllowWebhooks)
}

// Store returns the store of that name.
func (c *Config) Store(name string) (StoreConfig, bool) {
	return byName(c.Stores, name, func(s StoreConfig) string { return s.Name })
}

// backups holds that what the backups' section names is there.
func (k *checker) backups(c *Config) {
	stores := make([]string, len(c.Stores))
	for i, s := range c.Stores {
		stores[i] = s.Name
	}
	if f := c.Backups.FinalBackup; f != nil {
		k.refers("backups.finalBackup.store", f.Store, "stores", stores)
	}
	scratch := c.Backups.Scratch
	if scratch != "" && !slices.ContainsFunc(c.Clusters, func(l ClusterConfig) bool { return l.Name == scratch }) {
		k.addf("backups.scratch", "%q is not one of clusters%s", scratch, strict.DidYouMean(scratch, clusterNames(c)))
	}
	unique(k, "stores", c.Stores, func(s StoreConfig) string { return s.Name })
}

func clusterNames(c *Config) []string {
	names := make([]string, len(c.Clusters))
	for i, l := range c.Clusters {
		names[i] = l.Name
	}
	return names
}
