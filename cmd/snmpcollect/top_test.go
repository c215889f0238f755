package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"walkabout/sim"
)

// TestTop: top shows what a running collector has polled, and says what to do where none runs.
func TestTop(t *testing.T) {
	address := device(t, sim.Port{Index: 1, Name: "wan", Speed: 1e9, InRate: 1e6}, sim.Port{Index: 2, Name: "broken", Speed: 1e9, Down: true, InBase: 1e6})
	path := labFile(t, fmt.Sprintf("interval: 1s\nlisten: 127.0.0.1:0\nstate: %s\ntargets: [{name: switch1, address: %q, credential: lab, collect: [interfaces]}]\n",
		filepath.Join(t.TempDir(), "state"), address))
	r := start(t, "run", "-c", path)
	at := r.await(`listen=(\S+)`, 1)[1]
	var stdout, stderr string
	for end := time.Now().Add(time.Minute); time.Now().Before(end) && !strings.Contains(stdout, "8.00 M"); time.Sleep(50 * time.Millisecond) {
		if _, stdout, stderr = command(t.Context(), "top", "--address", at, "--sort", "in"); stderr != "" {
			t.Fatal(stderr)
		}
	}
	lines := strings.Split(stdout, "\n")
	if len(lines) < 6 || !strings.HasPrefix(lines[0], at) || !strings.HasPrefix(lines[4], "switch1   wan          up/up         8.00 M") || !strings.HasPrefix(lines[5], "switch1   broken       up/down") {
		t.Errorf("shown:\n%s", stdout)
	}
	code, stdout, stderr := command(t.Context(), "top", "--address", at, "--devices", "--once")
	if code != 0 || !strings.Contains(stdout, "switch1          up") {
		t.Errorf("devices: exit code %d\n%s%s", code, stdout, stderr)
	}
	for args, want := range map[string]string{"--sort colour": `sort "colour"; known are alert`, "--interval 1ms": "at least 100ms", "--lines 5000": "limit 5000; at most 1000", "--address 127.0.0.1:1": "is it running, with this address as listen:?"} {
		if code, _, stderr := command(t.Context(), append([]string{"top"}, strings.Fields(args)...)...); code != 1 || !strings.Contains(stderr, want) {
			t.Errorf("top %s: exit code %d, %s", args, code, stderr)
		}
	}
}
