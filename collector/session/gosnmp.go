package session

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/gosnmp/gosnmp"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// maxNames bounds the names of one request. gosnmp's own limit is 60, which is a guess of what agents bear.
const maxNames = 255

// library is a Client of SNMPv3 over gosnmp.
type library struct {
	g       *gosnmp.GoSNMP
	conn    *conn
	stats   *Stats
	bulk    bool
	retries int // of the request of the moment
}

// openV3 opens a session of v3, which has a socket of its own.
func openV3(ctx context.Context, o Options) (Client, error) {
	l := &library{stats: o.Stats, bulk: !o.NoBulk}
	l.g = &gosnmp.GoSNMP{
		Target:  o.Host,
		Port:    o.Port,
		Version: gosnmp.Version3,
		Context: ctx,
		Timeout: o.Timeout,
		Retries: o.Retries,
		MaxOids: maxNames,
		OnRetry: func(*gosnmp.GoSNMP) { l.retries++ },
	}
	if o.Source.IsValid() {
		l.g.LocalAddr = netip.AddrPortFrom(o.Source, 0).String()
	}
	setUser(l.g, o.Credential)
	if err := l.g.Connect(); err != nil {
		return nil, err
	}
	l.conn = &conn{Conn: l.g.Conn, stats: o.Stats}
	l.g.Conn = l.conn
	return l, nil
}

var (
	authOfLibrary = map[AuthProtocol]gosnmp.SnmpV3AuthProtocol{
		"": gosnmp.NoAuth, MD5: gosnmp.MD5, SHA: gosnmp.SHA, SHA224: gosnmp.SHA224, SHA256: gosnmp.SHA256, SHA384: gosnmp.SHA384, SHA512: gosnmp.SHA512,
	}
	privOfLibrary = map[PrivProtocol]gosnmp.SnmpV3PrivProtocol{
		"": gosnmp.NoPriv, DES: gosnmp.DES, AES: gosnmp.AES, AES192: gosnmp.AES192, AES256: gosnmp.AES256, AES192C: gosnmp.AES192C, AES256C: gosnmp.AES256C,
	}
)

func setUser(g *gosnmp.GoSNMP, c Credential) {
	g.SecurityModel = gosnmp.UserSecurityModel
	g.ContextName = c.Context
	switch {
	case c.Priv != "":
		g.MsgFlags = gosnmp.AuthPriv
	case c.Auth != "":
		g.MsgFlags = gosnmp.AuthNoPriv
	default:
		g.MsgFlags = gosnmp.NoAuthNoPriv
	}
	g.SecurityParameters = &gosnmp.UsmSecurityParameters{
		UserName:                 c.User,
		AuthenticationProtocol:   authOfLibrary[c.Auth],
		AuthenticationPassphrase: c.AuthPassword.Reveal(),
		PrivacyProtocol:          privOfLibrary[c.Priv],
		PrivacyPassphrase:        c.PrivPassword.Reveal(),
	}
}

// Close closes the socket. gosnmp's own Close would race with a request that waits.
func (l *library) Close() error { return l.conn.Close() }

func (l *library) Get(ctx context.Context, dst []snmp.VarBind, names []oid.OID) ([]snmp.VarBind, error) {
	return l.each(ctx, dst, names, snmp.NoSuchObject, l.g.Get)
}

func (l *library) Bulk(ctx context.Context, dst []snmp.VarBind, nonRepeaters int, names []oid.OID, max int) ([]snmp.VarBind, error) {
	if !l.bulk {
		return l.each(ctx, dst, names, snmp.EndOfMibView, l.g.GetNext)
	}
	answer, err := l.ask(ctx, func() (*gosnmp.SnmpPacket, error) {
		return l.g.GetBulk(texts(names), uint8(nonRepeaters), uint32(max))
	})
	if err == nil {
		err = repeated(len(answer.Variables), nonRepeaters, len(names), max)
	}
	if err != nil {
		return dst, err
	}
	return l.append(dst, answer.Variables)
}

func (l *library) each(ctx context.Context, dst []snmp.VarBind, names []oid.OID, missing snmp.Value,
	request func([]string) (*gosnmp.SnmpPacket, error),
) ([]snmp.VarBind, error) {
	return each(dst, names, missing, func(dst []snmp.VarBind, names []oid.OID) ([]snmp.VarBind, error) {
		answer, err := l.ask(ctx, func() (*gosnmp.SnmpPacket, error) { return request(texts(names)) })
		if err != nil {
			return dst, err
		}
		return l.append(dst, answer.Variables)
	})
}

func texts(names []oid.OID) []string {
	s := make([]string, len(names))
	for i, name := range names {
		s[i] = name.String()
	}
	return s
}

func (l *library) append(dst []snmp.VarBind, pdus []gosnmp.SnmpPDU) ([]snmp.VarBind, error) {
	start := len(dst)
	for _, pdu := range pdus {
		vb, odd, err := convert(pdu)
		if err != nil {
			return dst[:start], err
		}
		if odd {
			l.stats.Odd.Add(1)
		}
		dst = append(dst, vb)
	}
	return dst, nil
}

// ask sends one request and returns its Response, which has no error-status.
func (l *library) ask(ctx context.Context, request func() (*gosnmp.SnmpPacket, error)) (*gosnmp.SnmpPacket, error) {
	if err := ctx.Err(); err != nil {
		return nil, l.fault(ctx, err)
	}
	l.stats.Requests.Add(1)
	l.retries = 0
	l.g.Context = ctx
	end := l.conn.begin(ctx)
	defer end()
	answer, err := l.guard(request)
	// Where all fail, gosnmp tells of one more than it sends.
	l.stats.Retries.Add(uint64(min(l.retries, l.g.Retries)))
	if err != nil {
		return nil, l.fault(ctx, err)
	}
	if answer.PDUType != gosnmp.GetResponse {
		if l.conn.report != nil {
			return nil, l.conn.report
		}
		return nil, fmt.Errorf("%w: a PDU of type 0x%02x", ErrMalformed, byte(answer.PDUType))
	}
	if answer.Error != gosnmp.NoError {
		return nil, &ResponseError{Status: snmp.ErrorStatus(answer.Error), Index: int(answer.ErrorIndex)}
	}
	return answer, nil
}

// guard turns a panic into an error. gosnmp's decoder had several in older releases; it has a guard of its own around most.
func (l *library) guard(request func() (*gosnmp.SnmpPacket, error)) (answer *gosnmp.SnmpPacket, err error) {
	defer func() {
		if r := recover(); r != nil {
			l.stats.Panics.Add(1)
			answer, err = nil, fmt.Errorf("%w: gosnmp panicked: %.200v", ErrMalformed, r)
		}
	}()
	return request()
}
