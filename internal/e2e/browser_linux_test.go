//go:build interop

package e2e

import (
	"context"
	_ "embed"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"walkabout/internal/interop"
)

// browserPatience is how long a page may take to show what is awaited.
const browserPatience = 2 * time.Minute

// look is how a page is looked at.
type look struct {
	name          string
	scheme        string // prefers-color-scheme
	width, height int64
	scale         float64
}

var (
	desk     = look{"light", "light", 1360, 850, 1}
	deskDark = look{"dark", "dark", 1360, 850, 1}
	phone    = look{"phone", "light", 360, 760, 2}
)

// browser is Chromium without a window, and one tab of it. Its methods belong to the test's goroutine.
type browser struct {
	t    *testing.T
	ctx  context.Context
	base string // of the pages: http://127.0.0.1:8161, and the path that they are below

	mu      sync.Mutex
	foreign []string // requests to other hosts, and to what of theirs is not below base
	console []string // errors and warnings on the console, violations of the Content-Security-Policy among them
}

// newBrowser starts one for the pages at base. Nothing that it keeps outlives the test.
func newBrowser(t *testing.T, base string) *browser {
	t.Helper()
	path := interop.Find(t, "chromium", "chromium")
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.Flag("hide-scrollbars", true),
		chromedp.NoSandbox) // it may not be there for root, nor in a container
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(end)
	ctx, closeTab := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits until the browser is gone, so that its folder can be removed
		closeTab()
	})
	b := &browser{t: t, ctx: ctx, base: strings.TrimSuffix(base, "/")}
	if err := chromedp.Listen(ctx, b.event); err != nil {
		t.Fatal(err)
	}
	messages := chromedp.Console(ctx)
	go b.follow(messages)
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	b.as(desk)
	return b
}

func (b *browser) event(ev any) {
	e, ok := ev.(*network.EventRequestWillBeSent)
	if !ok {
		return
	}
	u, err := url.Parse(e.Request.URL)
	if err == nil {
		u.User = nil
	}
	if err != nil || u.Scheme != "data" && !strings.HasPrefix(u.String(), b.base+"/") {
		b.mu.Lock()
		b.foreign = append(b.foreign, e.Request.URL)
		b.mu.Unlock()
	}
}

func (b *browser) follow(messages func(func(chromedp.ConsoleMessage, error) bool)) {
	for m, err := range messages {
		if err != nil {
			return
		}
		if m.IsException() || m.Type == "error" || m.Type == "warning" || m.Type == "assert" {
			b.mu.Lock()
			b.console = append(b.console, m.String())
			b.mu.Unlock()
		}
	}
}

// quiet fails the test if the pages asked another host for anything, or complained.
func (b *browser) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, u := range b.foreign {
		b.t.Errorf("a request to another host: %s", u)
	}
	for _, m := range b.console {
		b.t.Errorf("on the console: %s", m)
	}
	b.console = nil
}

func (b *browser) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, browserPatience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

// as looks at pages in another way, from now on.
func (b *browser) as(l look) {
	b.t.Helper()
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
		b.t.Fatal(err)
	}
	b.do("viewport", chromedp.EmulateViewport(l.width, l.height, chromedp.EmulateScale(l.scale)))
}

// open loads a page.
func (b *browser) open(path string) {
	b.t.Helper()
	b.do(path, chromedp.Navigate(b.base+path))
}

// visit goes to a page as a link does, without loading anew.
func (b *browser) visit(path string) {
	b.t.Helper()
	b.eval(fmt.Sprintf("history.pushState(null, '', %q), window.dispatchEvent(new Event('routechange')), scrollTo(0, 0)", path))
}

func (b *browser) eval(js string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, browserPatience)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[chromedp.Void](js)); err != nil {
		b.t.Fatalf("%s: %v", js, err)
	}
}

func (b *browser) text(js string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, browserPatience)
	defer cancel()
	s, err := chromedp.Run(ctx, chromedp.Evaluate[string](js))
	if err != nil {
		b.t.Fatalf("%s: %v", js, err)
	}
	return s
}

// await waits until an expression is true. If it never is, the test ends with what the page shows.
func (b *browser) await(what, js string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, browserPatience+10*time.Second)
	defer cancel()
	look := chromedp.Poll[bool]("!!("+js+")", chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(browserPatience))
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	_, err := chromedp.Run(ctx, look)
	for end := time.Now().Add(browserPatience); err != nil && time.Now().Before(end); { // a page that is just being loaded takes the place of the one that was looked at
		<-tick.C
		_, err = chromedp.Run(ctx, look)
	}
	if err != nil {
		b.shot("failed")
		b.t.Fatalf("never seen: %s (%v); the page shows\n%s\nand on the console %q", what, err, b.text("document.body.innerText"), b.console)
	}
}

