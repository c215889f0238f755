//go:build interop

package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"walkabout/internal/interop"
	"walkabout/sim"
)

// TestDemoInABrowser looks at what a person sees who starts the demonstration.
func TestDemoInABrowser(t *testing.T) {
	t.Parallel() // most of it waits for the port that goes down
	p := interop.Start(t, interop.Build(t, "cmd/snmpcollect"), "demo")
	b := newBrowser(t, p.Await(`(http://127\.0\.0\.1:\d+)/`)[1])

	b.open("/")
	for _, device := range []string{"this-host", "switch1", "switch2"} {
		b.await(device+" is up", fmt.Sprintf(`[...document.querySelectorAll("main tbody tr")].some(r => r.querySelector("th")?.innerText.trim() === %q && r.querySelector(".state.ok"))`, device))
	}
	b.await("the connection is live", `document.querySelector("[data-connection=live]")`)

	mismatchComesAndGoes(b)
	graphsAreDrawn(b)
	everyPage(b)
	b.quiet()
}

// mismatchComesAndGoes watches the port that drops for 20 s in every minute.
func mismatchComesAndGoes(b *browser) {
	b.t.Helper()
	b.visit("/devices/switch1")
	b.eval("window.sameDocument = true")
	row := portRow("ge-0/0/3")
	b.await("ge-0/0/3 is up/down and its alert fires", row+`?.innerText.match(/up\/down[^]*firing/)`)
	b.await("the navigation counts it", `document.querySelector(".nav .count.bad")?.innerText.startsWith("1")`)
	for _, at := range []string{"/", "/devices/switch1", "/alerts", "/events"} {
		b.visit(at)
		b.await(at+" tells of it", `/firing/.test(document.querySelector("main").innerText)`)
		b.shot("firing" + strings.ReplaceAll(at, "/", "-"))
	}
	b.visit("/devices/switch1")
	b.await("ge-0/0/3 is up and its alert is over", row+`?.querySelector(".state.ok") && !/firing|pending/.test(`+row+`.innerText)`)
	b.await("the navigation counts none", `!document.querySelector(".nav .count.bad")`)
	b.await("nothing was loaded anew", "window.sameDocument")
}

func graphsAreDrawn(b *browser) {
	b.t.Helper()
	b.visit("/devices/switch1/interfaces/ge-0%2F0%2F44?span=1m")
	for _, chart := range []string{"traffic", "utilisation", "packets"} {
		b.await(chart+" has points", fmt.Sprintf(`document.querySelector("[data-chart=%s]")?.dataset.points >= 4`, chart))
		b.await(chart+" is drawn in the colour of what comes in", painted(chart))
	}
	b.await("the 95th percentile is told", `/\d [kMG]b\/s/.test(document.querySelector("[data-p95=in]")?.innerText)`)
	b.await("states stand on the time line", `document.querySelector(".timeline .seg.up")`)
	b.visit("/devices/switch1/interfaces/ge-0%2F0%2F3")
	b.await("the time line has the fall", `document.querySelector(".timeline .seg.bad")`)
}

func everyPage(b *browser) {
	b.t.Helper()
	pages := []struct{ name, path string }{{"fleet", "/"}, {"device", "/devices/switch1"}, {"host", "/devices/this-host"},
		{"interface", "/devices/switch1/interfaces/ge-0%2F0%2F3"}, {"alerts", "/alerts"}, {"never-up", "/alerts?view=never-up"}, {"history", "/alerts?view=history"},
		{"silences", "/alerts?view=silences"}, {"events", "/events"}, {"collector", "/collector"}}
	for _, l := range []look{desk, deskDark, phone} {
		b.as(l)
		for _, p := range pages {
			b.visit(p.path)
			b.await(p.name+" is there", `document.querySelector("main h1") && !document.querySelector("main .loading")`)
			b.sound(p.name + " " + l.name)
			b.shot(p.name + "-" + l.name)
		}
	}
}

// portRow is an expression for the row of an interface; undefined if it is not shown.
func portRow(name string) string {
	return fmt.Sprintf(`[...document.querySelectorAll("main tbody tr")].find(r => r.querySelector("th")?.innerText.trim() === %q)`, name)
}

