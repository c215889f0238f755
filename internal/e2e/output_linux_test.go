//go:build interop

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/internal/interop"
	"walkabout/sim"
)

func newSwitch(t *testing.T, name string) *device {
	t.Helper()
	return newDevice(t, name, false, sim.Port{Index: 1, Name: "ge1", Speed: 1e9, InRate: 1e6}, sim.Port{Index: 2, Name: "ge2", Speed: 1e9, OutRate: 1e6})
}

// pointsOf returns what a file of lines holds, each as its series and its time, in order.
func pointsOf(t *testing.T, file string) []string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(b)) {
		words := strings.Fields(line)
		out = append(out, words[0]+" "+words[len(words)-1])
	}
	slices.Sort(out)
	return out
}

// pointsIn returns the same of the database.
func pointsIn(t *testing.T, d *database, device string) []string {
	t.Helper()
	var out []string
	for _, measurement := range []string{"interface", "system"} {
		for _, s := range read(t, d, measurement, device) {
			key := []string{measurement}
			for name, value := range s.tags {
				if value != "" {
					key = append(key, name+"="+value)
				}
			}
			slices.Sort(key[1:])
			for _, p := range s.points {
				out = append(out, fmt.Sprintf("%s %d", strings.Join(key, ","), p.at.UnixNano()))
			}
		}
	}
	slices.Sort(out)
	return out
}

// What is polled while InfluxDB is away arrives when it is back, and what was polled last before the end as well: a second output tells
// what that is.
func TestInfluxDBOutage(t *testing.T) {
	t.Parallel()
	d, sw := newInfluxDB(t), newSwitch(t, "sw")
	file := filepath.Join(t.TempDir(), "lines")
	p := collect(t, (&collection{targets: []target{{name: "sw", address: sw.address}}, db: d, file: file}).write(t))
	p.awaitPolls(t, "sw", 2)
	d.Stop()
	p.awaitPolls(t, "sw", 4)
	if n := p.metric(t, `snmpcollect_spool_waiting_batches{output="influxdb"}`); n == 0 {
		t.Error("nothing waits although InfluxDB is away")
	}
	p.Await(`msg="output failed; samples wait in the spool and are tried again"`)
	d.Start()
	p.Await(`msg="output works again"`)
	p.awaitPolls(t, "sw", 2)
	end(t, p.Process)

	want, got := pointsOf(t, file), pointsIn(t, d, "sw")
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 3*8 {
		t.Errorf("of %d points polled: %s", len(want), diff)
	}
	s := interfaceSeries(t, d, "sw", "ge1")
	s.audit(t)
	s.expect(t, "ifHCInOctets", 1e6)
}

// The command that the log names for a missing database mends it, and nothing that was polled before is lost.
func TestMissingDatabase(t *testing.T) {
	t.Parallel()
	d, sw := &database{InfluxDB: interop.StartInfluxDB(t)}, newSwitch(t, "sw")
	file := filepath.Join(t.TempDir(), "lines")
	p := collect(t, (&collection{targets: []target{{name: "sw", address: sw.address}}, db: d, file: file}).write(t))
	m := p.Await(`level=ERROR msg="output cannot work as configured; samples wait in the spool" .*create it with: influx -port (\d+) -execute '([^']*)'`)
	if !strings.HasSuffix(d.URL, ":"+m[1]) {
		t.Errorf("the command is for port %s of %s", m[1], d.URL)
	}
	d.Query("", m[2])
	p.Await(`msg="output works again"`)
	end(t, p.Process)
	if diff := cmp.Diff(pointsOf(t, file), pointsIn(t, d, "sw")); diff != "" {
		t.Error(diff)
	}
}

func TestWrongToken(t *testing.T) {
	t.Parallel()
	d, sw := &database{InfluxDB: interop.StartInfluxDB(t, "INFLUXDB_HTTP_AUTH_ENABLED=true")}, newSwitch(t, "sw")
	d.Query("", "CREATE USER admin WITH PASSWORD 'right' WITH ALL PRIVILEGES")
	d.Token = "admin:right"
	d.Query("", "CREATE DATABASE snmp")
	secret := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(secret, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("admin:mistaken")
	c := &collection{targets: []target{{name: "sw", address: sw.address}}, db: d, output: "bucket: snmp, token_file: " + secret}
	path := c.write(t)
	p := collect(t, path)
	p.Await(`level=ERROR msg="output cannot work as configured; samples wait in the spool" .*refuses the token .*check that it may write to bucket .*snmp.*user:password`)
	if strings.Contains(p.Log(), "mistaken") {
		t.Errorf("the log shows the token:\n%s", p.Log())
	}
	p.Signal(os.Interrupt)
	if code := p.Wait(); code != 0 || !strings.Contains(p.Log(), "waits in the spool for the next start") {
		t.Errorf("exit code %d after an end with samples that were not written:\n%s", code, p.Log())
	}
	write("admin:right\n")
	p = collect(t, path)
	p.awaitPolls(t, "sw", 2)
	end(t, p.Process)
	interfaceSeries(t, d, "sw", "ge1").audit(t)
}
