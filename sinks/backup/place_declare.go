package backup

import (
	"path"
	"slices"
	"strings"
)

// storage declares a place, and the secrets it takes to reach it, as fields and
// means that begin with under: "" for the backup's own.
func (d *declaration) storage(s storage, at, under string) {
	d.notes = append(d.notes, s.notes(at)...)
	switch {
	case s.S3 != nil:
		d.s3(*s.S3, at+".s3", under)
	case s.GCS != nil:
		d.gcs(*s.GCS, at+".gcs", under)
	case s.Azure != nil:
		d.azure(*s.Azure, at+".azure", under)
	case s.PVC != nil:
		d.pvc(*s.PVC, at+".pvc", under)
	}
}

func (d *declaration) place(p Place, at, under string) {
	if strings.ContainsAny(p.Bucket, "/?#@") || slices.Contains(strings.Split(p.Prefix, "/"), "..") {
		d.report.Add(at, "%q is no name of a bucket and a prefix", path.Join(p.Bucket, p.Prefix))
	}
	p.Prefix = strings.Trim(p.Prefix, "/")
	d.set(under+FieldStorage, p.String(), at)
	d.set(under+"storage.endpoint", p.Endpoint, at)
	d.set(under+"storage.account", p.Account, at)
	d.set(under+"storage.region", p.Region, at)
}

func (d *declaration) s3(s s3Storage, at, under string) {
	if strings.HasPrefix(s.Endpoint, "http://") && !s.AllowHTTP {
		d.report.Add(at+".endpoint", "speaks plain HTTP, which needs allowHttp: true")
	}
	d.place(Place{Scheme: "s3", Bucket: s.Bucket, Endpoint: s.Endpoint, Region: s.Region, Prefix: s.Prefix}, at, under)
	if s.Endpoint != "" {
		d.note(at+".region", "an endpoint is spoken to with the region in the URL of the configured store")
	}
	d.noteGiven(at+".pathStyle", "the URL of the configured store says so (use_path_style), ignored")
	if c := s.CredentialsSecret; c != nil {
		d.secret(under+"s3.accessKeyID", at+".credentialsSecret", c.Name, c.AccessKeyIDKey)
		d.secret(under+"s3.secretAccessKey", at+".credentialsSecret", c.Name, c.SecretAccessKeyKey)
	}
}

func (d *declaration) gcs(s gcsStorage, at, under string) {
	d.place(Place{Scheme: "gs", Bucket: s.Bucket, Prefix: s.Prefix}, at, under)
	if c := s.CredentialsSecret; c != nil {
		d.secret(under+"gcs.serviceAccount", at+".credentialsSecret", c.Name, c.ServiceAccountJSONKey)
	}
}

func (d *declaration) azure(s azureStorage, at, under string) {
	d.place(Place{Scheme: "azblob", Bucket: s.Container, Account: s.AccountName, Endpoint: s.Endpoint, Prefix: s.Prefix}, at, under)
	if s.UseWorkloadIdentity {
		d.note(at+".useWorkloadIdentity", "the host's identity is used where the store's configuration allows it (ambient: true)")
	}
	if c := s.CredentialsSecret; c != nil {
		d.secret(under+"azure.accountKey", at+".credentialsSecret", c.Name, c.AccountKeyKey)
		return
	}
	if c := s.SASTokenSecret; c != nil {
		d.secret(under+"azure.sasToken", at+".sasTokenSecret", c.Name, c.SASTokenKey)
		return
	}
	if c := s.ServicePrincipalSecret; c != nil {
		d.secret(under+"azure.clientID", at+".servicePrincipalSecret", c.Name, c.ClientIDKey)
		d.secret(under+"azure.tenantID", at+".servicePrincipalSecret", c.Name, c.TenantIDKey)
		d.secret(under+"azure.clientSecret", at+".servicePrincipalSecret", c.Name, c.ClientSecretKey)
	}
}

// pvc is a directory below the state directory: it needs no configuration, and
// cannot leave its place.
func (d *declaration) pvc(s pvcStorage, at, under string) {
	if strings.HasPrefix(s.ClaimName, ".") || strings.ContainsAny(s.ClaimName, "/\\") {
		d.report.Add(at+".claimName", "%q is no name of a claim", s.ClaimName)
	}
	d.place(Place{Scheme: "pvc", Bucket: s.ClaimName, Prefix: s.SubPath}, at, under)
}

// cluster declares which brokers are meant, and the secrets it takes to log in.
// A document that names none means the cluster of its sync.
func (d *declaration) cluster(c *cluster, at string) {
	if c == nil {
		return
	}
	d.set(FieldCluster, listOf(c.BootstrapServers), at+".bootstrapServers")
	if c.SecurityProtocol != "PLAINTEXT" {
		d.set("cluster.securityProtocol", c.SecurityProtocol, at+".securityProtocol")
	}
	if s := c.TLSSecret; s != nil {
		d.secret("kafka.ca", at+".tlsSecret", s.Name, s.CAKey)
		d.secret("kafka.certificate", at+".tlsSecret", s.Name, s.CertKey)
		d.secret("kafka.key", at+".tlsSecret", s.Name, s.KeyKey)
	}
	if s := c.CASecret; s != nil {
		d.secret("kafka.ca", at+".caSecret", s.Name, s.CAKey)
	}
	if s := c.SASLSecret; s != nil {
		d.set("cluster.mechanism", strings.NewReplacer("SHA256", "SHA-256", "SHA512", "SHA-512").Replace(s.Mechanism), at+".saslSecret")
		d.secret("kafka.username", at+".saslSecret", s.Name, s.UsernameKey)
		d.secret("kafka.password", at+".saslSecret", s.Name, s.PasswordKey)
	}
	for _, field := range []string{"tcpKeepalive", "keepaliveTimeSecs", "keepaliveIntervalSecs", "tcpNodelay"} {
		d.noteGiven(at+".connection."+field, "sockets are kept as the platform does by default, ignored")
	}
	if c.Connection == nil {
		return
	}
	if strings.HasSuffix(d.doc.Type(), "/KafkaBackup") {
		d.set("connections", number(c.Connection.ConnectionsPerBroker), at+".connection")
		return
	}
	d.noteGiven(at+".connection.connectionsPerBroker", "has a meaning for a KafkaBackup only, ignored")
}
