package e2e

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

const (
	// envRequired, set to 1, turns the skip of a machine without a browser into a failure.
	envRequired = "FUTAKAGI_TEST_BROWSER"
	// patience bounds the wait for a page.
	patience = 20 * time.Second

	// tick is how often a tab is asked for what it tells nobody; each time costs the browser more than it seems.
	tick = 25 * time.Millisecond
)

// chromium is the one browser process of the test run. Every test has a browser context of its own in it, as if it were another
// machine.
var chromium struct {
	mu   sync.Mutex
	ctx  context.Context
	stop context.CancelFunc
}

func startBrowser(t testing.TB) context.Context {
	t.Helper()
	chromium.mu.Lock()
	defer chromium.mu.Unlock()
	if chromium.ctx != nil {
		return chromium.ctx
	}
	path := findBrowser()
	if path == "" {
		const missing = "no Chromium found: install the package chromium-headless-shell (Debian), chromium or google-chrome-stable"
		if os.Getenv(envRequired) == "1" {
			t.Fatal(missing)
		}
		t.Skip("NOT TESTED IN A BROWSER: " + missing)
	}
	options := append(
		slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("no-proxy-server", true), chromedp.Flag("accept-lang", "ja"),
	)
	allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stopContext := chromedp.NewContext(allocator, chromedp.WithErrorf(func(string, ...any) {}))
	if err := chromedp.Do(ctx); err != nil {
		stopContext()
		stopAllocator()
		t.Fatalf("start %s: %v", path, err)
	}
	chromium.ctx, chromium.stop = ctx, func() { stopContext(); stopAllocator() }
	return ctx
}

