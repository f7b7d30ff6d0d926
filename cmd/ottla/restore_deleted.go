package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
	"github.com/ottla-io/ottla/sinks/backup/work"
	"github.com/ottla-io/ottla/sources"
)

// deletedFrom fills in what --deleted-topic means: the backup of final points,
// in the store that the configuration keeps them in, and all groups of the topic.
func (a *app) deletedFrom(o *restoreFlags) error {
	if o.deleted == "" {
		return nil
	}
	if o.backup != "" || len(o.topics) > 0 || !o.at.IsZero() {
		return &usageError{errors.New("--deleted-topic says itself what is restored"), "leave --backup, --topics and --at out"}
	}
	o.backup, o.topics = work.FinalNamespace+"/"+work.FinalName, []string{o.deleted}
	if len(o.groups) == 0 {
		o.groups = []string{"*"}
	}
	if o.store != "" {
		return nil
	}
	config, err := a.loadConfig()
	if err != nil {
		return &sources.HintError{Err: err, Hint: "name the store: --store URL"}
	}
	if f := config.Backups.FinalBackup; f != nil {
		o.store = f.Store
	}
	return nil
}

// finalPoint is the newest good final point that holds the topic.
func finalPoint(ctx context.Context, r *repository.Repository, topic string) (int64, error) {
	all, _, err := r.Survey(ctx)
	if err != nil {
		return 0, err
	}
	var names []string
	var blind []int64
	for _, e := range slices.Backward(all) {
		if e.Unreadable && e.Removed == "" {
			blind = append(blind, e.Manifest.Number)
		}
		if e.Manifest.Kind != format.Final || e.Removed != "" || e.Bad != "" {
			continue
		}
		for _, t := range e.Manifest.Topics {
			if t.Name == topic {
				return e.Manifest.Number, passedOver(blind, e.Manifest.Number)
			}
			names = append(names, t.Name)
		}
	}
	slices.Sort(names)
	return 0, &sources.HintError{
		Err:  fmt.Errorf("topic %s: no good final backup of it: %w", topic, repository.ErrNoPoint),
		Hint: deletedHint(slices.Compact(names)),
	}
}

func deletedHint(names []string) string {
	if len(names) == 0 {
		return "none was made here; a scheduled backup may hold it: ottla backup list"
	}
	return fmt.Sprintf("there are final backups of %v; a scheduled backup may hold it, too: ottla backup list", names)
}