// painted is an expression that is true when a graph's canvas has many pixels of the colour of what comes in.
func painted(chart string) string {
	return fmt.Sprintf(`(() => {
		const canvas = document.querySelector("[data-chart=%s] canvas");
		if (!canvas) return false;
		const probe = document.body.appendChild(document.createElement("span"));
		probe.style.color = "var(--in)";
		const want = getComputedStyle(probe).color.match(/\d+/g).map(Number);
		probe.remove();
		const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", {willReadFrequently: true});
		copy.drawImage(canvas, 0, 0);
		const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
		let n = 0;
		for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 250 && want.every((v, k) => Math.abs(v - data[i + k]) < 4)) n++;
		return n > 50;
	})()`, chart)
}

// hostile is what a device may call a port: markup, marks that turn the direction of writing, octets that are no UTF-8, and much of it.
var hostile = `<script>document.title="owned"</script><img src=x onerror="document.title='owned'">` + "\u202egnp.exe \u0007\xff\xfe" + strings.Repeat("A", 10_000)

// TestPagesInABrowser drives the pages of a collector over a switch whose ports the test moves, and which gives hostile names.
func TestPagesInABrowser(t *testing.T) {
	t.Parallel()
	ports := []sim.Port{{Index: 1, Name: "ge1", Alias: "uplink", Speed: 1e9, InRate: 1e6, OutRate: 1e5}, {Index: 2, Name: "ge2", Alias: hostile, Speed: 1e9, InRate: 2e6},
		{Index: 3, Name: `<b>"ge'3/</b>` + "\u202e", Alias: "odd", Speed: 1e9, InRate: 3e6}}
	d := &device{Device: sim.New(sim.Options{Name: "edge", Boot: time.Now().Add(-age), Ports: ports})}
	silence := d.serve(t, "127.0.0.1:0")
	folder := t.TempDir()
	config := filepath.Join(folder, "snmpcollect.yaml")
	text := fmt.Sprintf("interval: 1s\nstate: %s\nlisten: %s\ncredentials:\n  lab: {version: 2c, community: public}\ntargets:\n  - {name: edge, address: %q, credential: lab, collect: [system, interfaces], timeout: 300ms, retries: 0}\n"+
		"alerts:\n  interface_mismatch: {for: 0s}\n", filepath.Join(folder, "state"), freeAddress(t), d.address)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := collect(t, config)
	b := newBrowser(t, c.url)

	byKeys(b)
	darkByChoice(b)
	hostileNames(b)
	aroundInTime(b, func() { silence() }, func() { silence = d.serve(t, d.address) })
	acknowledge(b, d)
	b.quiet()

	b.visit("/devices/edge")
	b.await("the device is shown", portRow("ge1"))
	end(t, c.Process)
	b.await("the page says that it is disconnected", `document.querySelector("[data-connection=lost]") && /Disconnected for/.test(document.querySelector(".banner")?.innerText)`)
	b.shot("disconnected")
	collect(t, config)
	b.await("it is live again", `document.querySelector("[data-connection=live]") && !document.querySelector(".banner")`)
}

// freeAddress returns one of the loopback interface that nobody listens on at present.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// byKeys goes through the pages without a mouse.
func byKeys(b *browser) {
	b.t.Helper()
	b.open("/")
	b.await("the device is up", `document.querySelector("main tbody .state.ok")`)
	b.press("?")
	b.await("help is open", `document.querySelector("dialog[open]")?.innerText.includes("search")`)
	b.shot("help")
	b.keys(kb.Escape)
	b.await("help is closed", `!document.querySelector("dialog")`)
	b.press("/")
	b.keys("nothing has this name")
	b.await("nothing is found", `/No device matches/.test(document.querySelector("main").innerText)`)
	b.await("the search stands in the address", `location.search.includes("q=nothing")`)
	b.keys(kb.Escape)
	b.await("all is shown again", `document.querySelector("main tbody tr")`)
	b.press("/")
	b.keys("edge")
	b.await("it is found", `location.search === "?q=edge" && document.querySelectorAll("main tbody tr").length === 1`)
	b.keys(kb.ArrowDown)
	b.await("the row has the focus", `document.activeElement.closest("tbody tr")`)
	b.keys(kb.Enter)
	b.await("the device is open", `location.pathname === "/devices/edge" && document.querySelector("main h1").innerText === "edge"`)
	b.press("g")
	b.press("c")
	b.await("the collector is open", `location.pathname === "/collector"`)
	b.press("g")
	b.press("f")
	b.await("the fleet is open", `location.pathname === "/"`)
}

