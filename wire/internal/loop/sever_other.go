//go:build !linux

package loop

// Severs says whether Conn.Sever can work on this system.
const Severs = false

func dropInput(int) error { return ErrNoSever }
