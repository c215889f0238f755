package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"
)

// patience is how long a page may take to show what is awaited.
const patience = 2 * time.Minute

// tab is one of the browser's.
type tab struct {
	ctx   context.Context
	shots string
}

// steps are what is looked at on a page, after it has come.
var steps = []struct{ page, path, next string }{
	{"the fleet", "/", "document.querySelectorAll('tbody tr').length >= 100"},
	{"a device of many interfaces", "/devices/" + large, "document.querySelectorAll('#interfaces tbody tr').length >= 100"},
}

func look(base, program, shots string, watch time.Duration) error {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.NoSandbox)
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	defer end()
	ctx, closeTab := chromedp.NewContext(allocator)
	defer closeTab()
	t := &tab{ctx: ctx, shots: shots}
	if _, err := chromedp.Call(ctx, performance.Enable, performance.EnableParams{}); err != nil {
		return err
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1360, 850)); err != nil {
		return err
	}
	for _, s := range steps {
		if err := t.page(s.page, base+s.path, s.next, watch); err != nil {
			return fmt.Errorf("%s: %w", s.page, err)
		}
	}
	return nil
}

// watching counts what keeps the page from answering a person, and what is loaded.
const watching = `window.__long = []; new PerformanceObserver(l => l.getEntries().forEach(e => __long.push(e.duration))).observe({type: "longtask", buffered: true}); performance.setResourceTimingBufferSize(10000)`

func (t *tab) page(name, url, shown string, watch time.Duration) error {
	began := time.Now()
	if err := chromedp.Do(t.ctx, chromedp.Navigate(url)); err != nil {
		return err
	}
	if err := t.await(shown); err != nil {
		return err
	}
	fmt.Printf("%s: rows after %v\n", name, time.Since(began).Round(time.Millisecond))
	if err := t.shot(name); err != nil {
		return err
	}
	if err := t.eval(watching); err != nil {
		return err
	}
	before, cpuBefore := t.metrics(), cpu()
	time.Sleep(watch)
	after, cpuAfter := t.metrics(), cpu()
	said, err := text(t, `(() => { const e = performance.getEntriesByType("resource").filter(x => x.name.includes("/api/ui/") && !x.name.includes("events")); const n = e.length;
		const sum = (k) => e.reduce((s, x) => s + x[k], 0); return n + " answers of " + Math.round(sum("transferSize") / n) + " octets (" + Math.round(sum("decodedBodySize") / n) + " decoded) in " +
		(sum("duration") / n).toFixed(1) + " ms on average; " + __long.length + " tasks above 50 ms, the longest " + Math.round(Math.max(0, ...__long)) + " ms" })()`)
	if err != nil {
		return err
	}
	seconds := watch.Seconds()
	fmt.Printf("  %v watched: %s\n", watch, said)
	fmt.Printf("  main thread %.1f %% (script %.1f, layout and style %.1f), heap %.1f MB, %.0f nodes; server and its feed %.1f %%\n", share(before, after, "TaskDuration", seconds),
		share(before, after, "ScriptDuration", seconds), share(before, after, "LayoutDuration", seconds)+share(before, after, "RecalcStyleDuration", seconds),
		after["JSHeapUsedSize"]/1e6, after["Nodes"], 100*(cpuAfter-cpuBefore).Seconds()/seconds)
	return t.use()
}

// use does what a person does: another order, another page, a search, scrolling.
func (t *tab) use() error {
	for _, s := range []struct{ what, do, shown string }{
		{"sorted", `[...document.querySelectorAll("thead button")].at(-1).click()`, `document.querySelector("tbody th").innerText !== __first`},
		{"next page", `[...document.querySelectorAll("nav.bar button")].at(-1).click()`, `document.querySelector("nav.bar span").innerText.startsWith("101")`},
		{"search", `const s = document.querySelector("input[type=search]"); s.value = "7"; s.dispatchEvent(new Event("input", {bubbles: true}))`,
			`location.search.includes("q=7") && [...document.querySelectorAll("tbody th")].length > 0 && document.querySelector("tbody th").innerText !== __first`},
	} {
		if err := t.eval(`window.__first = document.querySelector("tbody th").innerText; window.__at = performance.now(); window.__shown = 0;
			window.__o?.disconnect(); window.__o = new MutationObserver(() => { if (!__shown && (` + s.shown + `)) __shown = performance.now() });
			__o.observe(document.body, {subtree: true, childList: true, characterData: true}); { ` + s.do + ` }`); err != nil {
			return err
		}
		if err := t.await("__shown > 0"); err != nil {
			return fmt.Errorf("%s: %w", s.what, err)
		}
		took, err := text(t, `(__shown - __at).toFixed(0) + " ms"`)
		if err != nil {
			return err
		}
		fmt.Printf("  %s: shown after %s\n", s.what, took)
	}
	frames, err := chromedp.Run(t.ctx, chromedp.Evaluate[string](`new Promise(done => { const times = []; let n = 0; const step = (at) => { times.push(at); scrollBy(0, 60); if (++n < 60) requestAnimationFrame(step);
		else done("frames of " + ((times.at(-1) - times[0]) / (n - 1)).toFixed(1) + " ms, the longest " + Math.max(...times.slice(1).map((t, i) => t - times[i])).toFixed(0)) }; requestAnimationFrame(step) })`,
		chromedp.EvalAwaitPromise))
	if err != nil {
		return err
	}
	fmt.Printf("  scrolling: %s\n", frames)
	return nil
}

func (t *tab) eval(js string) error {
	_, err := chromedp.Run(t.ctx, chromedp.Evaluate[chromedp.Void](js))
	return err
}

func text(t *tab, js string) (string, error) {
	return chromedp.Run(t.ctx, chromedp.Evaluate[string](js))
}

func (t *tab) await(js string) error {
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Poll[bool]("!!("+js+")", chromedp.WithPollingInterval(10*time.Millisecond), chromedp.WithPollingTimeout(patience)))
	return err
}

// metrics are the browser's of the tab; times are in seconds.
func (t *tab) metrics() map[string]float64 {
	out := map[string]float64{}
	if got, err := chromedp.Call(t.ctx, performance.GetMetrics, cdp.Empty{}); err == nil {
		for _, m := range got.Metrics {
			out[m.Name] = m.Value
		}
	}
	return out
}

func share(before, after map[string]float64, name string, seconds float64) float64 {
	return 100 * (after[name] - before[name]) / seconds
}

func (t *tab) shot(name string) error {
	if t.shots == "" {
		return nil
	}
	picture, err := chromedp.Run(t.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(t.shots, name+".png"), picture, 0o644)
}

// cpu is the processor time of this process: what serves the pages, and what stands in for polls.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
