package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ottla-io/ottla/reconcile/strict"
	"github.com/ottla-io/ottla/sources"
)

// usageError is a command line that cannot be meant.
type usageError struct {
	err  error
	hint string
}

func (e *usageError) Error() string { return e.err.Error() }

func (e *usageError) Unwrap() error { return &sources.HintError{Err: e.err, Hint: e.hint} }

// flagError names the flag that was probably meant.
func flagError(cmd *cobra.Command, err error) error {
	hint := fmt.Sprintf("%s --help lists the flags", cmd.CommandPath())
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := strict.Nearest(unknown.GetSpecifiedName(), names); near != "" {
			hint = fmt.Sprintf("did you mean --%s?", near)
		}
	}
	return &usageError{err, hint}
}

// arguments refuses what a command does not take, in words.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		hint := "usage: " + cmd.UseLine()
		switch {
		case len(args) < least:
			return &usageError{fmt.Errorf("%s needs %s", cmd.CommandPath(), what), hint}
		case most >= 0 && len(args) > most && most == 0:
			return &usageError{fmt.Errorf("%s takes no argument, not %q", cmd.CommandPath(), args[0]), hint}
		case most >= 0 && len(args) > most:
			return &usageError{fmt.Errorf("%s takes one %s, not %s", cmd.CommandPath(), what, strings.Join(args, " ")), hint}
		}
		return nil
	}
}

// unknownCommand names the command that was probably meant.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	hint := cmd.CommandPath() + " --help lists the commands"
	if near := strict.Nearest(args[0], names); near != "" {
		hint = "did you mean " + cmd.CommandPath() + " " + near + "?"
	}
	return &usageError{fmt.Errorf("unknown command %q", args[0]), hint}
}
