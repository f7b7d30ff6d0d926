package kafka

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ottla-io/ottla/reconcile"
)

// notCarriedOut is said of a replication that differs.
const notCarriedOut = "not yet carried out: replication is changed by a reassignment"

// topicGrace is how long a topic must be gone from Git before it is deleted.
const topicGrace = 10 * time.Minute

// TopicRules say that partitions only grow, that replication is not changed
// here, and which keys would keep less data than before.
func TopicRules() reconcile.Rules {
	return reconcile.Rules{Grace: topicGrace, Field: topicRule}
}

func topicRule(field string) reconcile.Rule {
	switch field {
	case fieldPartitions:
		return reconcile.Rule{Check: checkPartitions, Loses: losesOrder}
	case fieldReplicas:
		return reconcile.Rule{Check: checkReplicas}
	}
	key, _ := strings.CutPrefix(field, configPrefix)
	loses := configLoses(key)
	return reconcile.Rule{Reset: true, Pin: loses != nil, Loses: loses}
}

func checkPartitions(from, to reconcile.Value) string {
	have, want, ok := numbers(from, to)
	if ok && want < have {
		return fmt.Sprintf("partitions only grow: the topic has %s, %s are declared; declare %s, or make another topic", from, to, from)
	}
	return ""
}

func losesOrder(from, to reconcile.Value) string {
	if have, want, ok := numbers(from, to); ok && want > have {
		return "keys move between partitions, and their order is lost"
	}
	return ""
}

func checkReplicas(from, to reconcile.Value) string {
	if from.Is(reconcile.Text) && to.Is(reconcile.Text) && !from.Same(to) {
		return notCarriedOut
	}
	return ""
}

// configLoses is what a key's change could lose, nil for a key that keeps no
// data.
func configLoses(key string) func(from, to reconcile.Value) string { return losesAs(key, key) }

// losesAs is configLoses in words about the key called name.
func losesAs(key, name string) func(from, to reconcile.Value) string {
	shorter := func(what string) func(from, to reconcile.Value) string {
		return func(from, to reconcile.Value) string { return losesByLess(name, what, from, to) }
	}
	switch key {
	case "retention.ms", "retention.bytes":
		return shorter("older records are deleted")
	case "local.retention.ms", "local.retention.bytes":
		return shorter("older records leave the brokers' disks")
	case "delete.retention.ms":
		return shorter("tombstones vanish before slow consumers have seen them")
	case "max.compaction.lag.ms", "min.compaction.lag.ms":
		return shorter("older values of a key are compacted away sooner")
	case "segment.ms", "segment.bytes":
		return shorter("segments close sooner, and with them records become due for deletion or compaction")
	case "cleanup.policy":
		return losesByPolicy
	case "remote.storage.enable":
		return flips("true", "false", "records in remote storage can no longer be read")
	case "unclean.leader.election.enable":
		return flips("false", "true", "a replica that lags behind may become leader, and what it lacks is lost")
	default:
		return nil
	}
}

// losesByLess has words where a limit becomes smaller. −1 is no limit; −2 of
// local.retention follows retention, which is never the smaller one.
func losesByLess(key, what string, from, to reconcile.Value) string {
	have, want, ok := numbers(from, to)
	switch {
	case !ok && from.Same(to):
		return ""
	case !ok:
		return fmt.Sprintf("%s goes from %s to %s, and what that means is not known: %s", key, from, to, what)
	case limit(want) < limit(have):
		return fmt.Sprintf("%s is shortened from %s to %s: %s", key, from, to, what)
	default:
		return ""
	}
}

// limit puts "no limit" above all numbers.
func limit(n float64) float64 {
	const unlimited = 1 << 63
	if n < 0 {
		return unlimited
	}
	return n
}

func losesByPolicy(from, to reconcile.Value) string {
	var gained []string
	for policy := range strings.SplitSeq(to.Text(), ",") {
		if policy != "" && !slices.Contains(strings.Split(from.Text(), ","), policy) {
			gained = append(gained, policy)
		}
	}
	if len(gained) == 0 {
		if !to.Is(reconcile.Text) && !from.Same(to) {
			return "cleanup.policy falls back to a default that is not known"
		}
		return ""
	}
	return fmt.Sprintf("cleanup.policy gains %s: records that are kept now are removed", strings.Join(gained, " and "))
}

// flips has words for one direction of a switch.
func flips(from, to, what string) func(reconcile.Value, reconcile.Value) string {
	return func(have, want reconcile.Value) string {
		if want.Text() == to && have.Text() != to || want.Text() == "" && have.Text() == from {
			return what
		}
		return ""
	}
}

func numbers(from, to reconcile.Value) (have, want float64, ok bool) {
	have, err := strconv.ParseFloat(from.Text(), 64)
	want, err2 := strconv.ParseFloat(to.Text(), 64)
	return have, want, err == nil && err2 == nil
}
