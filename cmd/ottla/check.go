package main

import (
	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/cmd/ottla/show"
)

func (a *app) checkCommand() *cobra.Command {
	var o checkOptions
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Try everything the configuration names, and change nothing",
		Long: "Try everything the configuration names: files and secrets, the state directory, stores and their keys,\n" +
			"repositories, what the newest revisions declare, Kafka and the rights we have there, Slack. Nothing is changed;\n" +
			"--notify sends a test message.\n\n" +
			"Whether a store keeps what backups stand on can only be found out by writing: a small object below .ottla-probe/\n" +
			"is written, read, listed and removed. No backup is touched. A store that forbids the removal keeps those bytes.",
		Example: "  ottla check\n  ottla check --offline\n  ottla check --notify",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := a.loadConfig()
			if err != nil {
				return err
			}
			c := &checks{app: a, config: config, options: o}
			c.all(cmd.Context())
			if err := a.printer(a.out).Checklist(c.done); err != nil {
				return err
			}
			return exit(c.code())
		},
	}
	cmd.Flags().BoolVar(&o.offline, "offline", false, "only what this machine alone can tell: no Kafka, no remote repositories or stores, no Slack")
	cmd.Flags().BoolVar(&o.notify, "notify", false, "send a test message to everybody who is told")
	return cmd
}

// code is 1 where something failed, and 3 where something is lacking.
func (c *checks) code() int {
	code := exitDone
	for _, one := range c.done {
		switch one.Verdict {
		case show.Bad:
			return exitFailed
		case show.Lacking:
			code = exitPartial
		}
	}
	return code
}
