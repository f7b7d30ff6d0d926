package reconcile

import (
	"fmt"
	"slices"
	"strings"
)

// Labels and annotations that every document kind honours.
const (
	ClusterLabel     = "strimzi.io/cluster"
	ManagedMark      = "strimzi.io/managed"
	PauseMark        = "strimzi.io/pause-reconciliation"
	DriftMark        = "ottla.io/drift"
	PruneMark        = "ottla.io/prune"
	IgnoreFieldsMark = "ottla.io/ignore-fields"
	// Read by decoders of their own kinds.
	ScramMechanismMark  = "ottla.io/scram-mechanism"
	ScramIterationsMark = "ottla.io/scram-iterations"
	ArchiveMark         = "ottla.io/archive"
	StoredMark          = "ottla.io/mode"
	VerifyMark          = "ottla.io/verify"
	JitterMark          = "ottla.io/jitter"
	DrillMark           = "ottla.io/drill"
	ProveMark           = "ottla.io/prove"
	ExistingMark        = "ottla.io/existing"
	AccessMark          = "ottla.io/access"
	SourceClusterMark   = "ottla.io/source-cluster"
)

// Why a resource is skipped: it counts as declared and is not touched.
const (
	SkipUnmanaged = "not managed (strimzi.io/managed: false)"
	SkipPaused    = "paused (strimzi.io/pause-reconciliation: true)"
	skipCluster   = "for another cluster"
)

var ottlaMarks = []string{DriftMark, PruneMark, IgnoreFieldsMark, ScramMechanismMark, ScramIterationsMark,
	ArchiveMark, StoredMark, VerifyMark, JitterMark, DrillMark, ProveMark, ExistingMark, AccessMark, SourceClusterMark}

// marked puts what the document's labels and annotations say on each of its
// resources. cluster is this cluster's name in the agent's configuration; ""
// takes documents of every cluster.
func marked(doc Document, cluster string, resources []Resource) error {
	drift, err := driftMark(doc)
	if err != nil {
		return err
	}
	keep, err := pruneMark(doc)
	if err != nil {
		return err
	}
	if err := knownMarks(doc); err != nil {
		return err
	}
	if err := booleanMarks(doc); err != nil {
		return err
	}
	for i := range resources {
		r := &resources[i]
		r.Skip, r.Drift, r.Keep = skip(doc, cluster), drift, keep
		r.Ignore = ignoredFields(doc.Annotations[IgnoreFieldsMark])
	}
	return nil
}

func skip(doc Document, cluster string) string {
	if of := doc.Labels[ClusterLabel]; of != "" && cluster != "" && of != cluster {
		return fmt.Sprintf("%s (strimzi.io/cluster: %s)", skipCluster, of)
	}
	if strings.EqualFold(doc.Annotations[ManagedMark], "false") {
		return SkipUnmanaged
	}
	if strings.EqualFold(doc.Annotations[PauseMark], "true") {
		return SkipPaused
	}
	return ""
}

// booleanMarks refuses a word that protects with one reader and not with the
// other: Strimzi takes anything but true for false.
func booleanMarks(doc Document) error {
	for _, mark := range []string{ManagedMark, PauseMark} {
		v, given := doc.Annotations[mark]
		if given && !strings.EqualFold(v, "true") && !strings.EqualFold(v, "false") {
			return fmt.Errorf("annotation %s: %q is neither true nor false", mark, v)
		}
	}
	return nil
}

func driftMark(doc Document) (DriftMode, error) {
	mode := DriftMode(doc.Annotations[DriftMark])
	switch mode {
	case "", DriftHeal, DriftReport, DriftOff:
		return mode, nil
	default:
		return "", fmt.Errorf("annotation %s: %q is none of heal, report, off", DriftMark, mode)
	}
}

func pruneMark(doc Document) (keep bool, err error) {
	switch v := doc.Annotations[PruneMark]; v {
	case "", "enabled":
		return false, nil
	case "disabled":
		return true, nil
	default:
		return false, fmt.Errorf("annotation %s: %q is neither disabled nor enabled", PruneMark, v)
	}
}

// knownMarks refuses our own annotations with a typo: one that silently does
// nothing is one that fails to protect.
func knownMarks(doc Document) error {
	for key := range doc.Annotations {
		if strings.HasPrefix(key, "ottla.io/") && !slices.Contains(ottlaMarks, key) {
			return fmt.Errorf("unknown annotation %s; known are %s", key, strings.Join(ottlaMarks, ", "))
		}
	}
	return nil
}

func ignoredFields(list string) map[string]bool {
	if list == "" {
		return nil
	}
	ignored := map[string]bool{}
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name != "" {
			ignored[name] = true
		}
	}
	return ignored
}
