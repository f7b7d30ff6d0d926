package reconcile

import (
	"slices"
	"strings"
)

// NotOurs tells documents that are Kubernetes' own or another tool's business:
// they share repositories with ours, and are left out with a note. Any other
// document kind that nobody decodes is an error, because a typo must not look
// like somebody else's document.
func NotOurs(doc Document) bool {
	group := doc.Group()
	switch {
	case group == "":
		return doc.APIVersion == "v1" && slices.Contains(coreKinds, doc.Kind)
	case group == "kafka.strimzi.io":
		return slices.Contains(strimziOperands, doc.Kind)
	case group == "notification.toolkit.fluxcd.io":
		return doc.Kind == "Receiver"
	case strings.HasSuffix(group, ".k8s.io"):
		return true
	default:
		return slices.Contains(foreignGroups, group) || slices.ContainsFunc(foreignDomains, func(d string) bool {
			return strings.HasSuffix(group, d)
		})
	}
}

// coreKinds are Kubernetes' kinds without a group, Secret and ConfigMap apart.
var coreKinds = []string{
	"Binding", "Endpoints", "Event", "LimitRange", "Namespace", "Node", "PersistentVolume", "PersistentVolumeClaim", "Pod",
	"PodTemplate", "ReplicationController", "ResourceQuota", "Service", "ServiceAccount",
}

// strimziOperands run Kafka itself on Kubernetes.
var strimziOperands = []string{
	"Kafka", "KafkaBridge", "KafkaConnect", "KafkaMirrorMaker", "KafkaMirrorMaker2", "KafkaNodePool", "KafkaRebalance", "StrimziPodSet",
}

var foreignGroups = []string{
	"apps", "autoscaling", "batch", "extensions", "policy", // Kubernetes
	"argoproj.io", "bitnami.com", "external-secrets.io", "cert-manager.io", "monitoring.coreos.com",
	"kyverno.io", "cilium.io", "traefik.io", "keda.sh", "secrets.hashicorp.com", "isindir.github.com",
}

var foreignDomains = []string{
	".toolkit.fluxcd.io", ".istio.io", ".external-secrets.io", ".cert-manager.io", ".openshift.io", ".cattle.io", ".gatekeeper.sh",
	".projectcalico.org", ".crossplane.io", ".strimzi.io",
}