// findBrowser prefers the Chromium without windows: what its pages do is the same, and drawing the frame around them costs a full one
// more than the pages.
func findBrowser() string {
	for _, name := range []string{"chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// tab is a tab of a browser. It fails its test at the first thing that does not work, and at whatever the browser complained
// about in its console.
type tab struct {
	t   testing.TB
	w   *world
	ctx context.Context

	// loaded gets a word when a page has loaded.
	loaded chan struct{}

	mu       sync.Mutex
	problems []string
}

// browser opens a fresh browser: no cookies, Japanese, a wide window.
func (w *world) browser(t testing.TB) *tab {
	t.Helper()
	return w.openTab(t, startBrowser(t), chromedp.WithNewBrowserContext())
}

// sibling opens another tab of the same browser.
func (b *tab) sibling() *tab {
	b.t.Helper()
	return b.w.openTab(b.t, b.ctx)
}

func (w *world) openTab(t testing.TB, parent context.Context, options ...chromedp.ContextOption) *tab {
	t.Helper()
	b := &tab{t: t, w: w, loaded: make(chan struct{}, 1)}
	var stop context.CancelFunc
	b.ctx, stop = chromedp.NewContext(parent, options...)
	if err := chromedp.Do(b.ctx); err != nil {
		stop()
		t.Fatalf("open tab: %v", err)
	}
	if err := chromedp.Listen(b.ctx, b.hear); err != nil {
		stop()
		t.Fatalf("listen to tab: %v", err)
	}
	b.resize(1280)
	t.Cleanup(func() {
		for _, p := range b.complaints() {
			t.Errorf("the browser complains: %s", p)
		}
		if t.Failed() {
			b.explain()
		}
		stop()
	})
	return b
}

// hear collects what the browser complains about: scripts that fail, policy violations, resources that are missing. That a page
// itself answers 4xx is for the tests to judge.
func (b *tab) hear(event any) {
	var said string
	switch e := event.(type) {
	case *page.EventLoadEventFired:
		select {
		case b.loaded <- struct{}{}:
		default:
		}
		return
	case *runtime.EventExceptionThrown:
		said = "exception: " + e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			said += " " + x.Description
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type != "error" && e.Type != "warning" && e.Type != "assert" {
			return
		}
		said = "console." + string(e.Type)
		for _, a := range e.Args {
			said += " " + string(a.Value) + a.Description
		}
	case *log.EventEntryAdded:
		if e.Entry.Level != log.EntryLevelError && e.Entry.Level != log.EntryLevelWarning {
			return
		}
		if e.Entry.Source == log.EntrySourceNetwork && !strings.Contains(e.Entry.URL, "/assets/") {
			return
		}
		said = fmt.Sprintf("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL)
	default:
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = append(b.problems, said)
}

// complaints returns what was heard since the last call.
func (b *tab) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	said := b.problems
	b.problems = nil
	return said
}

// explain says where a failed test stood, and leaves a picture.
func (b *tab) explain() {
	b.t.Helper()
	where, err := evaluate[string](b, `document.title + " <" + location.href + ">\n" + (document.body?.innerText ?? "").replace(/\s+/g, " ").slice(0, 600)`)
	if err != nil {
		b.t.Logf("the tab cannot say where it is: %v", err)
		return
	}
	b.t.Logf("the tab is at %s", where)
	picture, err := b.picture()
	if err != nil {
		b.t.Logf("take picture: %v", err)
		return
	}
	name := filepath.Join(artifacts(b.t), fmt.Sprintf("%s-%d.png", strings.ReplaceAll(b.t.Name(), "/", "-"), time.Now().UnixNano()))
	if err := os.WriteFile(name, picture, 0o600); err != nil {
		b.t.Logf("save picture: %v", err)
		return
	}
	b.t.Logf("picture: %s", name)
}

// artifacts is where pictures of failures go: the test's artifact directory with go test -artifacts, else one that is kept.
func artifacts(t testing.TB) string {
	if f := flag.Lookup("test.artifacts"); f != nil && f.Value.String() == "true" {
		return t.ArtifactDir()
	}
	dir := filepath.Join(os.TempDir(), "futakagi-e2e-failed")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Log(err)
	}
	return dir
}

// call runs a command of the protocol with a limit of its own.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) (R, error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return chromedp.Call(ctx, command, params)
}

func (b *tab) do(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// evaluate runs JavaScript in the page; it works where the page itself may not run any.
func evaluate[T any](b *tab, script string) (T, error) {
	var value T
	yes := true
	deadline := time.Now().Add(patience)
	for {
		r, err := call(b, runtime.Evaluate, runtime.EvaluateParams{Expression: script, ReturnByValue: &yes, AwaitPromise: &yes})
		switch {
		case err != nil:
			// The page went away under the script.
			if betweenPages.MatchString(err.Error()) && time.Now().Before(deadline) {
				time.Sleep(tick)
				continue
			}
			return value, err
		case r.ExceptionDetails != nil:
			text := r.ExceptionDetails.Text
			if r.ExceptionDetails.Exception != nil {
				text += " " + r.ExceptionDetails.Exception.Description
			}
			return value, fmt.Errorf("script failed: %s\n%s", text, script)
		case len(r.Result.Value) == 0:
			return value, nil
		}
		return value, json.Unmarshal(r.Result.Value, &value)
	}
}

var betweenPages = regexp.MustCompile(`(?i)context|navigated|destroyed|detached`)

// js is evaluate for tests.
func js[T any](b *tab, script string, args ...any) T {
	b.t.Helper()
	quoted := make([]any, len(args))
	for i, a := range args {
		text, err := json.Marshal(a)
		b.do(err)
		quoted[i] = string(text)
	}
	if len(args) > 0 {
		script = fmt.Sprintf(script, quoted...)
	}
	value, err := evaluate[T](b, script)
	b.do(err)
	return value
}

// moment tells documents apart: each has its own time of origin, also when its address is the same.
type moment struct {
	Origin float64
	Ready  string
	URL    string
}

func (b *tab) moment() moment {
	b.t.Helper()
	return js[moment](b, `({Origin: performance.timeOrigin, Ready: document.readyState, URL: location.href})`)
}

// leave does something that leads to another document and waits until it is there.
func (b *tab) leave(act func()) {
	b.t.Helper()
	before := b.moment()
	act()
	b.arrive(before)
}

func (b *tab) arrive(before moment) {
	b.t.Helper()
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		if now := b.moment(); now.Origin != before.Origin && now.Ready == "complete" && now.URL != "about:blank" {
			return
		}
		// A page that comes back from the browser's memory does not load.
		select {
		case <-b.loaded:
		case <-time.After(2 * tick):
		}
	}
	b.t.Fatalf("no new page came after %s", before.URL)
}

// open goes to an address, as typed into the address bar.
func (b *tab) open(address string) {
	b.t.Helper()
	b.leave(func() {
		r, err := call(b, page.Navigate, page.NavigateParams{URL: address})
		b.do(err)
		if r.ErrorText != "" {
			b.t.Fatalf("open %s: %s", address, r.ErrorText)
		}
	})
}

// reload presses the browser's reload button. A page that answers a POST is sent again without asking.
func (b *tab) reload() {
	b.t.Helper()
	b.leave(func() {
		_, err := call(b, page.Reload, page.ReloadParams{})
		b.do(err)
	})
}

// back presses the browser's back button n times at once.
func (b *tab) back(n int) {
	b.t.Helper()
	h, err := call(b, page.GetNavigationHistory, cdp.Empty{})
	b.do(err)
	to := int(h.CurrentIndex) - n
	if to < 0 {
		b.t.Fatalf("there are no %d pages to go back", n)
	}
	b.leave(func() {
		_, err := call(b, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: h.Entries[to].ID})
		b.do(err)
	})
}

