package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/restore"
)

// restoreFlags are one restore.
type restoreFlags struct {
	storeFlags
	target        clusterFlags
	point         pointFlag
	at, from, to  moment
	deleted       string
	name          string
	topics        []string
	rename        map[string]string
	partitions    []string
	repartition   map[string]int
	create        bool
	replicas      int
	existing      string
	purge         []string
	yes           bool
	groups        []string
	acls, quotas  bool
	headers       bool
	prove         bool
	evidence      string
	dry           bool
	abandon       bool
	bytesPerSec   size
	recordsPerSec int64
	concurrency   int
	memory        size
}

func (o *restoreFlags) flags(cmd *cobra.Command) {
	o.storeFlags.flags(cmd)
	o.target.flags(cmd, "target")
	o.point.flags(cmd)
	f := cmd.Flags()
	f.Var(&o.at, "at", "the newest good point taken at that time or before, instead of --point; UTC where no zone is given")
	f.Var(&o.from, "from", "only records with this timestamp or a later one; UTC where no zone is given, or milliseconds")
	f.Var(&o.to, "to", "only records with this timestamp or an earlier one; as --from")
	f.StringVar(&o.deleted, "deleted-topic", "", "bring back a topic that was deleted from Git, from its final backup, with its groups")
	f.StringSliceVar(&o.topics, "topics", nil, "only these topics, as globs")
	f.StringToStringVar(&o.rename, "rename", nil, "orders=orders-copy, or a pattern with one * on both sides: prod.*=test.*; may be repeated")
	f.StringSliceVar(&o.partitions, "partition-map", nil, "TOPIC:FROM=TO puts a partition into another; may be repeated")
	f.StringToIntVar(&o.repartition, "repartition", nil, "TOPIC=COUNT gives a topic another number of partitions, keys placed as Kafka's producers do (murmur2)")
	f.BoolVar(&o.create, "create", o.create, "create topics that are not there, as they were")
	f.IntVar(&o.replicas, "replicas", 0, "replication factor of created topics; as it was if not given")
	f.StringVar(&o.existing, "existing", "", "what to do with a topic that holds data: append adds to it, purge empties it first (DeleteRecords); refused if not given")
	f.StringSliceVar(&o.purge, "purge", nil, "with --existing purge: name of a topic that may be emptied; each must be named, or --yes given")
	f.BoolVar(&o.yes, "yes", false, "with --existing purge: all topics of the restore may be emptied")
	f.StringSliceVar(&o.groups, "groups", nil, "consumer groups whose offsets are set, as globs; none if not given. Groups with live members are left alone")
	f.BoolVar(&o.acls, "acls", false, "add the access rules of the point")
	f.BoolVar(&o.quotas, "quotas", false, "set the quotas of the point")
	f.BoolVar(&o.headers, "offset-headers", false, "add ottla-original-offset headers to records")
	f.BoolVar(&o.prove, "prove", false, "read the restored topics, and compare the digests of all records with the backup's")
	f.StringVar(&o.evidence, "evidence", "", "with --prove: write what was proven into this directory, as JSON and as a page; signed with the key of a configured store, or with --signing-key")
	f.BoolVar(&o.dry, "dry-run", false, "only look, and print what would be done")
	f.BoolVar(&o.abandon, "abandon", false, "give the restore of that --name up: what it has written stays, and its topics are configured as they were")
	f.StringVar(&o.name, "name", "", "name of the restore; the same name goes on where it stopped. Made of point and time if not given")
	f.Var(&o.bytesPerSec, "bytes-per-second", "the most that is written, such as 50MiB; no limit if not given")
	f.Int64Var(&o.recordsPerSec, "records-per-second", 0, "the most records that are written; no limit if not given")
	f.IntVar(&o.concurrency, "concurrency", 0, "partitions at once; 8 if not given")
	f.Var(&o.memory, "memory", "the most memory that records take; 256 MiB if not given")
}

