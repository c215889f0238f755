package access

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// loopbackName reports whether host, with a port or without, is one that no name server decides on: a page of the Web that has its name resolved to
// 127.0.0.1 in a browser (DNS rebinding) asks under that name, and would read what is here. HTTP/1.0 may leave it out; browsers do not.
func loopbackName(host string) bool {
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

// local reports whether r comes from this machine, asks for it by name, and was not handed on by a proxy, which would speak for anybody. One that says nothing
// of itself (nginx, unless it is told to) is known by the browser's Origin, which has the name that the proxy is asked by.
func local(r *http.Request) bool {
	for _, field := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Prefix", "X-Forwarded-Proto", "X-Real-Ip", "Via"} {
		if r.Header.Get(field) != "" {
			return false
		}
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		if u, err := url.Parse(origin); err != nil || u.Host == "" || !loopbackName(u.Host) {
			return false
		}
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && from.Addr().Unmap().IsLoopback() && r.Host != "" && loopbackName(r.Host)
}
