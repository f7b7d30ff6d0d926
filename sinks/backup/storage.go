package backup

import "github.com/ottla-io/ottla/reconcile/strict"

type storage struct {
	StorageType string        `json:"storageType" doc:"Which of the stores below." enum:"pvc,s3,azure,gcs" default:"pvc"`
	PVC         *pvcStorage   `json:"pvc" doc:"A directory; outside Kubernetes one below the state directory."`
	S3          *s3Storage    `json:"s3" doc:"A bucket of Amazon S3 or a store that speaks as it does."`
	Azure       *azureStorage `json:"azure" doc:"A container of Azure Blob Storage."`
	GCS         *gcsStorage   `json:"gcs" doc:"A bucket of Google Cloud Storage."`
}

// Check wants the store that storageType names, and no other.
func (s *storage) Check(report func(path, text string)) {
	given := map[string]bool{"pvc": s.PVC != nil, "s3": s.S3 != nil, "azure": s.Azure != nil, "gcs": s.GCS != nil}
	if !given[s.StorageType] {
		report(s.StorageType, "is missing: storageType names it")
	}
	for _, name := range []string{"pvc", "s3", "azure", "gcs"} {
		if given[name] && name != s.StorageType {
			report(name, "has no effect with storageType: "+s.StorageType)
		}
	}
}

type pvcStorage struct {
	ClaimName string      `json:"claimName" doc:"Name of the claim, or of the directory." required:"true" min:"1"`
	SubPath   string      `json:"subPath" doc:"Directory in it."`
	Create    *strict.Any `json:"create" doc:"Of use to Kubernetes only; ignored with a note."`
}

type s3Storage struct {
	Bucket            string         `json:"bucket" doc:"Name of the bucket." required:"true" min:"1"`
	Region            string         `json:"region" doc:"Its region." required:"true" min:"1"`
	Endpoint          string         `json:"endpoint" doc:"Address of a store that is not Amazon's."`
	PathStyle         bool           `json:"pathStyle" doc:"Whether the bucket stands in the path of an address."`
	AllowHTTP         bool           `json:"allowHttp" doc:"Whether an endpoint without TLS will do."`
	Prefix            string         `json:"prefix" doc:"What all names begin with."`
	CredentialsSecret *s3Credentials `json:"credentialsSecret" doc:"Secret with the keys; without it the ambient ones, where the agent's configuration allows them."`
}

type s3Credentials struct {
	Name               string `json:"name" doc:"Name of the Secret." required:"true" min:"1" ref:"Secret"`
	AccessKeyIDKey     string `json:"accessKeyIdKey" doc:"Key of the access key id." default:"AWS_ACCESS_KEY_ID"`
	SecretAccessKeyKey string `json:"secretAccessKeyKey" doc:"Key of the secret access key." default:"AWS_SECRET_ACCESS_KEY"`
}

type azureStorage struct {
	Container              string           `json:"container" doc:"Name of the container." required:"true" min:"1"`
	AccountName            string           `json:"accountName" doc:"Name of the storage account." required:"true" min:"1"`
	Prefix                 string           `json:"prefix" doc:"What all names begin with."`
	Endpoint               string           `json:"endpoint" doc:"Address of a store that is not Azure's."`
	UseWorkloadIdentity    bool             `json:"useWorkloadIdentity" doc:"Whether the ambient identity is used." default:"false"`
	CredentialsSecret      *azureAccountKey `json:"credentialsSecret" doc:"Secret with the account's key."`
	SASTokenSecret         *azureToken      `json:"sasTokenSecret" doc:"Secret with a shared access signature."`
	ServicePrincipalSecret *azurePrincipal  `json:"servicePrincipalSecret" doc:"Secret with a service principal."`
}

// Check wants one way to log in.
func (s *azureStorage) Check(report func(path, text string)) {
	ways := []struct {
		name  string
		given bool
	}{
		{"credentialsSecret", s.CredentialsSecret != nil}, {"sasTokenSecret", s.SASTokenSecret != nil},
		{"servicePrincipalSecret", s.ServicePrincipalSecret != nil},
	}
	first := ""
	for _, way := range ways {
		if way.given && first != "" {
			report(way.name, "stands beside "+first+": give one of them")
		}
		if way.given && first == "" {
			first = way.name
		}
	}
}

type azureAccountKey struct {
	Name          string `json:"name" doc:"Name of the Secret." required:"true" min:"1" ref:"Secret"`
	AccountKeyKey string `json:"accountKeyKey" doc:"Key of the account's key." default:"AZURE_STORAGE_KEY"`
}

type azureToken struct {
	Name        string `json:"name" doc:"Name of the Secret." required:"true" min:"1" ref:"Secret"`
	SASTokenKey string `json:"sasTokenKey" doc:"Key of the signature." default:"AZURE_SAS_TOKEN"`
}

type azurePrincipal struct {
	Name            string `json:"name" doc:"Name of the Secret." required:"true" min:"1" ref:"Secret"`
	ClientIDKey     string `json:"clientIdKey" doc:"Key of the client id." default:"AZURE_CLIENT_ID"`
	TenantIDKey     string `json:"tenantIdKey" doc:"Key of the tenant id." default:"AZURE_TENANT_ID"`
	ClientSecretKey string `json:"clientSecretKey" doc:"Key of the client secret." default:"AZURE_CLIENT_SECRET"`
}

type gcsStorage struct {
	Bucket            string          `json:"bucket" doc:"Name of the bucket." required:"true" min:"1"`
	Prefix            string          `json:"prefix" doc:"What all names begin with."`
	CredentialsSecret *gcsCredentials `json:"credentialsSecret" doc:"Secret with the account; without it the ambient one, where the agent's configuration allows it."`
}

type gcsCredentials struct {
	Name                  string `json:"name" doc:"Name of the Secret." required:"true" min:"1" ref:"Secret"`
	ServiceAccountJSONKey string `json:"serviceAccountJsonKey" doc:"Key of the service account." default:"SERVICE_ACCOUNT_JSON"`
}

type backupRef struct {
	Name      string   `json:"name" doc:"Name of the KafkaBackup." required:"true" min:"1" ref:"KafkaBackup"`
	Namespace string   `json:"namespace" doc:"Its namespace."`
	BackupID  string   `json:"backupId" doc:"Which point; without it the newest."`
	Storage   *storage `json:"storage" doc:"Where it is, if it is not declared here."`
}

// notes names what a store has no use for.
func (s storage) notes(path string) []string {
	if s.PVC != nil && s.PVC.Create != nil {
		return []string{path + ".pvc.create: has no meaning outside Kubernetes, ignored"}
	}
	return nil
}
