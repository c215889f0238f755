package discover

import (
	"context"
	"encoding/hex"
	"errors"
	"net"
	"net/netip"
	"strings"

	"walkabout/collector/session"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Device is an agent that was found.
type Device struct {
	Address     netip.Addr `json:"address"`
	Credential  string     `json:"credential"` // the name of the first one that it answers
	SysName     string     `json:"sysName,omitempty"`
	SysDescr    string     `json:"sysDescr,omitempty"`
	SysObjectID string     `json:"sysObjectID,omitempty"`
	EngineID    string     `json:"snmpEngineID,omitempty"` // its octets in hexadecimal; "" where the agent has none or does not tell
}

// Refusal is an agent that answers, and takes no credential.
type Refusal struct {
	Address netip.Addr `json:"address"`
	Reason  string     `json:"reason"`
}

// SNMPv2-MIB and SNMP-FRAMEWORK-MIB.
var wanted = []oid.OID{
	oid.MustParse("1.3.6.1.2.1.1.5.0"),      // sysName
	oid.MustParse("1.3.6.1.2.1.1.1.0"),      // sysDescr
	oid.MustParse("1.3.6.1.2.1.1.2.0"),      // sysObjectID
	oid.MustParse("1.3.6.1.6.3.10.2.1.1.0"), // snmpEngineID
}

// worker asks one address after another.
type worker struct {
	o     *Options
	pace  *pacer
	stats session.Stats
}

// ask tries the credentials at an address.
func (w *worker) ask(ctx context.Context, j job) answer {
	a := answer{job: j}
	noV3 := false
	for _, c := range w.o.Credentials {
		if noV3 && c.Version == snmp.V3 {
			continue // the first question of SNMPv3 needs no credential, and nobody answered it
		}
		device, neighbours, err := w.try(ctx, j.address, c)
		var dns *net.DNSError
		switch {
		case ctx.Err() != nil:
			a.err = ctx.Err()
			return a
		case err == nil:
			a.device, a.neighbours, a.refused = device, neighbours, nil
			return a
		case errors.Is(err, session.ErrUnreachable), errors.As(err, &dns):
			return a // nobody listens there, whatever the credential
		case errors.Is(err, session.ErrTimeout):
			noV3 = noV3 || c.Version == snmp.V3
		case session.Reason(err) == "other": // the system's: no route, no descriptors, not permitted
			a.refused, a.failed = nil, err
			return a
		default:
			a.refused = err
		}
	}
	return a
}

// try asks an address with one credential.
func (w *worker) try(ctx context.Context, address netip.Addr, c Credential) (*Device, []netip.Addr, error) {
	client, err := w.o.Dial(ctx, session.Options{Host: address.String(), Port: w.o.Port, Credential: c.Credential, Timeout: w.o.Timeout,
		Source: w.o.Source, Stats: &w.stats})
	if err != nil {
		return nil, nil, err
	}
	defer client.Close()
	paced := &pacedClient{client, w.pace, datagrams(c)}
	var vbs []snmp.VarBind
	for range w.o.Retries + 1 { // again by ourselves, so that it is paced
		if vbs, err = paced.Get(ctx, nil, wanted); !errors.Is(err, session.ErrTimeout) {
			break
		}
	}
	var response *session.ResponseError
	if errors.As(err, &response) { // it took the credential, and does not let us see this
		return &Device{Address: address, Credential: c.Name}, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	d := &Device{Address: address, Credential: c.Name, SysName: text(vbs[0].Value), SysDescr: text(vbs[1].Value), EngineID: hex.EncodeToString([]byte(vbs[3].Value.Octets()))}
	if vbs[2].Value.Kind() == snmp.KindOID {
		d.SysObjectID = vbs[2].Value.OID().String()
	}
	return d, neighbours(ctx, paced, w.o.Neighbours), nil
}

func text(v snmp.Value) string { return strings.ToValidUTF8(v.Octets(), "?") }

// datagrams is how many datagrams a request may be: a session of v3 asks for the engine first, and again after silence.
func datagrams(c Credential) int {
	if c.Version == snmp.V3 {
		return 2
	}
	return 1
}

// pacedClient is a session whose requests wait for their turn.
type pacedClient struct {
	session.Client
	pace *pacer
	each int // datagrams of a request
}

// Get waits and asks.
func (p *pacedClient) Get(ctx context.Context, dst []snmp.VarBind, names []oid.OID) ([]snmp.VarBind, error) {
	if err := p.pace.wait(ctx, p.each); err != nil {
		return dst, err
	}
	return p.Client.Get(ctx, dst, names)
}

// Bulk waits and asks.
func (p *pacedClient) Bulk(ctx context.Context, dst []snmp.VarBind, nonRepeaters int, names []oid.OID, max int) ([]snmp.VarBind, error) {
	if err := p.pace.wait(ctx, p.each); err != nil {
		return dst, err
	}
	return p.Client.Bulk(ctx, dst, nonRepeaters, names, max)
}
