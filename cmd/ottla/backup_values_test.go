package main

import (
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/restore"
)

func TestTimesAreReadAsPeopleAndListsWriteThem(t *testing.T) {
	want := time.Date(2026, 11, 21, 18, 0, 0, 0, time.UTC)
	for _, text := range []string{"2026-11-21T18:00:00Z", "2026-11-21T19:00:00+01:00", "2026-11-21 18:00:00", "2026-11-21 18:00", "1795284000000"} {
		var m moment
		if err := m.Set(text); err != nil || !m.Equal(want) {
			t.Errorf("%s is %s, %v", text, m.Time, err)
		}
	}
	for _, text := range []string{"", "yesterday", "18:00", "12"} {
		if err := new(moment).Set(text); err == nil {
			t.Errorf("%q is taken for a time", text)
		}
	}
}

func TestPeriodsAndSizesHaveUnits(t *testing.T) {
	for text, want := range map[string]time.Duration{"36h": 36 * time.Hour, "30d": 720 * time.Hour, "2w": 336 * time.Hour, "1y": 8760 * time.Hour} {
		var p period
		if err := p.Set(text); err != nil || p.Duration != want {
			t.Errorf("%s is %s, %v", text, p.Duration, err)
		}
	}
	for text, want := range map[string]size{"0": 0, "1048576": 1 << 20, "50M": 50 << 20, "50MiB": 50 << 20, "1g": 1 << 30, "2 ": -1, "-1": -1, "": -1, "M": -1, "9999999999T": -1} {
		var s size
		if err := s.Set(text); (err != nil) != (want < 0) || err == nil && s != want {
			t.Errorf("%q is %d, %v", text, s, err)
		}
	}
	for _, text := range []string{"", "d", "-1d", "0h", "ten days"} {
		if err := new(period).Set(text); err == nil {
			t.Errorf("%q is taken for a length of time", text)
		}
	}
}

func TestACommandLineToGoOnWithIsTheOneThatWasGiven(t *testing.T) {
	o := restoreFlags{create: true}
	cmd := &cobra.Command{Use: "restore", Run: func(*cobra.Command, []string) {}}
	o.flags(cmd)
	cmd.SetArgs([]string{"--store", "s3://b/p?region=eu", "--rename", "prod.*=test.*", "--topics", "a,b", "--create=false", "--at", "2026-11-21 18:00:00"})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	got := again(cmd, map[string]string{"name": "r1", "point": "12", "at": ""})
	want := "restore --create=false --name r1 --point 12 --rename 'prod.*=test.*' --store 's3://b/p?region=eu' --topics a,b"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestABackupIsMeantByNameNamespaceAndCluster(t *testing.T) {
	id := format.Identity{Namespace: "team", Name: "nightly", Cluster: "c1"}
	for _, one := range []struct {
		flags storeFlags
		want  bool
	}{
		{storeFlags{}, true},
		{storeFlags{backup: "nightly"}, true},
		{storeFlags{backup: "team/nightly"}, true},
		{storeFlags{backup: "other/nightly"}, false},
		{storeFlags{backup: "hourly"}, false},
		{storeFlags{cluster: "c1"}, true},
		{storeFlags{cluster: "c2"}, false},
	} {
		if got := one.flags.means(id); got != one.want {
			t.Errorf("%+v: %t", one.flags, got)
		}
	}
	if got, err := (storeFlags{backup: "nightly"}).identity("c1", ""); err != nil || got.Namespace != "default" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := (storeFlags{backup: "a/b/c"}).identity("c1", ""); err == nil {
		t.Error("a/b/c is taken for a name")
	}
}

func TestAStoreIsAURLADirectoryOrAName(t *testing.T) {
	for text, want := range map[string]bool{"s3://b/p": true, "/var/backups": true, "./here": true, "..": true, "main": false, "": false} {
		url, is := storeURL(text)
		if is != want || is && !strings.Contains(url, "://") {
			t.Errorf("%q: %q, %t", text, url, is)
		}
	}
}

func TestNothingIsEmptiedThatNobodyNamed(t *testing.T) {
	plan := restore.Plan{Topics: []restore.TopicPlan{{Source: "orders", Target: "orders", Action: "purge"}, {Source: "a", Target: "b", Action: "create"}}}
	configured := &dialed{config: &agent.ClusterConfig{}, whole: &agent.Config{}}
	allowed := &dialed{config: &agent.ClusterConfig{}, whole: &agent.Config{Backups: agent.BackupsConfig{AllowPurge: []string{"ord*"}}}}
	protected := &dialed{config: &agent.ClusterConfig{Protected: agent.Protected{Topics: []string{"orders"}}}, whole: allowed.whole}
	held := &dialed{config: &agent.ClusterConfig{}, whole: &agent.Config{Backups: agent.BackupsConfig{AllowPurge: []string{"ord*"}, FinalBackup: &agent.FinalBackupConfig{Store: "main"}}}}
	for _, one := range []struct {
		name   string
		flags  restoreFlags
		target *dialed
		want   string
	}{
		{"not named", restoreFlags{}, &dialed{}, "all its records would be deleted first"},
		{"named", restoreFlags{purge: []string{"orders"}}, &dialed{}, ""},
		{"yes", restoreFlags{yes: true}, &dialed{}, ""},
		{"not allowed by the configuration", restoreFlags{yes: true}, configured, "does not allow"},
		{"allowed", restoreFlags{yes: true}, allowed, ""},
		{"without a final backup", restoreFlags{yes: true}, held, "wants a final backup of what is emptied"},
		{"protected", restoreFlags{yes: true}, protected, "protected"},
	} {
		t.Run(one.name, func(t *testing.T) {
			got := ""
			for _, p := range one.flags.refused(plan, one.target) {
				got += p.Text
			}
			if (got == "") != (one.want == "") || !strings.Contains(got, one.want) {
				t.Errorf("got %q, want %q", got, one.want)
			}
		})
	}
	plan.Topics[0].Target = "__consumer_offsets"
	if got := (&restoreFlags{yes: true}).refused(plan, allowed); len(got) != 1 || !strings.Contains(got[0].Text, "internal") {
		t.Errorf("an internal topic: %+v", got)
	}
}

func TestAPartitionMapNamesTopicAndPartitions(t *testing.T) {
	got, err := partitionMap([]string{"orders:0=5", "orders:1=4"})
	if err != nil || got["orders"][0] != 5 || got["orders"][1] != 4 {
		t.Errorf("%v, %v", got, err)
	}
	for _, text := range []string{"orders", "orders:0", "orders:a=1", ":0=1", "orders:0=-1", "orders:0=3000000000"} {
		if _, err := partitionMap([]string{text}); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