func (o *restoreFlags) options(target *dialed, r *repository.Repository, point int64) (restore.Options, error) {
	if o.existing != "" && o.existing != "append" && o.existing != "purge" {
		return restore.Options{}, &usageError{fmt.Errorf("--existing %q is none", o.existing), "append or purge"}
	}
	if o.evidence != "" && !o.prove {
		return restore.Options{}, &usageError{errors.New("--evidence is of a proof"), "add --prove"}
	}
	partitions, err := partitionMap(o.partitions)
	if err != nil {
		return restore.Options{}, err
	}
	if o.name == "" {
		o.name = fmt.Sprintf("point-%d-%s-%s", point, time.Now().UTC().Format("20060102t150405z"), strings.ToLower(rand.Text()[:4]))
	}
	return restore.Options{
		Name: o.name, Dial: target.dial, Repository: r, Point: point, Topics: o.topics, Rename: o.rename, Partitions: partitions,
		Repartition: o.repartition, From: o.from.Time, To: o.to.Time, Create: o.create, Replicas: o.replicas, Existing: o.existing,
		Groups: o.groups, ACLs: o.acls, Quotas: o.quotas, OffsetHeaders: o.headers, Prove: o.prove,
		BytesPerSec: int64(o.bytesPerSec), RecordsPerSec: o.recordsPerSec, Concurrency: o.concurrency, Memory: int64(o.memory),
		Acks: -1, Now: time.Now,
	}, nil
}

// partitionMap reads TOPIC:FROM=TO.
func partitionMap(all []string) (map[string]map[int32]int32, error) {
	out := map[string]map[int32]int32{}
	for _, text := range all {
		topic, pair, _ := strings.Cut(text, ":")
		from, to, _ := strings.Cut(pair, "=")
		one, err := strconv.ParseInt(from, 10, 32)
		other, err2 := strconv.ParseInt(to, 10, 32)
		if topic == "" || err != nil || err2 != nil || one < 0 || other < 0 {
			return nil, &usageError{fmt.Errorf("--partition-map %q is none", text), "write TOPIC:FROM=TO, such as orders:0=5"}
		}
		if out[topic] == nil {
			out[topic] = map[int32]int32{}
		}
		out[topic][int32(one)] = int32(other)
	}
	return out, nil
}

// refused are the topics that would be emptied and may not be: internal and
// protected ones never, what the agent's configuration does not allow on its
// clusters or wants a final backup of, and what the person has not named.
func (o *restoreFlags) refused(plan restore.Plan, target *dialed) []restore.Problem {
	var out []restore.Problem
	for _, t := range plan.Topics {
		if t.Action != "purge" {
			continue
		}
		problem := restore.Problem{Where: "topic " + t.Target}
		switch {
		case strings.HasPrefix(t.Target, "__"):
			problem.Text = "it is internal, and never emptied"
		case target.protects(t.Target):
			problem.Text, problem.Hint = "it is protected, and never emptied", "restore under another name: --rename "+t.Source+"="+t.Target+"-restored"
		case !target.mayPurge(t.Target):
			problem.Text, problem.Hint = "the configuration does not allow that it is emptied", "backups.allowPurge lists what may be"
		case target.finals():
			problem.Text = "the configuration wants a final backup of what is emptied (backups.finalBackup), which only the agent takes"
			problem.Hint = "declare it: a KafkaRestore with purgeTopics, or restore under another name: --rename " + t.Source + "=" + t.Target + "-restored"
		case !o.yes && !slices.Contains(o.purge, t.Target):
			problem.Text, problem.Hint = "all its records would be deleted first", "say that you mean it: --purge "+t.Target
		default:
			continue
		}
		out = append(out, problem)
	}
	return out
}

// protects tells topics of a configured cluster that lose nothing, whoever asks.
func (d *dialed) protects(topic string) bool {
	return d.config != nil && matches(d.config.Protected.Topics, topic)
}

// mayPurge tells what a configured cluster lets be emptied; of a cluster that
// no configuration here names, the brokers alone decide.
func (d *dialed) mayPurge(topic string) bool {
	return d.whole == nil || matches(d.whole.Backups.AllowPurge, topic)
}

// finals tells a configured cluster that loses no topic without a final backup.
func (d *dialed) finals() bool { return d.whole != nil && d.whole.Backups.FinalBackup != nil }
