package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"time"

	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/wire"
)

// commandGrace is how long a command that was killed may hold its output open.
const commandGrace = 2 * time.Second

// maxOutput bounds what is kept of a command's output: the last of it.
const maxOutput = 1 << 10

// restarts is the Restart of a target: a fault's command, or that of the embedded emulators
// at these connection strings.
func restarts(emulators []string) func(ctx context.Context, f *scenario.Fault) (string, error) {
	return func(ctx context.Context, f *scenario.Fault) (string, error) {
		if len(f.Command) > 0 {
			return runCommand(ctx, f.Command)
		}
		for _, address := range emulators {
			if err := restartEmulator(ctx, address, f.KeepsSessions); err != nil {
				return "", err
			}
		}
		if f.KeepsSessions {
			return "everybody was closed with 1001, sessions were kept", nil
		}
		return "everybody was closed with 1001, sessions were forgotten", nil
	}
}

// runCommand runs a program without a shell; it is killed with ctx.
func runCommand(ctx context.Context, command []string) (string, error) {
	var output tail
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &output, &output, commandGrace
	name := strings.Join(command, " ")
	err := cmd.Run()
	switch {
	case err == nil:
		return name + ": exit status 0", nil
	case ctx.Err() != nil:
		err = errors.New("it was ended with the time it may last")
	}
	if text := visible(strings.TrimSpace(output.String())); text != "" {
		err = fmt.Errorf("%w: %s", err, text)
	}
	return "", fmt.Errorf("%s: %w", name, err)
}

// tail keeps the last of what is written to it.
type tail struct{ bytes.Buffer }

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	n, _ := t.Buffer.Write(b) // a Buffer takes everything
	t.Next(max(0, t.Len()-maxOutput))
	return n, nil
}

func restartEmulator(ctx context.Context, connectionString string, keep bool) error {
	cs, err := wire.ParseConnectionString(connectionString)
	if err != nil {
		return err
	}
	url := *cs.Endpoint.JoinPath("wpsbench", "restart")
	url.RawQuery = fmt.Sprintf("keep=%t", keep)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url.String(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("restart the embedded emulator: %s", resp.Status)
	}
	return nil
}
