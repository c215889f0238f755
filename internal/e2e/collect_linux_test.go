//go:build interop

package e2e

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"walkabout/alert/notify"
	"walkabout/internal/interop"
)

// interval is that of all polls.
const interval = time.Second

// eventually waits until ok is true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	interop.Eventually(t, what, ok, func() string { return "" })
}

// target is one of a collection; collect and credential have defaults.
type target struct{ name, address, credential, collect, more string }

// collection is a snmpcollect.yaml.
type collection struct {
	targets []target
	output  string // of InfluxDB, the part behind its url
	db      *database
	file    string // of a second output; "" for none
	hook    *receiver
	lasting string // for: of interface_mismatch
	state   string // "" for a new folder
}

func (c *collection) write(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	var b strings.Builder
	state := cmp.Or(c.state, filepath.Join(folder, "state"))
	c.db.spool = filepath.Join(state, "spool")
	// The store has samples of the polls themselves in the spool.
	fmt.Fprintf(&b, "interval: %v\nstate: %s\nlisten: 127.0.0.1:0\nspool: {keep: 24h}\nstore: {}\n", interval, state)
	b.WriteString("credentials:\n  lab: {version: 2c, community: public}\n  old: {version: 1, community: public}\n" +
		"  secure: {version: 3, user: monitor, auth: SHA-256, auth_password: authpassword, priv: AES, priv_password: privpassword}\ntargets:\n")
	for _, x := range c.targets {
		fmt.Fprintf(&b, "  - {name: %s, address: %q, credential: %s, collect: [%s]%s}\n", x.name, x.address, cmp.Or(x.credential, "lab"),
			cmp.Or(x.collect, "system, interfaces"), x.more)
	}
	fmt.Fprintf(&b, "outputs:\n  - influxdb: {url: %q, org: noc, %s}\n", c.db.URL, cmp.Or(c.output, "bucket: snmp"))
	if c.file != "" {
		fmt.Fprintf(&b, "  - file: {path: %s}\n", c.file)
	}
	fmt.Fprintf(&b, "alerts:\n  interface_mismatch: {for: %s}\nnotify:\n  - log: {}\n", cmp.Or(c.lasting, "0s"))
	if c.hook != nil {
		fmt.Fprintf(&b, "  - webhook: {url: %q}\n", c.hook.URL)
	}
	path := filepath.Join(folder, "snmpcollect.yaml")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// snmpcollect is the program, running.
type snmpcollect struct {
	*interop.Process
	url string
}

func collect(t *testing.T, path string) *snmpcollect {
	t.Helper()
	p := interop.Start(t, interop.Build(t, "cmd/snmpcollect"), "run", "-c", path)
	return &snmpcollect{p, "http://" + p.Await(`msg=collecting .* listen=(\S+)`)[1]}
}

// metric returns one of the collector's own metrics, such as `snmpcollect_polls_total{device="a",result="ok"}`; 0 if there is none.
func (c *snmpcollect) metric(t *testing.T, series string) float64 {
	t.Helper()
	r, err := http.Get(c.url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(series) + ` (\S+)$`).FindSubmatch(b)
	if m == nil {
		return 0
	}
	n, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// polls returns how many polls of a device were answered.
func (c *snmpcollect) polls(t *testing.T, device string) float64 {
	t.Helper()
	return c.metric(t, fmt.Sprintf(`snmpcollect_polls_total{device=%q,result="ok"}`, device))
}

// awaitPolls waits until n more polls of the device were answered.
func (c *snmpcollect) awaitPolls(t *testing.T, device string, n int) {
	t.Helper()
	first := c.polls(t, device)
	interop.Eventually(t, fmt.Sprintf("%d more polls of %s", n, device), func() bool { return c.polls(t, device) >= first+float64(n) }, c.Log)
}

// receiver is what notifications are posted to.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	alerts   []notify.DocumentAlert
	received []time.Time
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		var b notify.Document
		if err := json.NewDecoder(q.Body).Decode(&b); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			t.Error(err)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, a := range b.Alerts {
			r.alerts, r.received = append(r.alerts, a), append(r.received, time.Now())
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// about returns what came about a device's interface, or with key "" about the device itself, in the order of its coming.
func (r *receiver) about(device, key string) []notify.DocumentAlert {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []notify.DocumentAlert
	for _, a := range r.alerts {
		if a.Device == device && a.Key == key {
			out = append(out, a)
		}
	}
	return out
}

// await waits for the n-th notification, from 1, about a device's interface and returns it.
func (r *receiver) await(t *testing.T, n int, device, key string) notify.DocumentAlert {
	t.Helper()
	eventually(t, fmt.Sprintf("notification %d about %s %s", n, device, key), func() bool { return len(r.about(device, key)) >= n })
	return r.about(device, key)[n-1]
}

// when returns the time at which a notification came.
func (r *receiver) when(id string) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, a := range r.alerts {
		if a.ID == id {
			return r.received[i]
		}
	}
	return time.Time{}
}
