package main

import (
	"strings"
	"testing"

	"walkabout/collector"
)

func TestProfile(t *testing.T) {
	run := func(args ...string) (code int, stdout, stderr string) {
		var out, err buffer
		code = process{stdout: &out, stderr: &err}.run(t.Context(), append([]string{"profile"}, args...))
		return code, out.String(), err.String()
	}
	if code, out, _ := run("list"); code != 0 || out != strings.Join(collector.BuiltIn().Names(), "\n")+"\n" {
		t.Errorf("list: %d, %s", code, out)
	}
	for _, name := range collector.BuiltIn().Names() {
		code, out, _ := run("show", name)
		if _, err := collector.ParseProfile([]byte(out)); code != 0 || err != nil {
			t.Errorf("show %s: %d, %v", name, code, err)
		}
	}
	if code, _, err := run("show", "interface"); code != 1 || !strings.Contains(err, "known are") || !strings.Contains(err, "interfaces") {
		t.Errorf("show of an unknown one: %d, %s", code, err)
	}
}
