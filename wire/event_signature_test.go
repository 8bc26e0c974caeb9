package wire

import "testing"

// The vector of protocol.md 8.2.
func TestEventSignature(t *testing.T) {
	const connectionID = "c0ffee00c0ffee00c0ffee00c0ffee00"
	const want = "sha256=f51321a4b98f9cae215cad53bf8737ae7217ef9daed3bb52276332c9dbace19d"
	if got := EventSignature(connectionID, EmulatorKey); got != want {
		t.Errorf("one key: %s, want %s", got, want)
	}
	if got := EventSignature(connectionID, EmulatorKey, EmulatorKey); got != want+","+want {
		t.Errorf("two keys: %s", got)
	}
	if got := EventSignature(connectionID, "another key"); got == want {
		t.Error("another key gives the same signature")
	}
}
