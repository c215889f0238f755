//go:build interop

package interop

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Prometheus is a server that takes remote writes and answers PromQL, with its data in a temporary folder. It ends with the test.
type Prometheus struct {
	URL string

	t       testing.TB
	program []string
	ready   string
	process *Process
}

// StartPrometheus starts the server of Debian's package prometheus, which knows remote write 1.0.
func StartPrometheus(t testing.TB, flags ...string) *Prometheus {
	t.Helper()
	return startPrometheus(t, Find(t, "prometheus", "/usr/bin/prometheus"), flags)
}

// StartPrometheus2 starts the server of the release that is in go.mod, which knows remote write 2.0. The program is $WALKABOUT_PROMETHEUS, else
// .cache/bin/prometheus at the top of the repository, where scripts/setup puts it.
func StartPrometheus2(t testing.TB, flags ...string) *Prometheus {
	t.Helper()
	path := os.Getenv("WALKABOUT_PROMETHEUS")
	if path == "" {
		root, err := repository()
		if err != nil {
			t.Fatal(err)
		}
		path = filepath.Join(root, ".cache", "bin", "prometheus")
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v; run scripts/setup, or set WALKABOUT_PROMETHEUS to the path of prometheus 3", err)
	}
	return startPrometheus(t, path, flags)
}

func startPrometheus(t testing.TB, path string, flags []string) *Prometheus {
	t.Helper()
	dir, address := t.TempDir(), freeAddress(t)
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := &Prometheus{URL: "http://" + address, t: t, ready: "Server is ready to receive web requests",
		program: append([]string{path, "--config.file=" + config, "--storage.tsdb.path=" + filepath.Join(dir, "data"), "--web.listen-address=" + address,
			"--web.enable-remote-write-receiver"}, flags...)}
	p.Start()
	return p
}

// StartVictoriaMetrics starts the server of Debian's package victoria-metrics, which knows remote write 1.0. It is told to show a sample that came
// twice once.
func StartVictoriaMetrics(t testing.TB) *Prometheus {
	t.Helper()
	address := freeAddress(t)
	p := &Prometheus{URL: "http://" + address, t: t, ready: "started VictoriaMetrics in",
		program: []string{Find(t, "victoria-metrics", "/usr/bin/victoria-metrics"), "-storageDataPath=" + filepath.Join(t.TempDir(), "data"), "-httpListenAddr=" + address,
			"-retentionPeriod=10y", "-search.latencyOffset=0s", "-dedup.minScrapeInterval=1ms"}}
	p.Start()
	return p
}

// freeAddress returns an address of loopback where nobody listens, as far as can be known.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Start starts the server again after Stop or Kill, at the same address and with the same data.
func (p *Prometheus) Start() {
	p.t.Helper()
	p.process = Start(p.t, p.program[0], p.program[1:]...)
	p.process.Await(p.ready)
	// VictoriaMetrics says so before it listens.
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.URL, "http://"))
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-tick.C:
		case <-timeout.C:
			p.t.Fatalf("%s does not listen: %v\n%s", p.program[0], err, p.process.Log())
		}
	}
}

// Stop ends the server and returns when it is gone.
func (p *Prometheus) Stop() {
	p.t.Helper()
	p.process.Signal(os.Interrupt)
	p.process.Wait()
}

// Kill ends the server without a warning and returns when it is gone.
func (p *Prometheus) Kill() {
	p.t.Helper()
	p.process.Signal(syscall.SIGKILL)
	p.process.Wait()
}

// Write is where the server takes remote writes.
func (p *Prometheus) Write() string { return p.URL + "/api/v1/write" }

// PromSample is a stored sample.
type PromSample struct {
	At    time.Time
	Value string
}

// PromSeries is a series with its samples as they were stored, oldest first.
type PromSeries struct {
	Labels  map[string]string
	Samples []PromSample
}

// Stored returns what is stored of the series that selector selects, from an hour before at, and not at that moment, until at.
func (p *Prometheus) Stored(selector string, at time.Time) []PromSeries {
	p.t.Helper()
	var answer struct {
		Status, Error string
		Data          struct {
			Result []struct {
				Metric map[string]string
				Values [][2]any
			}
		}
	}
	query := url.Values{"query": {selector + "[1h]"}, "time": {fmt.Sprint(float64(at.UnixMilli()) / 1000)}}
	p.get("/api/v1/query?"+query.Encode(), &answer)
	if answer.Status != "success" {
		p.t.Fatalf("%s: %s", selector, answer.Error)
	}
	var out []PromSeries
	for _, r := range answer.Data.Result {
		s := PromSeries{Labels: r.Metric}
		for _, v := range r.Values {
			seconds, ok1 := v[0].(float64)
			value, ok2 := v[1].(string)
			if !ok1 || !ok2 {
				p.t.Fatalf("%s: %v", selector, v)
			}
			s.Samples = append(s.Samples, PromSample{time.UnixMilli(int64(seconds*1000 + 0.5)).UTC(), value})
		}
		out = append(out, s)
	}
	return out
}

// get reads an answer in JSON.
func (p *Prometheus) get(path string, answer any) {
	p.t.Helper()
	q, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.URL+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
		p.t.Fatalf("%s: %s: %v", path, resp.Status, err)
	}
}
