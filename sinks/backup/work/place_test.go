package work

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sinks/backup"
	"github.com/ottla-io/ottla/sinks/kafka"
)

// another is a cluster beside the world's.
func another(t *testing.T, id string) *kfake.Cluster {
	t.Helper()
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ClusterID(id))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

func TestARestoreIsNotTakenForDoneOnAClusterThatWasMadeAnew(t *testing.T) {
	w := backedUp(t)
	stop := w.run()
	w.round()
	w.eventually("backup/default/once", is(sinks.JobDone))
	id := jobOf(backup.DoesRestore, "again")
	w.declare(id, w.restoreSpec(backup.FieldSource, "cluster-a"))
	w.round()
	w.eventually("restore/default/again", is(sinks.JobDone))
	stop()
	// The same address, another cluster.
	anew := another(t, "cluster-b")
	w.o.Clusters[0].Options.Brokers = append(anew.ListenAddrs(), w.o.Clusters[0].Options.Brokers...)[:1]
	w.declare(id, w.restoreSpec(backup.FieldSource, "cluster-a", backup.FieldCluster, anew.ListenAddrs()[0]))
	w.restart()
	if _, _, err := w.observe(id); err == nil || !strings.Contains(err.Error(), "carried out on cluster cluster-a, and this is cluster cluster-b: give it another name") {
		t.Errorf("it is taken for done: %v", err)
	}
}

func TestARestoreIntoAnotherClusterClaimsNothingHereAndIsRefusedWhereASyncKeepsIt(t *testing.T) {
	for _, kept := range []bool{false, true} {
		w := newWorld(t, func(o *Options) {
			o.Clusters = append(o.Clusters, Cluster{Name: "other", Options: kafka.Options{Brokers: another(t, "cluster-b").ListenAddrs()}})
			if o.Kept = []string{"main"}; kept {
				o.Kept = append(o.Kept, "other")
			}
		})
		w.topic("orders", "a")
		w.declare(jobOf(backup.DoesBackup, "once"), w.spec())
		w.run()
		w.round()
		w.eventually("backup/default/once", is(sinks.JobDone))
		id := jobOf(backup.DoesRestore, "there")
		w.declare(id, w.restoreSpec(backup.FieldCluster, w.o.Clusters[1].Options.Brokers[0]))
		w.brief()
		verdicts, err := (&jobs{w.Service}).Check(t.Context(), []reconcile.Change{{ID: id, Action: reconcile.Create}})
		if err != nil || (len(verdicts) == 1 && strings.Contains(verdicts[0].Refused, "cluster other, which another sync keeps")) != kept {
			t.Errorf("kept %v: %v, %v", kept, verdicts, err)
		}
		if kept {
			continue
		}
		began := make(chan string, 10)
		w.stuck(began)
		w.round()
		<-began
		if live, there, err := w.observe(id); err != nil || !there || len(live.Claims) > 0 {
			t.Errorf("it claims %v, %v", live.Claims, err)
		}
	}
}
