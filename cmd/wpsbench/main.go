// Wpsbench measures Azure Web PubSub, and every server that speaks its
// subprotocols: it drives thousands of sessions through a scenario, checks every
// delivery, and says what it measured.
package main

import (
	"context"
	"io"
	"os"
)

func main() {
	os.Exit(run(context.Background(), os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// run executes one command line and returns its exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr}
	c := a.cli()
	c.Setup() // names the commands' flags
	return a.status(c.RunContext(ctx, flagsFirst(c, args)))
}
