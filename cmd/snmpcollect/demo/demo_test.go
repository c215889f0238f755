package demo

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"walkabout/alert"
	"walkabout/cmd/snmpcollect/sinks"
	"walkabout/collector"
	"walkabout/counter"
	"walkabout/metric"
	"walkabout/web"
)

// screen is a terminal that ends the demonstration once it has shown all that is wanted.
type screen struct {
	bytes.Buffer
	wanted []string
	end    context.CancelFunc
}

func (s *screen) Write(b []byte) (int, error) {
	if len(s.missing()) > 0 {
		s.Reset()
	}
	n, err := s.Buffer.Write(b)
	if len(s.missing()) == 0 {
		s.end()
	}
	return n, err
}

// missing returns what is not yet in the last frame.
func (s *screen) missing() (out []string) {
	if strings.Contains(s.String(), "\n0 samples stored") {
		out = append(out, "samples stored")
	}
	for _, want := range s.wanted {
		if !strings.Contains(s.String(), want) {
			out = append(out, want)
		}
	}
	return out
}

// TestRun: all three devices are polled, drawn and stored, and nothing is left behind.
func TestRun(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out := &screen{end: cancel, wanted: []string{"In a browser: http://127.0.0.1:", "this-host up ", "switch1   up 720h", "switch2   up 720h", "DEVICE    INTERFACE", "switch1   ge-0/0/44", "ALERTS"}}
	if err := Run(ctx, Options{Stdout: out, Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	if missing := out.missing(); len(missing) > 0 || !strings.Contains(out.String(), "What next") {
		t.Errorf("no %q in what was drawn:\n%s", missing, out)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestRunOnce(t *testing.T) {
	var out bytes.Buffer
	if err := Run(t.Context(), Options{Once: time.Millisecond, Stdout: &out, Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"In a browser: http://127.0.0.1:", "What next"} {
		if n := strings.Count(out.String(), want); n != 1 {
			t.Errorf("%q is drawn %d times:\n%s", want, n, out.String())
		}
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	var out bytes.Buffer
	if err := Run(ctx, Options{Stdout: &out, Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "What next") {
		t.Errorf("the end says:\n%s", out.String())
	}
}

func sample(device, name string, fields ...metric.Field) metric.Sample {
	return metric.Sample{Measurement: "interface", Tags: []metric.Tag{{Name: "device", Value: device}, {Name: "ifName", Value: name}}, Fields: fields}
}

func state(name string, n uint64) metric.Field {
	return metric.Field{Name: name, Kind: metric.Integer, Num: n}
}

func TestDraw(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local)
	b := Board{web.NewMemory()}
	b.Keep([]web.Target{{Name: "core1"}, {Name: "core2"}})
	pages := sinks.Pages(b.Memory)
	pages.Poll(t.Context(), collector.Poll{Device: "core1", At: at, Duration: 12 * time.Millisecond, Answered: true, UpTime: 100, HasUpTime: true, Samples: []metric.Sample{
		sample("core1", "quiet", state("ifAdminStatus", 1), state("ifOperStatus", 1)),
		sample("core1", "busy", state("ifAdminStatus", 1), state("ifOperStatus", 1),
			metric.Field{Name: "ifHCInOctets", Kind: metric.Counter64, Rate: 125e6, Verdict: counter.OK},
			metric.Field{Name: "ifHCOutOctets", Kind: metric.Counter64, Rate: 125, Verdict: counter.OK}),
		sample("core1", "free", state("ifAdminStatus", 1), state("ifOperStatus", 2)),
		sample("core1", "bad\x1b[2J", state("ifAdminStatus", 1), state("ifOperStatus", 7),
			metric.Field{Name: "ifInOctets", Kind: metric.Counter32, Verdict: counter.Ambiguous}),
	}})
	pages.Poll(t.Context(), collector.Poll{Device: "core2", At: at, Err: errors.New("timeout")})
	alerts := []alert.Alert{{Device: "core1", Key: "bad\x1b[2J", State: alert.Firing, Since: at, Summary: "down"}}
	neverUp := []alert.Alert{{Device: "core1", Key: "free", State: alert.Listed}}
	want := strings.TrimPrefix(`
core1     up 1s             polled  2 s ago in 12ms, 4 samples
core2     no answer: timeout

DEVICE    INTERFACE    ADMIN/OPER  IN BIT/S OUT BIT/S  ERR/S  VERDICT   ALERT
core1     bad?[2J      up/lowerL…         -         -      -  ambiguous firing
core1     busy         up/up         1.00 G    1.00 k      -  ok
core1     quiet        up/up              -         -      -
core1     free         up/down            -         -      -            never up

ALERTS
firing    since 03:04:05  down
ports that were never up, and raise no alert: 1
`, "\n")
	if got := b.Draw(at.Add(2*time.Second), alerts, neverUp, 0, 0); got != want {
		t.Errorf("drawn:\n%s\nwant:\n%s", got, want)
	}
	if got := b.Draw(at, nil, nil, 80, 1); !strings.Contains(got, "none") {
		t.Errorf("on a terminal of one line:\n%s", got)
	}
	for line := range strings.Lines(b.Draw(at, alerts, neverUp, 40, 24)) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 40 {
			t.Errorf("%d columns of 40: %q", n, line)
		}
	}
}
