//go:build unix

package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

var bothRoles = []string{"webpubsub.sendToGroup", "webpubsub.joinLeaveGroup"}

func TestNegotiateSite(t *testing.T) {
	server := startServer(t, emulator.Options{Web: negotiateSite(wire.EmulatorKey, "chat", bothRoles)})
	for _, row := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/", 200},
		{"GET", "/negotiate?id=alice", 200},
		{"GET", "/negotiate", 400},
		{"POST", "/negotiate?id=alice", 405},
		{"GET", "/other", 404},
		{"HEAD", "/api/health", 200}, // the service's own paths stay its own
	} {
		req, err := http.NewRequestWithContext(t.Context(), row.method, server.URL()+row.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != row.want {
			t.Errorf("%s %s: %d, want %d", row.method, row.path, resp.StatusCode, row.want)
		}
	}
	clientURL, err := wire.Negotiate(t.Context(), nil, server.URL()+"/negotiate?id=alice")
	if err != nil {
		t.Fatal(err)
	}
	conn, _, _, err := (&wire.Dialer{}).Dial(t.Context(), clientURL, wire.JSONReliable)
	if err != nil {
		t.Fatalf("the negotiated URL: %v", err)
	}
	_ = conn.Close()
}

// The page is one file that asks nobody else for anything.
func TestStreamPageIsSelfContained(t *testing.T) {
	page := string(streamPage)
	for _, pattern := range []string{`https?://`, `\bsrc=`, `\son[a-z]+=`, `\sstyle=`, `@import`, `innerHTML`, `eval\(`} {
		if found := regexp.MustCompile(pattern).FindString(page); found != "" {
			t.Errorf("the page holds %q", found)
		}
	}
	for _, element := range []string{"script", "style"} {
		if n := strings.Count(page, "<"+element); n != 1 {
			t.Errorf("%d %s elements, want the 1 that the policy names", n, element)
		}
	}
}

// What is published shows up in the page, over a drop without a loss, and after a new
// connection with a word about it.
func TestStreamPageInBrowser(t *testing.T) {
	server := startServer(t, emulator.Options{Web: negotiateSite(wire.EmulatorKey, defaultHub, bothRoles)})
	l := newLink(t, server.Addr())
	page := openPage(t, "http://"+l.ln.Addr().String()+"/?id=alice")
	page.until(t, `document.getElementById("state").textContent === "connected"`)

	publish := func(text string, args ...string) {
		t.Helper()
		pub := exec.Command("wpsbench", append([]string{"pub", "stream", "--target", server.ConnectionString()}, args...)...)
		pub.Stdin = strings.NewReader(text)
		if out, err := pub.CombinedOutput(); err != nil {
			t.Fatalf("pub: %v\n%s", err, out)
		}
	}
	const shown = `[...document.querySelectorAll("#log li")].map(li => li.className + li.textContent).join("|")`
	publish("one\n<img src=x onerror=alert(1)>\n\n")
	page.until(t, shown+` === "one|<img src=x onerror=alert(1)>|"`)
	l.cut()
	publish("two\nthree\n")
	page.until(t, shown+` === "one|<img src=x onerror=alert(1)>||two|three"`)
	page.until(t, `document.getElementById("state").textContent === "connected, recovered"`)
	page.until(t, `document.getElementById("count").textContent === "5 lines"`)
	if got := server.Stats().RecoveriesAccepted; got != 1 {
		t.Errorf("%d recoveries, want 1", got)
	}
	closeAll(t, server)
	page.until(t, `document.querySelectorAll("#log li.note").length === 1`)
	publish("four")
	page.until(t, shown+`.endsWith("notea new connection: lines may be missing here|four")`)
	publish(strings.Repeat("a burst\n", 2500), "--rate", "2500") // more than acks by time could carry
	page.until(t, `document.getElementById("count").textContent === "2,506 lines"`)
	if broken := page.seen("Content Security Policy"); broken != "" {
		t.Error(broken)
	}
	if file := os.Getenv("WPSBENCH_SCREENSHOT"); file != "" {
		page.screenshot(t, file)
	}
}

// tab is a page of a headless Chromium, driven by its DevTools protocol.
type tab struct {
	conn io.ReadWriter
	next int
	log  []string // events of the page, as they came
}

