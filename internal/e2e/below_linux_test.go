//go:build interop

package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"walkabout/sim"
)

// TestPagesBelowAPath looks at the pages by way of a proxy that has them below a path of its host.
func TestPagesBelowAPath(t *testing.T) {
	t.Parallel()
	d := newDevice(t, "edge", false, sim.Port{Index: 1, Name: "ge-0/0/1", Speed: 1e9, InRate: 1e6})
	folder, address := t.TempDir(), freeAddress(t)
	at := &url.URL{Scheme: "http", Host: address}
	proxy := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(at) }}
	front := http.NewServeMux() // nothing else is there: what the pages ask for outside of their path is not found
	front.Handle("/net/nms/", proxy)
	server := httptest.NewServer(front)
	t.Cleanup(server.Close)
	config := filepath.Join(folder, "snmpcollect.yaml")
	text := fmt.Sprintf("interval: 1s\nstate: %s\nlisten: %s\nexternal_url: %s/net/nms/\ncredentials:\n  lab: {version: 2c, community: public}\n"+
		"targets:\n  - {name: edge, address: %q, credential: lab, collect: [system, interfaces]}\nalerts:\n  interface_mismatch: {for: 0s}\n",
		filepath.Join(folder, "state"), address, server.URL, d.address)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	collect(t, config)
	b := newBrowser(t, server.URL+"/net/nms")

	b.do("an address with name and password, as a screen on a wall has it", chromedp.Navigate(strings.Replace(b.base, "://", "://ann:password@", 1)+"/devices/edge/interfaces/ge-0%2F0%2F1?span=1m"))
	b.await("changes come", `document.querySelector("[data-connection=live]")`)
	b.await("traffic is drawn", painted("traffic"))
	stillWhileDragged(b)
	b.eval("window.sameDocument = true")
	b.press("u")
	b.await("the device is open", `location.pathname === "/net/nms/devices/edge" && document.querySelector("main tbody .state.ok")`)
	d.set(t, "ge-0/0/1", func(p *sim.Port) { p.Down = true })
	b.click(`.nav a[href="/net/nms/alerts"]`)
	b.await("the alert fires", `location.pathname === "/net/nms/alerts" && document.querySelector(".alerts li .state.bad")`)
	b.button("Acknowledge")
	b.await("the dialog is open", `document.querySelector("dialog[open] input[name=author]")`)
	b.do("filling in", chromedp.SendKeys(chromedp.CSS("dialog input[name=author]"), "ann"))
	b.click("dialog button[type=submit]")
	b.await("it is acknowledged", `/acknowledged by\s+ann/.test(document.querySelector("main").innerText) && !document.querySelector("dialog")`)
	b.await("nothing was loaded anew", "window.sameDocument")
	b.click(".alert-summary")
	b.await("the alert's page is open", `/^\/net\/nms\/alerts\/[0-9a-f]{32}$/.test(location.pathname) && document.querySelector("main h1")`)
	b.open(strings.TrimPrefix(b.text("location.pathname"), "/net/nms"))
	b.await("it is there when it is loaded anew", `/acknowledged by\s+ann/i.test(document.querySelector("main")?.innerText)`)
	b.quiet()
}

// stillWhileDragged drags on a graph that follows now while polls come in: what is selected is what was seen.
func stillWhileDragged(b *browser) {
	b.t.Helper()
	plot := b.box("[data-chart=traffic] .u-over")
	mouse := func(kind input.DispatchMouseEventType, share float64) {
		b.t.Helper()
		p := input.DispatchMouseEventParams{Type: kind, X: plot.x + share*plot.width, Y: plot.y + plot.height/2, Button: input.MouseButtonLeft, Buttons: 1, ClickCount: 1}
		if _, err := chromedp.Call(b.ctx, input.DispatchMouseEvent, p); err != nil {
			b.t.Fatalf("mouse: %v", err)
		}
	}
	mouse(input.DispatchMouseEventTypeMousePressed, 0.2)
	mouse(input.DispatchMouseEventTypeMouseMoved, 0.5)
	b.eval(`window.seen = document.querySelector("[data-chart=traffic] .plot").ariaLabel`)
	for range 3 {
		b.eval(`window.polled = document.querySelector("main .head time").dateTime`)
		b.await("a poll came in", `document.querySelector("main .head time").dateTime !== polled`)
	}
	b.await("the graph stands still", `document.querySelector("[data-chart=traffic] .plot").ariaLabel === seen`)
	mouse(input.DispatchMouseEventTypeMouseMoved, 0.8)
	mouse(input.DispatchMouseEventTypeMouseReleased, 0.8)
	b.await("what was seen is selected", `(() => {
		const [from, to] = seen.match(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g).map((s) => Date.parse(s) / 1000), q = new URLSearchParams(location.search);
		return q.has("from") && Math.abs(q.get("from") - (from + 0.2 * (to - from))) <= 2 && Math.abs(q.get("to") - (from + 0.8 * (to - from))) <= 2;
	})()`)
}
