package main

import "github.com/spf13/cobra"

func (a *app) backupCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup",
		Short: "Make backups of topics, look at them, and keep them in order",
		Long: "Make backups of topics, look at them, and keep them in order. All it takes is the URL of a store; no agent\n" +
			"need run. What has no --store takes the only store of the configuration.\n\n" +
			"A store's credentials: a configured store has its own; for a URL the environment and the host's identity are\n" +
			"used, as the store's own tools do (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, GOOGLE_APPLICATION_CREDENTIALS,\n" +
			"AZURE_STORAGE_ACCOUNT with AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN).",
		Args: cobra.ArbitraryArgs,
		RunE: unknownCommand,
	}
	cmd.AddCommand(a.backupNowCommand(), a.backupListCommand(), a.backupShowCommand(), a.backupVerifyCommand(),
		a.backupEvidenceCommand(), a.backupExtractCommand(), a.backupRetainCommand(), a.backupRepairCommand())
	return cmd
}
