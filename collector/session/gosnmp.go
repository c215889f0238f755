package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/gosnmp/gosnmp"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// maxNames bounds the names of one request. gosnmp's own limit is 60, which is a guess of what agents bear.
const maxNames = 255

// library is a Client over gosnmp.
type library struct {
	g       *gosnmp.GoSNMP
	conn    *conn
	stats   *Stats
	bulk    bool
	retries int // of the request of the moment
}

// Open resolves the host and opens a session with it. Nothing is sent yet, so it does not tell whether the agent is there; an
// error means that the name cannot be resolved or the system gives no socket.
func Open(ctx context.Context, o Options) (Client, error) {
	if err := o.Credential.Validate(); err != nil {
		return nil, err
	}
	l := &library{stats: o.Stats, bulk: !o.NoBulk && o.Credential.Version != snmp.V1}
	l.g = &gosnmp.GoSNMP{
		Target:  o.Host,
		Port:    o.Port,
		Version: gosnmp.SnmpVersion(o.Credential.Version),
		Context: ctx,
		Timeout: o.Timeout,
		Retries: o.Retries,
		MaxOids: maxNames,
		OnRetry: func(*gosnmp.GoSNMP) { l.retries++ },
	}
	if o.Credential.Version == snmp.V3 {
		setUser(l.g, o.Credential)
	} else {
		l.g.Community = o.Credential.Community.Reveal()
	}
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
	if err != nil {
		return dst, err
	}
	if most := nonRepeaters + (len(names)-nonRepeaters)*max; len(answer.Variables) > most {
		return dst, fmt.Errorf("%w: %d variables where at most %d were asked for", ErrMalformed, len(answer.Variables), most)
	}
	return l.append(dst, answer.Variables)
}

// each asks a GET or GETNEXT, which has one answer a name. Where the agent says noSuchName (RFC 1157 section 4.1.2) the name
// gets missing for an answer and the others are asked again.
func (l *library) each(ctx context.Context, dst []snmp.VarBind, names []oid.OID, missing snmp.Value,
	request func([]string) (*gosnmp.SnmpPacket, error),
) ([]snmp.VarBind, error) {
	start := len(dst)
	rest := make([]int, len(names)) // positions in names that are still to be answered
	for i, name := range names {
		dst = append(dst, snmp.VarBind{Name: name, Value: missing})
		rest[i] = i
	}
	for len(rest) > 0 {
		asked := make([]oid.OID, len(rest))
		for i, at := range rest {
			asked[i] = names[at]
		}
		answer, err := l.ask(ctx, func() (*gosnmp.SnmpPacket, error) { return request(texts(asked)) })
		var re *ResponseError
		if errors.As(err, &re) && re.Status == snmp.NoSuchName && re.Index >= 1 && re.Index <= len(rest) {
			rest = append(rest[:re.Index-1], rest[re.Index:]...)
			continue
		}
		if err != nil {
			return dst[:start], err
		}
		if len(answer.Variables) != len(rest) {
			return dst[:start], fmt.Errorf("%w: %d variables where %d were asked for", ErrMalformed, len(answer.Variables), len(rest))
		}
		vbs, err := l.append(nil, answer.Variables)
		if err != nil {
			return dst[:start], err
		}
		for i, at := range rest {
			dst[start+at] = vbs[i]
		}
		break
	}
	return dst, nil
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
