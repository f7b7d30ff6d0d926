package main

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/cmd/ottla/scaffold"
)

func (a *app) initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init DIR",
		Short: "Write a new repository, and a configuration to begin with",
		Long: "Write a new repository: base, overlays for dev, staging and production, encrypted secrets, jobs that validate\n" +
			"pull requests for GitHub, GitLab and Gitea, and a commented configuration of the agent. Nothing is overwritten.",
		Args: arguments(1, 1, "a new directory"),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := args[0]
			written, err := scaffold.Write(dir)
			if err != nil {
				return err
			}
			value := struct {
				Dir   string   `json:"dir"`
				Files []string `json:"files"`
			}{dir, written}
			if done, err := a.printer(a.out).Value(value); done {
				return err
			}
			out := a.printer(a.out)
			for _, file := range written {
				a.say("  + %s", filepath.Join(dir, file))
			}
			config := filepath.Join(dir, scaffold.ConfigFile)
			out.Title("Next")
			out.Try("check it", "ottla validate "+dir)
			out.Try("name your cluster", "edit "+config+": clusters[].bootstrapServers")
			out.Try("try it all", "ottla --config "+config+" check")
			out.Try("see the plan", "ottla --config "+config+" plan")
			out.Try("keep the key", filepath.Join(dir, scaffold.KeyFile)+" opens the secrets; Git does not have it")
			return nil
		},
	}
}