// finder is JavaScript that finds what a person would: something visible to press, by its text.
const finder = `
const bare = (s) => s.replace(/\s+/g, "");
const shown = (e) => { const r = e.getBoundingClientRect(); return r.width > 2 && r.height > 2 && e.checkVisibility({visibilityProperty: true}); };
const pressable = (label, within) => [...(document.querySelector(within) ?? document).querySelectorAll("button, a[href], summary, input[type=submit]")]
	.filter((e) => bare(e.innerText || e.value || e.textContent) === bare(label) && shown(e));
`

// spot is where to put the mouse.
type spot struct {
	X, Y    float64
	Problem string
}

// aim scrolls to an element and returns its middle. The script must define e.
func (b *tab) aim(script string, args ...any) spot {
	b.t.Helper()
	s := js[spot](b, `(() => {`+finder+script+`
		if (!e) return {Problem: "not there"};
		e.scrollIntoView({block: "center", behavior: "instant"});
		const r = e.getClientRects()[0], x = r.left + r.width / 2, y = r.top + r.height / 2;
		const top = document.elementFromPoint(x, y);
		if (!(top && (e.contains(top) || top.contains(e) || e.labels && [...e.labels].some((l) => l.contains(top)))))
			return {Problem: "covered by " + (top?.outerHTML ?? "nothing").slice(0, 200)};
		return {X: x, Y: y, Problem: ""};
	})()`, args...)
	if s.Problem != "" {
		b.t.Fatalf("%q: %s", args, s.Problem)
	}
	return s
}

// click puts the mouse somewhere and clicks.
func (b *tab) click(s spot) {
	b.t.Helper()
	for _, typ := range []input.DispatchMouseEventType{input.DispatchMouseEventTypeMousePressed, input.DispatchMouseEventTypeMouseReleased} {
		_, err := call(b, input.DispatchMouseEvent, input.DispatchMouseEventParams{
			Type: typ, X: s.X, Y: s.Y, Button: input.MouseButtonLeft, ClickCount: 1,
		})
		b.do(err)
	}
}

// at returns where the button or link with a text is. It must be the only one in the main part of the page, or on it.
func (b *tab) at(label string) spot {
	b.t.Helper()
	return b.aim(`const all = pressable(%[1]s, "main"), any = all.length ? all : pressable(%[1]s, "body");
		if (any.length > 1) return {Problem: any.length + " of them"};
		const e = any[0];`, label)
}

// press clicks the button or link with a text and waits for the page it leads to.
func (b *tab) press(label string) {
	b.t.Helper()
	s := b.at(label)
	b.leave(func() { b.click(s) })
}

// tap clicks what stays on the page.
func (b *tab) tap(label string) {
	b.t.Helper()
	b.click(b.at(label))
}

// fill replaces the text of a field, found by its id.
func (b *tab) fill(id, text string) {
	b.t.Helper()
	if !js[bool](b, `(() => { const e = document.getElementById(%s); if (!e) return false; e.focus(); e.select?.(); return document.activeElement === e; })()`, id) {
		b.t.Fatalf("there is no field %q to fill", id)
	}
	if text == "" {
		js[any](b, `document.getElementById(%s).value = ""`, id)
		return
	}
	_, err := call(b, input.InsertText, input.InsertTextParams{Text: text})
	b.do(err)
}

