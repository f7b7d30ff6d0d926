package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/agent"
)

// generated are the pages of docs/ that are made from the program.
func (a *app) generated() map[string]string {
	return map[string]string{
		"resources.md":     resourcesPage(documentKinds()),
		"configuration.md": agent.ConfigReference(),
		"cli.md":           a.cliPage(),
	}
}

func (a *app) docsCommand() *cobra.Command {
	var verify bool
	cmd := &cobra.Command{
		Use:    "docs [DIR]",
		Short:  "Write the generated pages of the documentation",
		Hidden: true,
		Args:   arguments(0, 1, "the directory of the documentation"),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := "docs"
			if len(args) == 1 {
				dir = args[0]
			}
			var errs []error
			for name, text := range a.generated() {
				errs = append(errs, page(filepath.Join(dir, name), text, verify))
			}
			return errors.Join(errs...)
		},
	}
	cmd.Flags().BoolVar(&verify, "verify", false, "fail if a page is not as it would be written")
	return cmd
}

func page(file, text string, verify bool) error {
	if !verify {
		return os.WriteFile(file, []byte(text), 0o644) //nolint:gosec // documentation is no secret
	}
	was, err := os.ReadFile(file) //nolint:gosec // the caller names the directory
	if err != nil {
		return fmt.Errorf("read a generated page: %w", err)
	}
	if string(was) != text {
		return fmt.Errorf("%s is not as it would be generated: run make docs", file)
	}
	return nil
}
