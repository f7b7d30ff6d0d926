package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/cmd/ottla/show"
)

const defaultConfig = "/etc/ottla/ottla.yaml"

// app is one invocation: where it writes, and what the global flags say.
type app struct {
	out, err io.Writer

	config  string
	format  string
	verbose bool
	noColor bool

	// step is called by name between any two steps of a round; only tests set it.
	step func(string)
}

// execute runs one command line and returns its exit code.
func (a *app) execute(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	code := codeOf(ctx, err)
	if said(err) || code == exitStopped {
		return code
	}
	a.printer(a.err).Error(err)
	return code
}

// said tells that there is nothing left to print.
func said(err error) bool {
	coded, ok := err.(*exitError) //nolint:errorlint // one inside another error has words around it
	return err == nil || ok && coded.err == nil
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "ottla",
		Short: "GitOps for Apache Kafka",
		Long: "Ottla keeps Kafka clusters as Git declares them: topics, users, access and quotas.\n\n" +
			"Exit codes:\n  " + strings.Join(exitCodes(), "\n  "),
		SilenceErrors: true, SilenceUsage: true,
		Args:              cobra.ArbitraryArgs,
		RunE:              unknownCommand,
		PersistentPreRunE: func(*cobra.Command, []string) error { return a.checkFlags() },
	}
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetFlagErrorFunc(flagError)
	flags := root.PersistentFlags()
	flags.StringVar(&a.config, "config", cmp.Or(os.Getenv("OTTLA_CONFIG"), defaultConfig), "the agent's configuration; $OTTLA_CONFIG names another default")
	flags.StringVarP(&a.format, "output", "o", string(show.Text), "text, json or yaml")
	flags.BoolVarP(&a.verbose, "verbose", "v", false, "say more")
	flags.BoolVar(&a.noColor, "no-color", false, "no colours, as NO_COLOR says too")
	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(show.Formats(), cobra.ShellCompDirectiveNoFileComp))
	root.AddGroup(groups()...)
	root.AddCommand(a.commands()...)
	return root
}

func (a *app) checkFlags() error {
	for _, f := range show.Formats() {
		if a.format == f {
			return nil
		}
	}
	return &usageError{fmt.Errorf("unknown output %q", a.format), "--output takes text, json or yaml"}
}

// printer prints on one of the streams, in colour where a person looks.
func (a *app) printer(w io.Writer) *show.Printer {
	return &show.Printer{Out: w, Format: show.Format(a.format), Color: a.color(w), Verbose: a.verbose}
}

func (a *app) color(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && !a.noColor && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isatty.IsTerminal(file.Fd())
}

// say prints a line for people; with -o json or yaml only values are printed.
func (a *app) say(format string, args ...any) {
	if show.Format(a.format) == show.Text {
		_, _ = fmt.Fprintf(a.out, format+"\n", args...)
	}
}
