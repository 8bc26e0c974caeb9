//go:build !linux

package loop

func newAlarm() alarm { return newClockAlarm() }
