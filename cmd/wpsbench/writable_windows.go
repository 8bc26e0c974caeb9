package main

// mayWrite does not know: what may be written depends on more than a folder says.
func mayWrite(string) error { return nil }
