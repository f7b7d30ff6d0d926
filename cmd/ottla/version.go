package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// buildInfo is what this binary is.
type buildInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Time     string `json:"time,omitempty"`
	Dirty    bool   `json:"dirty,omitempty"` // built from files that were not committed
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say which version this is",
		Args:  arguments(0, 0, ""),
		RunE: func(*cobra.Command, []string) error {
			b := readBuild()
			if done, err := a.printer(a.out).Value(b); done {
				return err
			}
			revision := ""
			if b.Revision != "" {
				revision = " (" + b.Revision[:min(12, len(b.Revision))] + ")"
			}
			a.say("ottla %s%s %s %s", b.Version, revision, b.Go, b.Platform)
			return nil
		},
	}
}

// readBuild reads what the Go tool wrote into the binary.
func readBuild() buildInfo {
	b := buildInfo{Version: "devel", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Dirty = s.Value == "true"
		}
	}
	return b
}