// darkByChoice chooses dark colours on a system that has light ones.
func darkByChoice(b *browser) {
	b.t.Helper()
	const background = `getComputedStyle(document.body).backgroundColor`
	light := b.text(background)
	for range 2 { // from the system's to light, to dark
		b.click(`button[aria-label^="Colours"]`)
	}
	b.await("it is dark", fmt.Sprintf(`%s !== %q`, background, light))
	b.open("/")
	b.await("it is dark after a reload", fmt.Sprintf(`%s !== %q && document.querySelector("main tbody tr")`, background, light))
	b.click(`button[aria-label^="Colours"]`)
	b.await("it is as the system has it", fmt.Sprintf(`%s === %q`, background, light))
}

// hostileNames looks for what ports' names and aliases might do.
func hostileNames(b *browser) {
	b.t.Helper()
	b.open("/devices/edge")
	b.await("the alias stands there as text", `[...document.querySelectorAll("main td bdi")].some(e => e.innerText.startsWith("<script>document.title="))`)
	b.await("the odd name is a link", `[...document.querySelectorAll("main tbody th a")].some(a => a.innerText.includes("ge'3/"))`)
	b.sound("hostile names")
	b.shot("hostile")
	b.eval(`[...document.querySelectorAll("main tbody th a")].find(a => a.innerText.includes("ge'3/")).click()`)
	b.await("the interface of the odd name is open", `document.querySelector("main h1")?.innerText.includes("ge'3/") && /3/.test(document.querySelector("main .facts dd")?.innerText)`)
	b.open("/devices/edge/interfaces/ge2")
	b.await("the interface of the hostile alias is open", `document.querySelector("main .facts")`)
	b.sound("hostile alias")
	b.as(phone)
	b.sound("hostile alias on a phone")
	b.shot("hostile-phone")
	b.as(desk)
	if title := b.text("document.title"); strings.Contains(title, "owned") {
		b.t.Errorf("a port's alias ran: the title is %q", title)
	}
}

// aroundInTime looks for the word on why there is a gap in the graphs of a port, whose device is made silent for a while, and moves through them.
func aroundInTime(b *browser, silent, back func()) {
	b.t.Helper()
	b.open("/devices/edge/interfaces/ge1?span=1m")
	b.await("traffic is drawn", painted("traffic"))
	silent()
	b.await("the page says that the device does not answer", `/does not answer/.test(document.querySelector("main .problem")?.innerText)`)
	b.await("a gap is listed", `/unreachable/.test(document.querySelector("main details")?.textContent)`)
	b.await("the gap has its reason, where the pointer is", `(() => {
		const plot = document.querySelector("[data-chart=traffic] .u-over"), box = plot.getBoundingClientRect();
		window.swept = ((window.swept ?? 0) + 12) % box.width; // from now backwards
		plot.dispatchEvent(new MouseEvent("mousemove", {bubbles: true, clientX: box.right - window.swept, clientY: box.top + 20}));
		return /did not answer/.test(document.querySelector("[data-gap=unreachable]")?.innerText);
	})()`)
	b.shot("gap")
	back() // a hole of less than five polls ends with a rate over all of it
	b.await("the device is back", `!document.querySelector("main .problem")`)
	b.await("there are rates again", `/\d [kM]?b\/s/.test(document.querySelector("main .tile b")?.innerText)`)
	b.await("traffic is drawn around the gap", painted("traffic"))
	box := b.box("[data-chart=traffic] .u-over") // most of it: a part might be the gap alone, of which no graph is drawn
	b.do("drag", chromedp.DragAndDropXY(box.x+0.02*box.width, box.y+50, box.x+0.99*box.width, box.y+60))
	b.await("dragging zooms", `/from=\d+&to=\d+/.test(location.search) && document.querySelector("[data-chart=traffic]")`)
	b.await("it is one step, though four graphs select together", `history.state.steps === 1`)
	b.button("Back")
	b.await("the span is what it was", `location.search === "?span=1m"`)
	b.open("/devices/edge/interfaces/ge1?span=15m")
	b.await("traffic is drawn over a longer time", painted("traffic"))
	b.pinch(b.box("[data-chart=traffic] .u-over"))
	b.await("two fingers zoom", `(q => q.get("to") - q.get("from") > 60 && q.get("to") - q.get("from") < 300)(new URLSearchParams(location.search))`)
	b.open("/devices/edge/interfaces/ge1?span=1m")
	b.await("traffic is drawn again", painted("traffic"))
	b.eval(`document.querySelector(".graphs").focus()`)
	b.keys(kb.ArrowLeft)
	b.await("an arrow moves", `/from=\d+&to=\d+/.test(location.search)`)
	b.press("n")
	b.await("n is now again", `location.search === "?span=1m"`)
}

