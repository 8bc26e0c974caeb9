// Wpsbench measures Azure Web PubSub, and every server that speaks its
// subprotocols: it drives thousands of sessions through a scenario, checks every
// delivery, and says what it measured.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"
)

func main() {
	os.Exit(run(context.Background(), os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// run executes one command line and returns its exit status. A panic ends it like an
// error, so that what was started is ended and what is said holds no secret; one on
// another goroutine is the runtime's to print, which knows no values but the panic's.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (status int) {
	a := &app{stdin: stdin, stdout: &output{Writer: stdout}, stderr: stderr}
	defer func() {
		if cause := recover(); cause != nil {
			status = a.status(fmt.Errorf("panic: %v\n%s", cause, debug.Stack()))
		}
	}()
	c := a.cli()
	c.Setup() // names the commands' flags
	return a.status(c.RunContext(ctx, flagsFirst(c, args)))
}
