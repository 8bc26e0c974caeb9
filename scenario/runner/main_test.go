package runner

import (
	"flag"
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(childRole); role != "" {
		child(role)
		return
	}
	flag.Parse()
	// Tests in parallel wait for a silence to end; they hardly compute.
	_ = flag.Set("test.parallel", "16")
	goleak.VerifyTestMain(m)
}
