//go:build interop

package interop

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// installInfluxDB is what the user is told to run. Without the tag uint influxd refuses unsigned fields.
const installInfluxDB = `GOBIN="$PWD/.cache/bin" go install -tags uint -ldflags "-s -w -X main.version=1.8.3" github.com/influxdata/influxdb/cmd/influxd@v1.8.3`

// InfluxDB is a server of version 1.8 on a free loopback port, with its data in a temporary folder. It ends with the test.
type InfluxDB struct {
	URL   string
	Token string // "user:password" for Query; set by the test once it has made that user

	t       testing.TB
	binary  string
	dir     string
	env     []string
	address string // of HTTP; port 0 until the first start
	cmd     *exec.Cmd
	log     *logTail
	exited  chan struct{}
}

// StartInfluxDB starts a server and returns when it listens. Settings are in influxd's environment form, such as
// "INFLUXDB_HTTP_AUTH_ENABLED=true". The program is $WALKABOUT_INFLUXD, else .cache/bin/influxd at the top of the repository,
// else influxd in the PATH; without one the test fails.
func StartInfluxDB(t testing.TB, settings ...string) *InfluxDB {
	t.Helper()
	d := &InfluxDB{t: t, binary: findInfluxDB(t), dir: t.TempDir(), env: settings, address: "127.0.0.1:0"}
	d.Start()
	t.Cleanup(func() {
		if d.cmd != nil {
			d.Stop()
		}
	})
	return d
}

func findInfluxDB(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("WALKABOUT_INFLUXD"); path != "" {
		return path
	}
	if root, err := repository(); err == nil {
		path := filepath.Join(root, ".cache", "bin", "influxd")
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	path, err := exec.LookPath("influxd")
	if err != nil {
		t.Fatalf("no influxd; at the top of the repository run:\n%s\nor set WALKABOUT_INFLUXD to the path of influxd 1.8", installInfluxDB)
	}
	return path
}

// repository returns the folder of go.mod, going up from the test's.
func repository() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", os.ErrNotExist
		}
		dir = parent
	}
	return "", err
}

var listening = regexp.MustCompile(`msg="Listening on HTTP".* addr=(\S+)`)

// Start starts the server again after Stop, at the same address and with the same data.
func (d *InfluxDB) Start() {
	d.t.Helper()
	d.cmd = exec.Command(d.binary, "run", "-config", os.DevNull)
	d.cmd.Env = append(os.Environ(),
		"INFLUXDB_META_DIR="+filepath.Join(d.dir, "meta"),
		"INFLUXDB_DATA_DIR="+filepath.Join(d.dir, "data"),
		"INFLUXDB_DATA_WAL_DIR="+filepath.Join(d.dir, "wal"),
		"INFLUXDB_BIND_ADDRESS=127.0.0.1:0",
		"INFLUXDB_HTTP_BIND_ADDRESS="+d.address,
		"INFLUXDB_HTTP_LOG_ENABLED=false",
		"INFLUXDB_MONITOR_STORE_ENABLED=false",
		"INFLUXDB_REPORTING_DISABLED=true",
		"INFLUXDB_LOGGING_FORMAT=logfmt",
	)
	d.cmd.Env = append(d.cmd.Env, d.env...)
	stderr, err := d.cmd.StderrPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		d.t.Fatalf("influxd: %v", err)
	}
	d.exited = make(chan struct{})
	d.log = &logTail{}
	ready := make(chan string, 1)
	go func(cmd *exec.Cmd, exited chan struct{}) {
		defer close(exited)
		d.log.follow(stderr, ready)
		_ = cmd.Wait() // it is told to end by a signal, and by nothing else
	}(d.cmd, d.exited)
	timeout := time.NewTimer(time.Minute)
	defer timeout.Stop()
	select {
	case d.address = <-ready:
		d.URL = "http://" + d.address
	case <-d.exited:
		d.cmd = nil
		d.t.Fatalf("influxd ended at once:\n%s", d.log)
	case <-timeout.C:
		d.Stop()
		d.t.Fatalf("influxd does not listen after a minute:\n%s", d.log)
	}
}

// Pid is the server's process.
func (d *InfluxDB) Pid() int { return d.cmd.Process.Pid }

// Stop ends the server and returns when it is gone. Its data stay for another Start.
func (d *InfluxDB) Stop() {
	d.t.Helper()
	defer func() { d.cmd = nil }()
	if err := d.cmd.Process.Signal(os.Interrupt); err != nil {
		d.t.Errorf("influxd: %v:\n%s", err, d.log)
	}
	timeout := time.NewTimer(time.Minute)
	defer timeout.Stop()
	select {
	case <-d.exited:
	case <-timeout.C:
		d.t.Errorf("influxd does not end; killed:\n%s", d.log)
		_ = d.cmd.Process.Kill()
		<-d.exited
	}
}

// Series is one series of an answer. Its first column is time, in nanoseconds, as a json.Number; so are all numbers.
type Series struct {
	Name    string
	Tags    map[string]string
	Columns []string
	Values  [][]any
}

// Query runs one InfluxQL statement; database may be empty for those that name none. The test fails on an error.
func (d *InfluxDB) Query(database, statement string) []Series {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.URL+"/query?"+url.Values{"db": {database}, "q": {statement}, "epoch": {"ns"}}.Encode(), nil)
	if err != nil {
		d.t.Fatal(err)
	}
	if user, password, ok := strings.Cut(d.Token, ":"); ok {
		req.SetBasicAuth(user, password)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Error   string
		Results []struct {
			Error  string
			Series []Series
		}
	}
	decoder := json.NewDecoder(resp.Body)
	decoder.UseNumber()
	if err := decoder.Decode(&answer); err != nil {
		d.t.Fatalf("%s: %v", statement, err)
	}
	if answer.Error != "" || len(answer.Results) != 1 || answer.Results[0].Error != "" {
		d.t.Fatalf("%s: %s: %+v", statement, resp.Status, answer)
	}
	return answer.Results[0].Series
}

// logTail keeps the last lines of a program's log.
type logTail struct {
	mu    sync.Mutex
	lines []string
}

func (l *logTail) follow(r io.Reader, ready chan<- string) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if m := listening.FindStringSubmatch(lines.Text()); m != nil {
			ready <- m[1]
		}
		l.mu.Lock()
		l.lines = append(l.lines, lines.Text())
		if len(l.lines) > 100 {
			l.lines = l.lines[1:]
		}
		l.mu.Unlock()
	}
	_, _ = io.Copy(io.Discard, r) // a line beyond the buffer's end; the program must not block on its log
}

func (l *logTail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}
