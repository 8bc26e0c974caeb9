package main

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page
	"encoding/base64"
	"net/http"

	"github.com/wpsbench/wpsbench/wire"
)

//go:embed stream.html
var streamPage []byte

// streamPolicy lets the page run its own script and style and speak to the server it
// came from, and nothing else.
var streamPolicy = "default-src 'none'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" +
	"; script-src " + inlineHash(streamPage, "script") + "; style-src " + inlineHash(streamPage, "style")

// inlineHash is the source expression of the page's only element of that name.
func inlineHash(page []byte, element string) string {
	_, rest, _ := bytes.Cut(page, []byte("<"+element+">"))
	text, _, _ := bytes.Cut(rest, []byte("</"+element+">"))
	sum := sha256.Sum256(text)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// negotiateSite is what `serve --negotiate` adds to the emulator: a negotiate server
// and a page that shows the messages of a group as they come.
func negotiateSite(key, hub string, roles []string) http.Handler {
	site := http.NewServeMux()
	site.Handle("/negotiate", &wire.Negotiator{Service: wire.ConnectionString{AccessKey: key}, Hub: hub, Roles: roles})
	site.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", streamPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		_, _ = w.Write(streamPage) // the browser may have gone
	})
	return site
}
