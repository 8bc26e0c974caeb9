package runner

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/wire/emulator"
)

// childRole is the environment variable that makes the test binary another program.
const childRole = "WPSBENCH_TEST_CHILD"

// child is that program: `hog` computes, `emulator DELAY` serves. Either ends with its
// standard input.
func child(role string) {
	if role == "hog" {
		go func() {
			for n := 0; ; n++ {
				continue
			}
		}()
		_, _ = io.Copy(io.Discard, os.Stdin)
		return
	}
	delay, err := time.ParseDuration(strings.TrimPrefix(role, "emulator "))
	if err == nil {
		var server *emulator.Server
		if server, err = emulator.Start(emulator.Options{Delay: delay}); err == nil {
			fmt.Println(server.ConnectionString())
			_, _ = io.Copy(io.Discard, os.Stdin)
			err = server.Close()
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// startChild runs the test binary in a role until the test ends, on processors that it
// shares with us.
func startChild(t *testing.T, role string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childRole+"="+role)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	return cmd, bufio.NewReader(out)
}

// emulatorChild serves from a process of its own, as in a run of the command.
func emulatorChild(t *testing.T, delay time.Duration) (cmd *exec.Cmd, connectionString string) {
	t.Helper()
	cmd, out := startChild(t, "emulator "+delay.String())
	line, err := out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return cmd, strings.TrimSpace(line)
}
