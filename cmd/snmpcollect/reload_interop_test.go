//go:build interop && unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"walkabout/internal/interop"
)

// TestReloadCommandSignals: the built program is told by the built program.
func TestReloadCommandSignals(t *testing.T) {
	program := interop.Build(t, "cmd/snmpcollect")
	path := filepath.Join(t.TempDir(), "c.yaml")
	write := func(interval string) {
		t.Helper()
		text := fmt.Sprintf("state: %s\nlisten: \"\"\ncredentials: {lab: {version: 2c, community: public}}\n"+
			"targets: [{name: a, address: 127.0.0.1, credential: lab, collect: [system], interval: %s}]\n", filepath.Join(filepath.Dir(path), "state"), interval)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("1h")
	p := interop.Start(t, program, "run", "-c", path)
	p.Await("msg=collecting")
	write("2h")
	teller := interop.Start(t, program, "reload", "-c", path)
	if code := teller.Wait(); code != 0 {
		t.Fatalf("exit code %d: %s", code, teller.Log())
	}
	p.Await("the configuration was read anew")
}
