package main

import (
	"testing"
	"unicode/utf8"
)

func TestBodyOf(t *testing.T) {
	for _, row := range []struct {
		name, content, dataType string
		size                    int
		want                    string
	}{
		{"repeated", "abc", "text", 48 + 7, "abcabca"},
		{"cut", "abcdef", "json", 48 + 4, "abcd"},
		{"binary header is shorter", "\xff\x00", "binary", 36 + 3, "\xff\x00\xff"},
		{"no half characters", "aé€", "text", 48 + 5, "aé  "},
		{"header only", "abc", "text", 48, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := string(bodyOf([]byte(row.content), row.dataType, row.size))
			if got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
			if row.dataType == "text" && !utf8.ValidString(got) {
				t.Errorf("%q is not UTF-8", got)
			}
		})
	}
}

func TestFits(t *testing.T) {
	for _, row := range []struct {
		name, content, dataType string
		ok                      bool
	}{
		{"text", "any UTF-8: é\n\"", "text", true},
		{"text, other bytes", "\xff", "text", false},
		{"json", "plain letters", "json", true},
		{"json, quote", `a"b`, "json", false},
		{"json, beyond ASCII", "é", "json", false},
		{"binary", "\xff", "binary", true},
		{"empty", "", "binary", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			if err := fits([]byte(row.content), row.dataType); (err == nil) != row.ok {
				t.Errorf("got %v, want ok %t", err, row.ok)
			}
		})
	}
}
