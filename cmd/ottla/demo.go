package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/cmd/ottla/demo"
	"github.com/ottla-io/ottla/cmd/ottla/show"
)

func (a *app) demoCommand() *cobra.Command {
	o := demo.Options{Dir: "ottla-demo"}
	var end bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See it at work: a Kafka, a repository and an agent in one folder",
		Long: "Start a Kafka in this process, make a Git repository with the example platform, run the agent on it,\n" +
			"change something by hand and see it healed. Nothing is left behind but the folder.",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.demo(cmd.Context(), o, end) },
	}
	cmd.Flags().StringVar(&o.Dir, "dir", o.Dir, "the folder; one of an earlier demo is gone on with")
	cmd.Flags().BoolVar(&end, "exit-after-heal", false, "end when the drift is healed")
	return cmd
}

func (a *app) demo(ctx context.Context, o demo.Options, end bool) error {
	var err error
	if o.HTTP, err = freeAddress(); err != nil {
		return err
	}
	stage, err := demo.Open(ctx, o)
	if err != nil {
		return err
	}
	defer func() { _ = stage.Close() }()
	a.config = stage.Config
	config, err := a.loadConfig()
	if err != nil {
		return err
	}
	k := newDaemon(a, config)
	if !a.verbose {
		k.log = zap.NewNop() // the play says what happens
	}
	play := &demoPlay{app: a, stage: stage, out: a.printer(a.out), reports: make(chan agent.Report, 64)}
	k.told = play.told
	playing, stop := context.WithCancel(ctx)
	running := make(chan error, 1)
	go func() { running <- k.run(playing, nil) }()
	err = play.run(playing, running, end)
	stop()
	return ended(ctx, errors.Join(err, <-running))
}

// ended tells Ctrl-C, which is how a demo ends, from a failure.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled)) {
		return nil
	}
	return err
}

// demoPlay tells what happens, and waits for it.
type demoPlay struct {
	app     *app
	stage   *demo.Stage
	out     *show.Printer
	reports chan agent.Report
}

// told must not block: a report nobody waits for is left out.
func (d *demoPlay) told(r agent.Report) {
	select {
	case d.reports <- r:
	default:
	}
}

// patience is how long anything in the demo may take.
const patience = time.Minute

func (d *demoPlay) run(ctx context.Context, running chan error, end bool) error {
	d.opening()
	began := time.Now()
	r, err := d.await(ctx, running, func(r agent.Report) bool { return r.Syncs[0].State() == agent.InSync })
	if err != nil {
		return err
	}
	d.out.Brief(r.View(), time.Since(began))
	if err := d.byHand(ctx, running); err != nil {
		return err
	}
	if end {
		return nil
	}
	d.yourTurn()
	return d.follow(ctx, running)
}

func (d *demoPlay) opening() {
	dir := demo.Relative(d.stage.Dir)
	d.out.Title("Ottla demo")
	d.out.Step("a Kafka in this process", fmt.Sprintf("%s, its data in %s/kafka", d.stage.Broker, dir))
	d.out.Step("a Git repository", fmt.Sprintf("%s/platform, %d files on branch main", dir, d.stage.Files))
	d.out.Step("an agent", fmt.Sprintf("%s/ottla.yaml keeps overlays/dev on that Kafka", dir))
	d.out.Title("Git declares a shop's topics, users, access and quotas. The agent makes Kafka agree")
}

// byHand changes things behind Git's back, and waits until they are healed.
func (d *demoPlay) byHand(ctx context.Context, running chan error) error {
	d.out.Title("Now somebody changes Kafka by hand")
	for _, deed := range demo.Deeds() {
		if err := d.stage.Do(ctx, deed); err != nil {
			return err
		}
		d.out.Deed(deed.Command, deed.Effect)
	}
	d.out.Title("The agent looks again, and puts back what Git says")
	began := time.Now()
	left := map[string]bool{}
	for _, deed := range demo.Deeds() {
		left[deed.ID.String()] = true
	}
	for len(left) > 0 {
		r, err := d.await(ctx, running, func(r agent.Report) bool { return len(r.Syncs[0].Outcomes) > 0 && !r.Failed() })
		if err != nil {
			return err
		}
		for _, o := range r.Syncs[0].Outcomes {
			delete(left, o.ID.String())
		}
		d.out.Changes(r.View())
	}
	d.out.Step("healed", fmt.Sprintf("%.1f s after the change; nobody was paged", time.Since(began).Seconds()))
	return nil
}

func (d *demoPlay) yourTurn() {
	dir, ottla := demo.Relative(d.stage.Dir), ottlaCommand()
	d.out.Title("Your turn. The agent goes on until Ctrl-C, and says here what it does")
	d.out.Try("edit and commit", "cd "+dir+"/platform", "edit base/topics.yaml: orders, partitions: 3 → 6", "git commit -am 'More room for orders'")
	d.out.Try("make a mistake", "write partitons: in base/topics.yaml and commit: the revision is rejected, the last good one kept")
	d.out.Try("status", "http://"+d.stage.HTTP()+"/api/v1/status", "http://"+d.stage.HTTP()+"/metrics")
	d.out.Try("look around", "export OTTLA_CONFIG="+dir+"/ottla.yaml", ottla+" plan", ottla+" get", ottla+" get Topic/orders")
	d.out.Try("backups", ottla+" backup list --store "+demo.Relative(d.stage.Backups()))
	d.out.Try("try to lose data", "delete orders-dead-letters from base/topics.yaml and commit: backed up, then deleted", ottla+" restore --deleted-topic orders.dead-letters --cluster demo", "or shorten retention.ms by hand, and in Git")
}

// follow says what each further round does, until the demo ends.
func (d *demoPlay) follow(ctx context.Context, running chan error) error {
	said := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-running:
			running <- err
			return err
		case r := <-d.reports:
			said = d.out.Round(r.View(), r.Began, said)
		}
	}
}

// await waits for a report of the round that is meant.
func (d *demoPlay) await(ctx context.Context, running chan error, meant func(agent.Report) bool) (agent.Report, error) {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	var last agent.Report
	for {
		select {
		case <-ctx.Done():
			return last, ctx.Err()
		case err := <-running:
			running <- nil
			return last, err
		case <-deadline.C:
			return last, fmt.Errorf("the demo did not come to its end within %s: %w", patience, problemsOf(last))
		case last = <-d.reports:
			if len(last.Syncs) > 0 && meant(last) {
				return last, nil
			}
		}
	}
}

func problemsOf(r agent.Report) error {
	errs := []error{r.Err}
	for _, s := range r.Syncs {
		errs = append(errs, s.Errors()...)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return errors.New("the agent reports no problem")
}

// freeAddress is one that nobody listens on just now.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return listener.Addr().String(), listener.Close()
}

// ottlaCommand is how this binary is called from a shell.
func ottlaCommand() string {
	self, err := os.Executable()
	if err != nil {
		return "ottla"
	}
	if found, err := exec.LookPath("ottla"); err == nil && found == self {
		return "ottla"
	}
	short := demo.Relative(self)
	if filepath.IsAbs(short) {
		return short
	}
	return "." + string(filepath.Separator) + short
}
