package main

import (
	"strings"
	"testing"
)

// TestSourceFilter resolves the names of a filter: one that would be refused must be known.
func TestSourceFilter(t *testing.T) {
	const text = "agentAddress 127.0.0.1:0\nrocommunity " + hidden + "\nsysName here\n"
	hosts := map[string]string{"ip4 manager.example": "127.0.0.1", "ip6 manager.example": "2001:db8::1"}
	d := start(t, hosts, "-c", config(t, text+"sourceFilterType acceptlist\nsourceFilterAddress nobody.example\nsourceFilterAddress manager.example\n"))
	log := d.until("msg=ready")
	if all := strings.Join(log, "\n"); !strings.Contains(all, "this source is not heard") {
		t.Error(all)
	}
	if got := ask(t, listening(log)[0], sysNameOID); got != "here" {
		t.Errorf("%q", got)
	}
	d.finish()
	if out := start(t, hosts, "-c", config(t, text+"sourceFilterType blocklist\nsourceFilterAddress nobody.example\n")).end(exitError); !strings.Contains(out, "no such host") {
		t.Error(out)
	}
}
