package runner

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	flag.Parse()
	// Tests in parallel wait for a silence to end; they hardly compute.
	_ = flag.Set("test.parallel", "32")
	goleak.VerifyTestMain(m)
}