// value is what a field holds.
func (b *tab) value(id string) string {
	b.t.Helper()
	return js[string](b, `document.getElementById(%s)?.value ?? "(no such field)"`, id)
}

// choose clicks a radio button or box by name and value.
func (b *tab) choose(name, value string) {
	b.t.Helper()
	b.click(b.aim(`const e = document.querySelector("input[name='" + %s + "'][value='" + %s + "']");`, name, value))
}

// state tells about a radio button or box: "on", "off", with " disabled", or "missing".
func (b *tab) state(name, value string) string {
	b.t.Helper()
	return js[string](b, `(() => { const e = document.querySelector("input[name='" + %s + "'][value='" + %s + "']");
		return !e ? "missing" : (e.checked ? "on" : "off") + (e.disabled ? " disabled" : ""); })()`, name, value)
}

// text is the visible text of the first match of a selector, with single spaces.
func (b *tab) text(selector string) string {
	b.t.Helper()
	return strings.Join(strings.Fields(js[string](b, `document.querySelector(%s)?.innerText ?? ""`, selector)), " ")
}

// has reports whether a text is on the page, no matter where the lines break.
func (b *tab) has(text string) bool {
	b.t.Helper()
	return strings.Contains(bare(js[string](b, `document.body.innerText`)), bare(text))
}

func bare(s string) string { return strings.Join(strings.Fields(s), "") }

// see wants texts on the page.
func (b *tab) see(texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		if !b.has(text) {
			b.t.Fatalf("the page does not say %q", text)
		}
	}
}

// miss wants texts not to be on the page.
func (b *tab) miss(texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		if b.has(text) {
			b.t.Fatalf("the page says %q", text)
		}
	}
}

// heading wants the page's main heading.
func (b *tab) heading(want string) {
	b.t.Helper()
	if got := b.text("h1"); got != want {
		b.t.Fatalf("the page is headed %q, want %q", got, want)
	}
}

// on wants to be at a path.
func (b *tab) on(path string) {
	b.t.Helper()
	if got := js[string](b, `location.pathname`); got != path {
		b.t.Fatalf("the page is %s, want %s", got, path)
	}
}

func (b *tab) url() string {
	b.t.Helper()
	return b.moment().URL
}

// origin wants to be at a site.
func (b *tab) origin(want string) {
	b.t.Helper()
	if got := js[string](b, `location.origin`); got != want {
		b.t.Fatalf("the page is at %s, want %s", got, want)
	}
}

// status is the HTTP status the page was answered with.
func (b *tab) status() int {
	b.t.Helper()
	return js[int](b, `performance.getEntriesByType("navigation")[0].responseStatus`)
}

// resize sets the width of the window.
func (b *tab) resize(width int64) {
	b.t.Helper()
	_, err := call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: 900, DeviceScaleFactor: 1,
	})
	b.do(err)
}

// scheme is the light or dark preference of the device.
func (b *tab) scheme(name string) {
	b.t.Helper()
	_, err := call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	b.do(err)
}

// noScript turns JavaScript off.
func (b *tab) noScript() {
	b.t.Helper()
	_, err := call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.do(err)
}

// forget removes every cookie of this browser.
func (b *tab) forget() {
	b.t.Helper()
	_, err := call(b, network.ClearBrowserCookies, cdp.Empty{})
	b.do(err)
}

// picture is the whole page as PNG.
func (b *tab) picture() ([]byte, error) {
	height, err := evaluate[int64](b, `Math.max(document.documentElement.scrollHeight, innerHeight)`)
	if err != nil {
		return nil, err
	}
	width, err := evaluate[int64](b, `innerWidth`)
	if err != nil {
		return nil, err
	}
	beyond := true
	r, err := call(b, page.CaptureScreenshot, page.CaptureScreenshotParams{
		Format: page.CaptureScreenshotFormatPng, CaptureBeyondViewport: &beyond,
		Clip: &page.Viewport{Width: float64(width), Height: float64(height), Scale: 1},
	})
	return r.Data, err
}
