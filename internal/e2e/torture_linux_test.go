//go:build interop

package e2e

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"walkabout/exporters/lines"
	"walkabout/internal/interop"
	"walkabout/metric"
	"walkabout/sim"
	"walkabout/spool"
)

var torture = flag.Duration("torture", time.Minute, "how long TestTorture goes on")

// mood is how a gate treats requests.
type mood int32

const (
	open     mood = iota
	busy          // 503
	limited       // 429, with Retry-After
	hanging       // no answer before the client gives up
	resets        // the connection ends without an answer
	swallows      // the server takes it, and the client is not told
	moods
)

// gate stands before InfluxDB and lets through as its mood is. A line with the text poison is refused with 400, as InfluxDB refuses points.
type gate struct {
	t    *testing.T
	db   *database
	mood atomic.Int32
	seen [moods]atomic.Int32
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	packed, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client was killed
	}
	m := mood(g.mood.Load())
	g.seen[m].Add(1)
	switch m {
	case busy:
		http.Error(w, `{"code":"unavailable","message":"busy"}`, http.StatusServiceUnavailable)
		return
	case limited:
		w.Header().Set("Retry-After", "1")
		http.Error(w, `{"code":"too many requests","message":"slowly"}`, http.StatusTooManyRequests)
		return
	case hanging:
		<-r.Context().Done()
		return
	case resets:
		panic(http.ErrAbortHandler)
	}
	if z, err := gzip.NewReader(bytes.NewReader(packed)); err == nil {
		if lines, err := io.ReadAll(z); err == nil && bytes.Contains(lines, []byte("poison")) {
			http.Error(w, `{"code":"invalid","message":"partial write: poison"}`, http.StatusBadRequest)
			return
		}
	}
	request, err := http.NewRequestWithContext(r.Context(), r.Method, g.db.URL+r.URL.RequestURI(), bytes.NewReader(packed))
	if err != nil {
		g.t.Error(err)
		return
	}
	request.Header = r.Header.Clone()
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(http.ErrAbortHandler) // the database is stopped
	}
	defer answer.Body.Close()
	if m == swallows {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(answer.StatusCode)
	_, _ = io.Copy(w, answer.Body) // who does not read it asks again
}

// TestTorture stops InfluxDB, stands in its way in every mood, and kills the collector with kill -9 at random moments, while polls go on. What
// a poll completed, which is what the spool held, is in InfluxDB in the end, each point once; points that it refuses are kept.
func TestTorture(t *testing.T) {
	t.Parallel()
	d := newInfluxDB(t)
	g := &gate{t: t, db: d}
	server := serveHTTP(t, g)
	sw := newSwitch(t, "sw")
	poisoned := newDevice(t, "odd", false, sim.Port{Index: 1, Name: "ge1", Alias: "fine", Speed: 1e9, InRate: 1e6},
		sim.Port{Index: 2, Name: "ge2", Alias: "poison", Speed: 1e9, InRate: 1e6})
	folder := t.TempDir()
	path, state := filepath.Join(folder, "c.yaml"), filepath.Join(folder, "state")
	text := fmt.Sprintf("interval: 1s\nstate: %s\nlisten: 127.0.0.1:0\nspool: {keep: 24h}\ncredentials: {lab: {version: 2c, community: public}}\ntargets:\n"+
		"  - {name: sw, address: %q, credential: lab, collect: [system, interfaces]}\n  - {name: odd, address: %q, credential: lab, collect: [system, interfaces]}\n"+
		"outputs:\n  - influxdb: {url: %q, bucket: snmp, timeout: 1s, flush_interval: 50ms}\n", state, sw.address, poisoned.address, server)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	kills, stops, stopped := 0, 0, false
	p := collect(t, path)
	tick := time.NewTicker(400 * time.Millisecond)
	defer tick.Stop()
	for until := time.Now().Add(*torture); time.Now().Before(until); <-tick.C {
		switch rnd.IntN(8) {
		case 0:
			p.Signal(syscall.SIGKILL)
			p.Wait()
			p = collect(t, path)
			kills++
		case 1:
			if stopped {
				d.Start()
			} else {
				d.Stop()
				stops++
			}
			stopped = !stopped
		default:
			g.mood.Store(int32(rnd.IntN(int(moods))))
		}
	}
	if stopped {
		d.Start()
	}
	g.mood.Store(int32(open))
	p.awaitPolls(t, "sw", 2)
	waits := func() bool {
		return p.metric(t, `snmpcollect_spool_waiting_batches{output="influxdb"}`) == 0 // what comes later is fresh, and delivered at the end; a backlog is not
	}
	interop.Eventually(t, "an end of what waits", waits, p.Log)
	end(t, p.Process)

	completed, refused := pointsHeld(t, filepath.Join(state, "spool"))
	inDatabase := slices.Concat(pointsIn(t, d, "sw"), pointsIn(t, d, "odd"))
	slices.Sort(inDatabase)
	var missing []string
	for _, point := range completed {
		if _, ok := slices.BinarySearch(inDatabase, point); !ok {
			missing = append(missing, point)
		}
	}
	if len(missing) > 0 || len(inDatabase) != len(completed) || len(completed) < int(*torture/time.Second) {
		t.Errorf("of %d points that polls completed %d are missing, and %d are in the database:\n%s\n%s", len(completed), len(missing), len(inDatabase), strings.Join(missing, "\n"), p.Log())
	}
	kept, err := os.ReadFile(filepath.Join(state, "rejected", "influxdb.lp"))
	if n := bytes.Count(kept, []byte(`ifAlias="poison"`)); err != nil || n < refused {
		t.Errorf("of %d points that the database refuses %d were kept: %v", refused, n, err)
	}
	t.Logf("%d points of polls that were completed, each once in the database; %d refused by it and kept; %d kills, %d stops; requests by mood %v",
		len(completed), refused, kills, stops, moodsSeen(g))
}

func moodsSeen(g *gate) (out []int32) {
	for i := range g.seen {
		out = append(out, g.seen[i].Load())
	}
	return out
}

// pointsHeld returns the points that a spool holds, as pointsOf does, and how many there are with poison beside them.
func pointsHeld(t *testing.T, dir string) (out []string, poison int) {
	t.Helper()
	var batch lines.Batch
	err := spool.Scan(dir, "", func(r spool.Record) error {
		b, err := metric.Decode(r.Data())
		if err != nil {
			return err
		}
		batch.Encode(b.Samples)
		for i := range batch.Len() {
			line := string(batch.Lines(i, i+1))
			if strings.Contains(line, "poison\"") {
				poison++
				continue
			}
			if strings.HasPrefix(line, "alert,") { // that the spool fills up, perhaps; pointsIn has none of these
				continue
			}
			words := strings.Fields(line)
			out = append(out, words[0]+" "+words[len(words)-1])
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	slices.Sort(out)
	return out, poison
}

// serveHTTP serves on a port of its own until the test ends, and returns the URL.
func serveHTTP(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL
}
