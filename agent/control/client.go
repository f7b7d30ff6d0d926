package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/sinks"
	"github.com/ottla-io/ottla/sources"
)

// Client asks the daemon behind a socket. It is an agent.Control.
type Client struct{ http *http.Client }

// ErrNoDaemon says that no daemon listens on the socket.
var ErrNoDaemon = errors.New("no daemon listens on the socket")

// Dial finds the daemon behind the socket. Where none runs the error is
// ErrNoDaemon; a socket that is there and may not be opened is another one.
func Dial(ctx context.Context, path string) (*Client, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", path)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, ErrNoDaemon
	}
	if err != nil {
		return nil, fmt.Errorf("reach the daemon: %w", err)
	}
	_ = conn.Close()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, "unix", path)
	}}
	return &Client{&http.Client{Transport: transport}}, nil
}

// Plan asks what a round would do.
func (c *Client) Plan(ctx context.Context) (views []agent.View, err error) {
	err = c.ask(ctx, http.MethodGet, pathPlan, nil, &views)
	return views, err
}

// Sync asks for a round now.
func (c *Client) Sync(ctx context.Context) ([]agent.View, error) { return c.Apply(ctx, nil) }

// Apply asks for a round that carries out only what was agreed to.
func (c *Client) Apply(ctx context.Context, agreed agent.Agreement) (views []agent.View, err error) {
	err = c.ask(ctx, http.MethodPost, pathSync, syncRequest{agreed}, &views)
	return views, err
}

// Resources asks for all that is declared, owned or live.
func (c *Client) Resources(ctx context.Context) (views []agent.ResourceView, err error) {
	err = c.ask(ctx, http.MethodGet, pathResources, nil, &views)
	return views, err
}

// Confirm gives a person's word on held changes.
func (c *Client) Confirm(ctx context.Context, digests []reconcile.Digest) (holds []reconcile.Hold, err error) {
	err = c.ask(ctx, http.MethodPost, pathConfirm, confirmRequest{digests}, &holds)
	return holds, err
}

// Release gives a thing up.
func (c *Client) Release(ctx context.Context, id reconcile.ID) (string, error) {
	var out releaseAnswer
	err := c.ask(ctx, http.MethodPost, pathRelease, releaseRequest{id}, &out)
	return out.Sync, err
}

// Agents asks who keeps the clusters.
func (c *Client) Agents(ctx context.Context) (all []agent.AgentView, err error) {
	err = c.ask(ctx, http.MethodGet, pathAgents, nil, &all)
	return all, err
}

// Jobs asks for what goes on beside the rounds.
func (c *Client) Jobs(ctx context.Context) (jobs []sinks.Job, err error) {
	err = c.ask(ctx, http.MethodGet, pathJobs, nil, &jobs)
	return jobs, err
}

// SteerJob pauses, resumes or cancels a job.
func (c *Client) SteerJob(ctx context.Context, id string, do sinks.JobAction) (job sinks.Job, err error) {
	err = c.ask(ctx, http.MethodPost, pathSteer, steerRequest{id, do}, &job)
	return job, err
}

// BackupNow has a declared backup run at once.
func (c *Client) BackupNow(ctx context.Context, name string) (job sinks.Job, err error) {
	err = c.ask(ctx, http.MethodPost, pathBackup, backupRequest{name}, &job)
	return job, err
}

func (c *Client) ask(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("write the request: %w", err)
		}
		body = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://ottla"+path, body)
	if err != nil {
		return fmt.Errorf("write the request: %w", err)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return gone(ctx, fmt.Errorf("ask the daemon: %w", err))
	}
	defer func() { _ = response.Body.Close() }()
	return read(ctx, response, out)
}

// gone says what to do about a daemon that ended before it had answered.
func gone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	return &sources.HintError{
		Err:  err,
		Hint: "the daemon ended before it had answered; what it began is in its ledger: look at it with ottla plan when it is back",
	}
}

func read(ctx context.Context, response *http.Response, out any) error {
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return gone(ctx, fmt.Errorf("read the daemon's answer: %w", err))
	}
	if response.StatusCode == http.StatusOK {
		if err := json.Unmarshal(data, out); err != nil {
			return fmt.Errorf("read the daemon's answer: %w", err)
		}
		return nil
	}
	var problem agent.Problem
	if err := json.Unmarshal(data, &problem); err != nil || problem.Text == "" {
		return fmt.Errorf("the daemon answered %s", response.Status)
	}
	err = errors.New(problem.Text)
	if response.StatusCode == http.StatusLocked {
		err = &agent.NotLeaderError{Err: err}
	}
	return &sources.HintError{Err: err, Hint: problem.Hint}
}
