package restore

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ottla-io/ottla/sinks/backup/patience"
)

// unknownRights is what a broker answers that was not asked, or cannot say.
const unknownRights = math.MinInt32

// allows reads a bit field of rights (KIP-430).
func allows(rights int32, op kmsg.ACLOperation) bool { return rights&(1<<op) != 0 }

// surveyRights compares what we may do with what the restore does.
func (j *job) surveyRights(ctx context.Context, c cluster) {
	rights, err := j.target.clusterRights(ctx)
	if err != nil {
		j.note("rights on the cluster could not be asked for: %v", err)
	}
	missing := false
	for _, t := range j.rec.Topics {
		if state := c.topics[t.Target]; state.err == nil && t.Action != actionCreate {
			j.topicRights(t, state.rights)
		} else if t.Action == actionCreate {
			missing = true
		}
	}
	if missing && rights != unknownRights && !allows(rights, kmsg.ACLOperationIdempotentWrite) {
		j.note("WRITE, READ and ALTER_CONFIGS on topics that are not there yet cannot be asked for: if they are missing, the restore stops after it created them")
	}
	if rights == unknownRights {
		return
	}
	if j.o.ACLs && !allows(rights, kmsg.ACLOperationAlter) {
		j.problem("cluster", "access rules cannot be set", "allow ALTER on the cluster, or restore without ACLs")
	}
	if j.o.Quotas && !allows(rights, kmsg.ACLOperationAlterConfigs) {
		j.problem("cluster", "quotas cannot be set", "allow ALTER_CONFIGS on the cluster, or restore without quotas")
	}
}

func (j *job) topicRights(t topicRecord, rights int32) {
	if rights == unknownRights {
		j.note("%s: the broker does not say what we may do with it", t.Target)
		return
	}
	needed := []kmsg.ACLOperation{kmsg.ACLOperationWrite, kmsg.ACLOperationRead, kmsg.ACLOperationAlterConfigs}
	if t.Action == actionPurge {
		needed = append(needed, kmsg.ACLOperationDelete)
	}
	var missing []string
	for _, op := range needed {
		if !allows(rights, op) {
			missing = append(missing, op.String())
		}
	}
	if len(missing) > 0 {
		j.problem("topic "+t.Target, "we may not "+strings.Join(missing, ", "), "allow it")
	}
}

func (t *target) clusterRights(ctx context.Context) (int32, error) {
	req := kmsg.NewPtrDescribeClusterRequest()
	req.IncludeClusterAuthorizedOperations = true
	resp, err := req.RequestWith(ctx, t.client())
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return unknownRights, err
	}
	return resp.ClusterAuthorizedOperations, nil
}

// surveyTimes notes records that a broker would think of as of the future.
func (j *job) surveyTimes() {
	limit := j.o.now().Add(time.Hour).UnixMilli()
	for i := range j.layout.topics {
		tl := &j.layout.topics[i]
		newest := int64(math.MinInt64)
		for _, p := range tl.source.Partitions {
			for _, ref := range j.layout.point.Refs(tl.source.Name, p.Partition) {
				if !j.layout.window.misses(ref) {
					newest = max(newest, ref.MaxTime)
				}
			}
		}
		if newest > limit {
			j.plan.Topics[i].Notes = append(j.plan.Topics[i].Notes, fmt.Sprintf(
				"its newest record is of %s: message.timestamp.after.max.ms is lifted meanwhile, and retention by time counts from then", time.UnixMilli(newest).UTC().Format(time.RFC3339)))
		}
		j.plan.Topics[i].Expires = j.expiry[tl.target]
	}
}

// surveySizes compares the largest batches that there may be with the largest
// request that a broker reads.
func (j *job) surveySizes(ctx context.Context, c cluster) {
	largest, of := int64(0), ""
	for _, tl := range j.layout.topics {
		if tl.source.MaxBytes > largest {
			largest, of = tl.source.MaxBytes, tl.target
		}
	}
	limit, err := j.target.requestLimit(ctx, c.node)
	if err != nil {
		j.note("the largest request that the brokers read could not be asked for (%v): Kafka's default is 100 MiB", err)
		return
	}
	if largest+1024 > limit {
		j.problem("topic "+of, fmt.Sprintf("its batches may have %d bytes, the brokers read requests of at most %d", largest, limit), "raise socket.request.max.bytes")
	}
}

func (t *target) requestLimit(ctx context.Context, broker int32) (int64, error) {
	const key = "socket.request.max.bytes"
	req := kmsg.NewPtrDescribeConfigsRequest()
	r := kmsg.NewDescribeConfigsRequestResource()
	r.ResourceType, r.ResourceName, r.ConfigNames = kmsg.ConfigResourceTypeBroker, strconv.Itoa(int(broker)), []string{key}
	req.Resources = append(req.Resources, r)
	resp, err := req.RequestWith(ctx, t.client())
	if err != nil {
		return 0, err
	}
	for _, r := range resp.Resources {
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			return 0, err
		}
		for _, c := range r.Configs {
			if c.Name == key && c.Value != nil {
				return strconv.ParseInt(*c.Value, 10, 64)
			}
		}
	}
	return 0, patience.ErrSilent
}
