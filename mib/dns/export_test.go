package dns

import (
	"context"
	"encoding/binary"
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

// ListenerStarted and PIDFileStarted are listenerStarted and pidFileStarted.
var (
	ListenerStarted = listenerStarted
	PIDFileStarted  = pidFileStarted
)

// RNDCAnswer is an answer of BIND's control channel, signed: a nonce, and texts of the table _data, names and values in turn.
func RNDCAnswer(key RNDCKey, nonce string, data ...string) []byte {
	body := ccEntry(ccEntry(nil, "_ctrl", ccTable, ccTexts("_nonce", nonce)), "_data", ccTable, ccTexts(data...))
	message := append(ccEntry(nil, "_auth", ccTable, key.sign(body)), body...)
	return append(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(len(message)+4)), ccVersion), message...)
}

// RNDCOrder is what a message of a client's orders, and the nonce that it has.
func RNDCOrder(message []byte) (order, nonce string) {
	_, _, body, err := ccRead(message)
	if err != nil {
		return "", ""
	}
	return string(ccFind(ccFind(body, "_data"), "type")), string(ccFind(ccFind(body, "_ctrl"), "_nonce"))
}
