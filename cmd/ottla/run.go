package main

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func (a *app) runCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Run the agent: keep clusters as Git declares them",
		Long: "Run the agent until SIGTERM. A round in flight stops between two requests, with its ledger written.\n\n" +
			"SIGHUP reads the configuration anew: the new one is built completely, and takes over only if it starts;\n" +
			"otherwise the old one goes on and the log says why. Logs go to standard error.",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := a.loadConfig()
			if err != nil {
				return err
			}
			if a.verbose {
				config.Log.Level = "debug"
			}
			reload := make(chan os.Signal, 1)
			signal.Notify(reload, syscall.SIGHUP)
			defer signal.Stop(reload)
			return newDaemon(a, config).run(cmd.Context(), reload)
		},
	}
}