// acknowledge has a port go down, says that somebody looks after it, silences it, and has it come back.
func acknowledge(b *browser, d *device) {
	b.t.Helper()
	d.set(b.t, "ge1", func(p *sim.Port) { p.Down = true })
	b.open("/alerts")
	b.await("the alert fires", `document.querySelector(".alerts li .state.bad")`)
	b.press("/")
	b.keys(kb.ArrowDown)
	b.await("the alert has the focus", `document.activeElement.closest(".alerts li")`)
	b.keys(kb.Enter)
	b.await("its page is open", `/^\/alerts\/[0-9a-f]{32}$/.test(location.pathname) && document.querySelector("main h1")`)
	b.sound("an alert")
	b.button("Acknowledge")
	b.await("the dialog is open", `document.querySelector("dialog[open] input[name=author]")`)
	b.do("filling in", chromedp.SendKeys(chromedp.CSS("dialog input[name=author]"), "ann"), chromedp.SendKeys(chromedp.CSS("dialog input[name=reason]"), "a cable is on its way"))
	b.shot("acknowledge")
	b.click("dialog button[type=submit]")
	acknowledged := `/acknowledged by\s+ann/.test(document.querySelector("main").innerText)`
	b.await("it is acknowledged", acknowledged+` && !document.querySelector("dialog")`)
	b.open(b.text("location.pathname"))
	b.await("it is acknowledged after a reload", acknowledged+` && /a cable is on its way/.test(document.querySelector("main").innerText)`)
	b.shot("acknowledged")

	b.button("Silence")
	b.await("the dialog remembers who it is", `document.querySelector("dialog[open] input[name=author]")?.value === "ann"`)
	b.do("filling in", chromedp.SendKeys(chromedp.CSS("dialog input[name=reason]"), "new cable"))
	b.click("dialog button[type=submit]")
	b.await("it is silenced", `/silenced/.test(document.querySelector("main .tags")?.innerText)`)
	b.visit("/alerts?view=silences")
	b.await("the silence is listed", `/new cable/.test(document.querySelector("main").innerText)`)
	b.button("Change …")
	b.await("the dialog has what it is", `document.querySelector("dialog[open] textarea")?.value && document.querySelector("dialog input[name=reason]")?.value === "new cable"`)
	b.do("filling in", chromedp.SendKeys(chromedp.CSS("dialog input[name=reason]"), "tomorrow: "))
	b.click("dialog button[type=submit]")
	b.await("it is changed", `/tomorrow: new cable/.test(document.querySelector("main").innerText) && !document.querySelector("dialog")`)
	b.button("End now")
	b.await("it is over", `/ended/.test(document.querySelector("main tbody").innerText)`)

	d.set(b.t, "ge1", func(p *sim.Port) { p.Down = false })
	b.visit("/alerts?view=resolved")
	b.await("it is resolved", `/resolved[^]*recovered/.test(document.querySelector(".alerts")?.innerText)`)
}
