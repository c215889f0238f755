package main

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// ownNames answers requests only if their Host is a name or address of this machine's own, where pages are served on loopback: a page of the Web that has
// its name resolved to 127.0.0.1 in a browser (DNS rebinding) asks under that name, and would read what is here.
func ownNames(listen net.Addr, pages http.Handler) http.Handler {
	tcp, ok := listen.(*net.TCPAddr)
	if !ok || !tcp.IP.IsLoopback() {
		return pages
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !loopback(r.Host) {
			http.Error(w, fmt.Sprintf("Host %q is no name of this machine's own: ask for http://%v, or have a proxy say so in the header Host.", r.Host, listen),
				http.StatusMisdirectedRequest)
			return
		}
		pages.ServeHTTP(w, r)
	})
}

// loopback reports whether host, with a port or without, is one that no name server decides on. HTTP/1.0 may leave it out; browsers do not.
func loopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "" || host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761 section 6.3
		return true
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && a.Unmap().IsLoopback()
}
