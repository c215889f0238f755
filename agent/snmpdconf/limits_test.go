package snmpdconf_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/agent/snmpdconf"
)

func TestBulkLimits(t *testing.T) {
	for text, want := range map[string][2]int{
		"maxGetbulkRepeats 10": {10, 0}, "MAXGETBULKRESPONSES 100": {0, 100}, "maxGetbulkRepeats -1": {}, "maxGetbulkRepeats 5\nmaxGetbulkResponses 0 # default": {5, 0},
	} {
		c, diagnostics := snmpdconf.Parse("x", []byte(text))
		if got := [2]int{c.MaxRepeats, c.MaxResponses}; got != want || len(diagnostics) > 0 {
			t.Errorf("%q: %v, %v", text, got, diagnostics)
		}
	}
	for _, text := range []string{"maxGetbulkRepeats many", "maxGetbulkRepeats", "maxGetbulkResponses 1 2", "maxGetbulkResponses 99999999999"} {
		if _, diagnostics := snmpdconf.Parse("x", []byte(text)); !snmpdconf.HasErrors(diagnostics) {
			t.Errorf("%q: %v", text, diagnostics)
		}
	}
}

// TestRefusedSources has the sources that come out, a ! before those that are refused, and what is said.
func TestRefusedSources(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
		say  []string
	}{
		"before what is accepted": {
			text: "rocommunity a !192.0.2.1\nrocommunity a !198.51.100.0/24\nrocommunity a default\nrocommunity6 a !2001:db8::/32\nrocommunity6 a\ncom2sec x !host.example b\ncom2sec x default b",
			want: []string{"!192.0.2.1/32", "!198.51.100.0/24", "default (IPv4)", "!2001:db8::/32", "default (IPv6)", "!host.example", "default (IPv4)"},
		},
		"after it": {
			text: "rocommunity a 192.0.2.0/24\nrocommunity a !192.0.2.1\nrocommunity a !192.0.0.0/16\nrocommunity a",
			want: []string{"192.0.2.0/24", "!192.0.0.0/16", "default (IPv4)"},
			say:  []string{"x:2: error: rocommunity: x:1 lets in this source already, and comes first: move this line before it"},
		},
		"alone": {
			text: "rocommunity a !192.0.2.1\nrocommunity6 a default",
			want: []string{"!192.0.2.1/32", "default (IPv6)"},
			say:  []string{"x:1: warning: no line after this one accepts the community from elsewhere: add one, with the source default say"},
		},
		"within another": {
			text: "rocommunity a !192.0.2.0/24\nrocommunity a !192.0.2.1\nrocommunity a 192.0.2.2\nrocommunity a",
			want: []string{"!192.0.2.0/24", "default (IPv4)"},
			say: []string{
				"x:2: warning: rocommunity: x:1 refuses the same community from the same source, and comes first; this line has no effect",
				"x:3: warning: rocommunity: x:1 refuses the same community from the same source, and comes first; this line has no effect",
			},
		},
		"wrong": {
			text: "rocommunity a !default\nrocommunity a !\nrocommunity a !!192.0.2.1\nrocommunity a !@group\nrocommunity a !192.0.2.1/24\nrocommunity6 a !192.0.2.1",
			say: []string{
				"x:1: warning: rocommunity: the source !default, which would be nobody's, is not supported, and refuses nobody, as in Net-SNMP; the line is ignored", "x:2: error: rocommunity: the source must be default, an address, ADDRESS/LENGTH, ADDRESS/MASK or a host's name",
				"x:3: error: rocommunity: after ! stands an address, a network or a host's name", "x:4: error: rocommunity: after ! stands an address, a network or a host's name",
				"x:5: error: rocommunity: the source 192.0.2.1/24 has bits beyond its mask: write 192.0.2.0/24, or 192.0.2.1 for one host",
				"x:6: error: rocommunity6: the source is an IPv4 address: use the directive without 6",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			config, diagnostics := snmpdconf.Parse("x", []byte(c.text))
			var got, said []string
			for _, c := range config.Communities {
				got = append(got, c.Source.String())
			}
			for _, d := range diagnostics {
				said = append(said, d.String())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.say, said); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	for text, want := range map[string]snmpdconf.Limits{
		"maxUnauthenticatedSize 484": {MaxUnauthenticatedSize: 484}, "maxRequestsPerSecond 50 # of each": {RequestsPerSecond: 50},
		"maxRequestsPerSecond 50 200": {RequestsPerSecond: 50, Burst: 200}, "MAXREQUESTSPERSECOND 0": {},
		"maxConnections 1000": {Connections: 1000}, "maxConnections 1000 10": {Connections: 1000, ConnectionsPerSource: 10},
		"connectionTimeout 600": {IdleTimeout: 10 * time.Minute}, "connectionTimeout 600 5": {IdleTimeout: 10 * time.Minute, MessageTimeout: 5 * time.Second},
		"serverRecvBuf 1048576": {ReceiveBuffer: 1 << 20}, "[snmp] serverSendBuf 4096": {SendBuffer: 4096},
	} {
		c, diagnostics := snmpdconf.Parse("x", []byte(text))
		if diff := cmp.Diff(want, c.Limits); diff != "" || len(diagnostics) > 0 {
			t.Errorf("%q: %v, %s", text, diagnostics, diff)
		}
	}
	for _, text := range []string{
		"maxUnauthenticatedSize 483", "maxUnauthenticatedSize 484 484", "maxUnauthenticatedSize # none", "maxRequestsPerSecond -1", "maxRequestsPerSecond 1 2 3",
		"maxRequestsPerSecond 1000001", "maxConnections 0", "maxConnections many", "connectionTimeout 0", "connectionTimeout 1 0", "serverRecvBuf 0", "serverSendBuf 99999999999",
	} {
		if c, diagnostics := snmpdconf.Parse("x", []byte(text)); !snmpdconf.HasErrors(diagnostics) || c.Limits != (snmpdconf.Limits{}) {
			t.Errorf("%q: %+v, %v", text, c.Limits, diagnostics)
		}
	}
}