// openPage starts Chromium; the test is skipped where there is none, unless
// WPSBENCH_BROWSER says that there must be.
func openPage(t *testing.T, address string) *tab {
	t.Helper()
	var program string
	for _, name := range []string{os.Getenv("WPSBENCH_BROWSER"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil && program == "" {
			program = path
		}
	}
	if program == "" {
		if os.Getenv("WPSBENCH_BROWSER") != "" {
			t.Fatal("there is no browser")
		}
		t.Skip("needs Chromium")
	}
	profile, err := os.MkdirTemp("", "wpsbench-browser")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	cmd := exec.CommandContext(ctx, program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--no-proxy-server", "--window-size=1000,620", "--remote-debugging-port=0", "--user-data-dir="+profile)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
		_ = os.RemoveAll(profile)
	})
	lines := bufio.NewReader(stderr)
	devtools := until(t, lines, `DevTools listening on ws://([^/]+)/`)
	go func() { _, _ = io.Copy(io.Discard, lines) }()

	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+devtools+"/json/new?about:blank", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var target struct {
		URL string `json:"webSocketDebuggerUrl"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&target); err != nil {
		t.Fatal(err)
	}
	conn, _, _, err := ws.Dial(t.Context(), target.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	p := &tab{conn: conn}
	p.call(t, "Log.enable", nil)
	p.call(t, "Page.enable", nil)
	p.call(t, "Page.navigate", map[string]any{"url": address})
	for p.seen("Page.loadEventFired") == "" {
		p.read(t)
	}
	return p
}

// answer is what comes back from the browser; without an id it is an event.
type answer struct {
	ID     int             `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  json.RawMessage `json:"error"`
}

// read takes one message of the browser.
func (p *tab) read(t *testing.T) (a answer) {
	t.Helper()
	in, err := wsutil.ReadServerText(p.conn)
	if err == nil {
		err = json.Unmarshal(in, &a)
	}
	if err != nil {
		t.Fatal(err)
	}
	if a.ID == 0 {
		p.log = append(p.log, string(in))
	}
	return a
}

// call does one DevTools command and returns its result.
func (p *tab) call(t *testing.T, method string, params map[string]any) json.RawMessage {
	t.Helper()
	p.next++
	out, err := json.Marshal(map[string]any{"id": p.next, "method": method, "params": params})
	if err != nil {
		t.Fatal(err)
	}
	if err := wsutil.WriteClientText(p.conn, out); err != nil {
		t.Fatal(err)
	}
	a := p.read(t)
	for a.ID != p.next {
		a = p.read(t)
	}
	if a.Error != nil {
		t.Fatalf("%s: %s", method, a.Error)
	}
	return a.Result
}

// until waits in the page until an expression is true there.
func (p *tab) until(t *testing.T, expression string) {
	t.Helper()
	const wait = `new Promise(done => {
		const end = Date.now() + 20000;
		const look = () => {
			let ok = false;
			try { ok = CONDITION; } catch {}
			if (ok || Date.now() > end) done(ok ? "" : document.body.innerText);
			else setTimeout(look, 20);
		};
		look();
	})`
	result := p.call(t, "Runtime.evaluate", map[string]any{
		"expression": strings.Replace(wait, "CONDITION", expression, 1), "awaitPromise": true,
	})
	var came struct {
		Result struct{ Value *string }
	}
	if err := json.Unmarshal(result, &came); err != nil || came.Result.Value == nil {
		t.Fatalf("%s: %s", expression, result)
	}
	if text := *came.Result.Value; text != "" {
		t.Fatalf("never true: %s\n%s\n%s", expression, text, strings.Join(p.log, "\n"))
	}
}

// seen returns the first event of the page that holds a text.
func (p *tab) seen(text string) string {
	for _, event := range p.log {
		if strings.Contains(event, text) {
			return event
		}
	}
	return ""
}

func (p *tab) screenshot(t *testing.T, file string) {
	t.Helper()
	var shot struct{ Data string }
	if err := json.Unmarshal(p.call(t, "Page.captureScreenshot", nil), &shot); err != nil {
		t.Fatal(err)
	}
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	if err == nil {
		err = os.WriteFile(file, png, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
