package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/sources"
)

// savedVersion is the version of the format of saved plans.
const savedVersion = 1

// savedPlan is a plan in a file: what a later apply must find unchanged.
type savedPlan struct {
	Version int             `json:"version"`
	Digests agent.Agreement `json:"digests"` // by cluster/sync
	Plan    []agent.View    `json:"plan"`    // for people
}

func savePlan(file string, views []agent.View) error {
	for _, v := range views {
		if len(v.Problems) > 0 {
			return errors.New("the plan is not saved: " + v.Problems[0].Text)
		}
	}
	data, err := json.MarshalIndent(savedPlan{savedVersion, digestsOf(views), views}, "", "  ")
	if err != nil {
		return fmt.Errorf("save the plan: %w", err)
	}
	if err := os.WriteFile(file, append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("save the plan: %w", err)
	}
	return nil
}

func loadPlan(file string) (savedPlan, error) {
	var p savedPlan
	data, err := os.ReadFile(file) //nolint:gosec // the user names the file
	if err != nil {
		return p, fmt.Errorf("read the saved plan: %w", err)
	}
	if err := json.Unmarshal(data, &p); err != nil || p.Version == 0 {
		return p, &sources.HintError{Err: fmt.Errorf("%s is not a saved plan", file), Hint: "make one with: ottla plan --out FILE"}
	}
	if p.Version > savedVersion {
		return p, fmt.Errorf("%s was saved by a newer version of ottla (format %d, this one reads %d)", file, p.Version, savedVersion)
	}
	return p, nil
}

func digestsOf(views []agent.View) agent.Agreement {
	out := agent.Agreement{}
	for _, v := range views {
		for _, s := range v.Syncs {
			out[v.Cluster+"/"+s.Sync] = s.Plan.Digest()
		}
	}
	return out
}

// differs names a sync whose plan is no longer the saved one, "" if there is none.
func (p savedPlan) differs(views []agent.View) string {
	now := digestsOf(views)
	for name, digest := range p.Digests {
		if now[name] != digest {
			return name
		}
	}
	for name := range now {
		if _, known := p.Digests[name]; !known {
			return name
		}
	}
	return ""
}

// unchanged is an error where a fresh plan is not the saved one.
func (p savedPlan) unchanged(views []agent.View, file string) error {
	name := p.differs(views)
	if name == "" {
		return nil
	}
	return &exitError{exitPartial, &sources.HintError{
		Err:  fmt.Errorf("nothing was done: the plan of %s is no longer the one in %s", name, file),
		Hint: "look at it again: ottla plan --out " + file,
	}}
}
