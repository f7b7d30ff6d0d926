package backup

type cluster struct {
	BootstrapServers []string    `json:"bootstrapServers" doc:"Addresses, host:port." required:"true" min:"1"`
	SecurityProtocol string      `json:"securityProtocol" doc:"How the brokers are spoken to." enum:"PLAINTEXT,SSL,SASL_PLAINTEXT,SASL_SSL" default:"PLAINTEXT"`
	TLSSecret        *tlsSecret  `json:"tlsSecret" doc:"Secret with the certificate authority and the client's certificate."`
	CASecret         *caSecret   `json:"caSecret" doc:"Secret with the certificate authority alone."`
	SASLSecret       *saslSecret `json:"saslSecret" doc:"Secret with user and password."`
	Connection       *connection `json:"connection" doc:"Settings of the connections."`
}

type tlsSecret struct {
	Name    string `json:"name" doc:"Name of the Secret." required:"true" min:"1" ref:"Secret"`
	CAKey   string `json:"caKey" doc:"Key of the certificate authority." default:"ca.crt"`
	CertKey string `json:"certKey" doc:"Key of the client's certificate."`
	KeyKey  string `json:"keyKey" doc:"Key of the client's private key."`
}

// Check wants both halves of a client's certificate.
func (s *tlsSecret) Check(report func(path, text string)) {
	if (s.CertKey == "") != (s.KeyKey == "") {
		report("", "certKey and keyKey belong together")
	}
}

type caSecret struct {
	Name  string `json:"name" doc:"Name of the Secret." required:"true" min:"1" ref:"Secret"`
	CAKey string `json:"caKey" doc:"Key of the certificate authority." default:"ca.crt"`
}

type saslSecret struct {
	Name        string `json:"name" doc:"Name of the Secret." required:"true" min:"1" ref:"Secret"`
	Mechanism   string `json:"mechanism" doc:"How the user proves who it is." required:"true" enum:"PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,SCRAM-SHA256,SCRAM-SHA512"`
	UsernameKey string `json:"usernameKey" doc:"Key of the user's name." default:"username"`
	PasswordKey string `json:"passwordKey" doc:"Key of the password." default:"password"`
}

type connection struct {
	TCPKeepalive          bool  `json:"tcpKeepalive" doc:"Whether idle connections are probed." default:"true"`
	KeepaliveTimeSecs     int64 `json:"keepaliveTimeSecs" doc:"Seconds until the first probe." default:"60" min:"1"`
	KeepaliveIntervalSecs int64 `json:"keepaliveIntervalSecs" doc:"Seconds between probes." default:"20" min:"1"`
	TCPNodelay            bool  `json:"tcpNodelay" doc:"Whether small packets are sent at once." default:"true"`
	ConnectionsPerBroker  int   `json:"connectionsPerBroker" doc:"Connections to each broker." default:"4" min:"1"`
}

// Check holds protocol and secrets against each other.
func (c *cluster) Check(report func(path, text string)) {
	sasl := c.SecurityProtocol == "SASL_PLAINTEXT" || c.SecurityProtocol == "SASL_SSL"
	switch {
	case sasl && c.SASLSecret == nil:
		report("saslSecret", "is missing: "+c.SecurityProtocol+" needs user and password")
	case !sasl && c.SASLSecret != nil:
		report("saslSecret", "has no effect with securityProtocol: "+c.SecurityProtocol)
	}
	plain := c.SecurityProtocol == "PLAINTEXT" || c.SecurityProtocol == "SASL_PLAINTEXT"
	if plain && c.TLSSecret != nil {
		report("tlsSecret", "has no effect with securityProtocol: "+c.SecurityProtocol)
	}
	if plain && c.CASecret != nil {
		report("caSecret", "has no effect with securityProtocol: "+c.SecurityProtocol)
	}
	if c.TLSSecret != nil && c.CASecret != nil {
		report("caSecret", "stands beside tlsSecret, which has a certificate authority: give one of them")
	}
}

type rateLimiting struct {
	RecordsPerSec           int64 `json:"recordsPerSec" doc:"Records a second, 0 for no limit." default:"0" min:"0"`
	BytesPerSec             int64 `json:"bytesPerSec" doc:"Bytes a second, 0 for no limit." default:"0" min:"0"`
	MaxConcurrentPartitions int   `json:"maxConcurrentPartitions" doc:"Partitions at once." default:"4" min:"1"`
}

type circuitBreaker struct {
	Enabled            bool  `json:"enabled" doc:"Whether failures pause the work." default:"true"`
	FailureThreshold   int   `json:"failureThreshold" doc:"Failures in a row that open it." default:"5" min:"1"`
	ResetTimeoutSecs   int64 `json:"resetTimeoutSecs" doc:"Seconds until it is tried again." default:"60" min:"1"`
	SuccessThreshold   int   `json:"successThreshold" doc:"Successes that close it." default:"3" min:"1"`
	OperationTimeoutMs int64 `json:"operationTimeoutMs" doc:"Milliseconds an operation may take." default:"30000" min:"1"`
}