// click clicks what a CSS selector finds first.
func (b *browser) click(selector string) {
	b.t.Helper()
	b.do("click "+selector, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// button clicks the first button of the page that has a text, when it is there and can be clicked.
func (b *browser) button(text string) {
	b.t.Helper()
	found := fmt.Sprintf(`[...document.querySelectorAll("main button")].find((e) => e.innerText === %q && !e.disabled)`, text)
	b.await("a button: "+text, found)
	b.eval(found + ".click()")
}

// place is where something stands in the window, in CSS pixels.
type place struct{ x, y, width, height float64 }

// box returns the place of what a CSS selector finds first, which is brought into sight.
func (b *browser) box(selector string) place {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, browserPatience)
	defer cancel()
	js := fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.scrollIntoView({block: "center"}); const r = e.getBoundingClientRect(); return [r.x, r.y, r.width, r.height]; })()`, selector)
	r, err := chromedp.Run(ctx, chromedp.Evaluate[[4]float64](js))
	if err != nil {
		b.t.Fatalf("where is %s: %v", selector, err)
	}
	return place{r[0], r[1], r[2], r[3]}
}

// press hits a key that writes a character. As with a person's key, nothing is written if the page takes it; keys writes in any case.
func (b *browser) press(key string) {
	b.t.Helper()
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
		p := input.DispatchKeyEventParams{Type: kind, Key: key}
		if kind == input.DispatchKeyEventTypeKeyDown {
			p.Text = key
		}
		if _, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, p); err != nil {
			b.t.Fatalf("key %s: %v", key, err)
		}
	}
}

// pinch puts two fingers on what is at place p and moves them apart, from its middle to a quarter and three quarters of its width.
func (b *browser) pinch(p place) {
	b.t.Helper()
	touch := func(kind input.DispatchTouchEventType, shares ...float64) {
		params := input.DispatchTouchEventParams{Type: kind, TouchPoints: []*input.TouchPoint{}}
		for i, share := range shares {
			params.TouchPoints = append(params.TouchPoints, &input.TouchPoint{X: p.x + share*p.width, Y: p.y + p.height/2, ID: new(float64(i))})
		}
		if _, err := chromedp.Call(b.ctx, input.DispatchTouchEvent, params); err != nil {
			b.t.Fatalf("touch: %v", err)
		}
	}
	touch(input.DispatchTouchEventTypeTouchStart, 0.45, 0.55)
	for step := range 5 {
		by := 0.05 * float64(step)
		touch(input.DispatchTouchEventTypeTouchMove, 0.45-by, 0.55+by)
	}
	touch(input.DispatchTouchEventTypeTouchEnd)
}

// keys types.
func (b *browser) keys(keys string) {
	b.t.Helper()
	b.do("keys", chromedp.KeyEvent(keys))
}

// shot keeps a picture of the whole page in the test's artefacts (go test -artifacts).
func (b *browser) shot(name string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, browserPatience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatalf("picture of %s: %v", name, err)
	}
	if err := os.WriteFile(filepath.Join(b.t.ArtifactDir(), name+".png"), picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// audit returns what is wrong with the page that is shown: see testdata/audit.js.
//
//go:embed testdata/audit.js
var auditScript string

// sound fails the test if the page that is shown has faults that a person with a keyboard, a screen reader, a small screen or weak eyes would meet.
func (b *browser) sound(name string) {
	b.t.Helper()
	// They follow the width of a window that has just changed at its next frame.
	b.await("graphs are as wide as their places", `[...document.querySelectorAll(".plot")].every((p) => p.firstElementChild?.offsetWidth === p.clientWidth)`)
	ctx, cancel := context.WithTimeout(b.ctx, browserPatience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var faults []string
	for end := time.Now().Add(browserPatience / 4); ; <-tick.C { // what a page shows until all is there may have some
		var err error
		if faults, err = chromedp.Run(ctx, chromedp.Evaluate[[]string](auditScript)); err != nil {
			b.t.Fatal(err)
		}
		if len(faults) == 0 || time.Now().After(end) {
			break
		}
	}
	for _, f := range faults {
		b.t.Errorf("%s: %s", name, f)
	}
}
