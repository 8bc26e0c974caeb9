package runner

import (
	"os"
	"path/filepath"
	"testing"
)

// Excerpts in the form of proc(5) and of cgroup v2's cpu.stat.
func TestLinuxCounters(t *testing.T) {
	if steal, all := stealTicks("cpu  10 20 30 400 5 0 6 29 3 0\ncpu0 1 2 3\n"); steal != 29 || all != 500 {
		t.Errorf("steal %v of %v, want 29 of 500", steal, all)
	}
	if steal, all := stealTicks(""); steal >= 0 || all >= 0 {
		t.Error("steal of nothing")
	}
	if v := keyed("usage_usec 5\nnr_periods 3\nnr_throttled 2\n", "nr_throttled"); v != 2 {
		t.Errorf("nr_throttled %v, want 2", v)
	}
	if v := keyed("nr_periods 3\n", "nr_throttled"); v >= 0 {
		t.Error("a key that is not there has a value")
	}
	dir := t.TempDir()
	for id, text := range map[string]string{"7": "1000 250 3\n", "8": "0 0 0\n", "9": "garbage\n"} {
		if err := os.Mkdir(filepath.Join(dir, id), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, id, "schedstat"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	times := taskTimes(dir)
	if len(times) != 2 || times[7] != (taskTime{1000, 250}) {
		t.Errorf("got %v", times)
	}
	if taskTimes(t.TempDir()) != nil {
		t.Error("no threads, yet a wait was read")
	}
}
