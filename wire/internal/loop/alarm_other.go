//go:build !linux

package loop

func newAlarm() watchedAlarm { return newClockAlarm() }
