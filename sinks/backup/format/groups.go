package format

// Group is a consumer group as it was.
type Group struct {
	Name     string   `json:"name"`
	Type     string   `json:"type"` // classic | consumer
	Protocol string   `json:"protocol,omitempty"`
	State    string   `json:"state,omitempty"`
	Offsets  []Commit `json:"offsets"`
}

// Commit is a committed offset. Clamped is what the group had committed beyond
// the point.
type Commit struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Epoch     int32  `json:"epoch"` // -1: none
	Metadata  string `json:"metadata,omitempty"`
	Clamped   int64  `json:"clamped,omitempty"`
}

// ACL is one binding, in Kafka's own words.
type ACL struct {
	ResourceType string `json:"resourceType"`
	ResourceName string `json:"resourceName"`
	PatternType  string `json:"patternType"`
	Principal    string `json:"principal"`
	Host         string `json:"host"`
	Operation    string `json:"operation"`
	Permission   string `json:"permission"`
}

// Quota is one entity's quotas. A nil name is the default entity.
type Quota struct {
	Entity []QuotaPart        `json:"entity"`
	Values map[string]float64 `json:"values"`
}

// QuotaPart is one part of an entity.
type QuotaPart struct {
	Type string  `json:"type"`
	Name *string `json:"name"`
}

// User is a SCRAM user: its secret cannot be read, so it is not kept.
type User struct {
	Name       string   `json:"name"`
	Mechanisms []string `json:"mechanisms"`
}
