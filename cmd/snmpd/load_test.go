package main

import (
	"net/netip"
	"testing"
)

func TestOverlaps(t *testing.T) {
	at := func(network, addr string) endpoint {
		return endpoint{network: network, addr: netip.MustParseAddrPort(addr)}
	}
	on := func(e endpoint, device string) endpoint {
		e.device = device
		return e
	}
	tests := []struct {
		a, b endpoint
		want bool
	}{
		{at("udp4", "0.0.0.0:161"), at("udp4", "127.0.0.1:161"), true},
		{at("udp6", "[::1]:161"), at("udp6", "[::]:161"), true},
		{at("udp4", "0.0.0.0:161"), at("udp4", "0.0.0.0:161"), false}, // the same, which is bound once
		{at("udp4", "0.0.0.0:161"), at("udp6", "[::1]:161"), false},
		{at("udp4", "0.0.0.0:161"), at("udp4", "127.0.0.1:162"), false},
		{at("udp4", "127.0.0.2:161"), at("udp4", "127.0.0.1:161"), false},
		{at("udp4", "0.0.0.0:0"), at("udp4", "127.0.0.1:0"), false},
		{at("tcp4", "0.0.0.0:161"), at("tcp4", "127.0.0.1:161"), true},
		{at("tcp4", "0.0.0.0:161"), at("udp4", "127.0.0.1:161"), false},
		{on(at("udp4", "0.0.0.0:161"), "eth0"), at("udp4", "0.0.0.0:161"), true},
		{on(at("udp4", "0.0.0.0:161"), "eth0"), on(at("udp4", "127.0.0.1:161"), "eth0"), true},
		{on(at("udp4", "0.0.0.0:161"), "eth0"), on(at("udp4", "0.0.0.0:161"), "eth1"), false},
		{endpoint{network: unixNetwork, path: "/a"}, endpoint{network: unixNetwork, path: "/b"}, false},
	}
	for _, tt := range tests {
		if tt.a.overlaps(tt.b) != tt.want || tt.b.overlaps(tt.a) != tt.want {
			t.Errorf("%v and %v: %v, want %v", tt.a, tt.b, !tt.want, tt.want)
		}
	}
}
