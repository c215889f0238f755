package dns

import (
	"context"
	"net"
	"net/http"

	"github.com/miekg/dns"
)

// Frame is frame, for FuzzTap.
func (t *Tap) Frame(b []byte) { t.frame(b) }

// Play has a Backend of Open speak to what stands in for its server: connections to its control channel, its HTTP API, and DNS.
func Play(b Backend, connect func() net.Conn, web http.RoundTripper, exchange func(*dns.Msg) (*dns.Msg, error)) {
	to := func(context.Context, string, string) (net.Conn, error) { return connect(), nil }
	switch b := b.(type) {
	case *unbound:
		b.connect = to
	case *nsd:
		b.connect = to
	case *knot:
		b.connect = to
	case *orderedBIND:
		b.client.Transport, b.rndc.connect = web, to
	case *bind:
		b.client.Transport = web
	case *pdns:
		b.client.Transport = web
	case *recursor:
		b.client.Transport = web
	case *dnsmasq:
		b.exchange = func(_ context.Context, q *dns.Msg) (*dns.Msg, error) { return exchange(q) }
	}
}
