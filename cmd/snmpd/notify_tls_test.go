package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"walkabout/agent/notify"
	"walkabout/snmp"
	"walkabout/snmp/tlstm"
)

// tlsReceiver takes notifications by TLS, by the Transport Security Model, and acknowledges informs.
type tlsReceiver struct {
	net.Listener
	t       *testing.T
	cert    *x509.Certificate
	got     chan string // of each the kind, the notification and who sent it
	serving sync.WaitGroup
}

// newTLSReceiver has a certificate of a name by ca.
func newTLSReceiver(t *testing.T, ca *issuer, name string) *tlsReceiver {
	t.Helper()
	cert, key := ca.make(&x509.Certificate{DNSNames: []string{name}})
	config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}, ClientAuth: tls.RequireAnyClientCert}
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	r := &tlsReceiver{Listener: l, t: t, cert: cert, got: make(chan string, 100)}
	r.serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.serving.Go(func() { r.serve(c.(*tls.Conn)) })
		}
	})
	t.Cleanup(func() { l.Close(); r.serving.Wait() })
	return r
}

func (r *tlsReceiver) serve(c *tls.Conn) {
	defer c.Close()
	var d snmp.Decoder
	for b := make([]byte, snmp.MaxMessageSize); ; {
		if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			return
		}
		n, err := c.Read(b) // each message is a record
		if err != nil {
			return
		}
		var scoped snmp.ScopedPDU
		m, err := snmp.ParseV3(b[:n])
		if err == nil {
			err = d.DecodeScoped(m.Data, &scoped)
		}
		if err != nil || m.SecurityModel != snmp.TSMSecurityModel || m.Flags&snmp.PrivFlag == 0 || len(m.Security) > 0 {
			r.t.Errorf("%+v: %v", m, err)
			return
		}
		r.got <- fmt.Sprint(scoped.PDU.Type, " ", scoped.PDU.VarBinds[1].Value, " by ", c.ConnectionState().PeerCertificates[0].Subject)
		if scoped.PDU.Type != snmp.InformRequest {
			continue
		}
		scoped.PDU.Type = snmp.Response
		answer := snmp.MessageV3{ID: m.ID, MaxSize: m.MaxSize, Flags: m.Flags &^ snmp.ReportableFlag, SecurityModel: m.SecurityModel, Data: scoped.AppendContent(nil)}
		out, _ := answer.Append(nil)
		if _, err := c.Write(out); err != nil {
			return
		}
	}
}

// await waits for a notification, past others.
func (r *tlsReceiver) await(want string) {
	r.t.Helper()
	for {
		select {
		case got := <-r.got:
			if got == want {
				return
			}
		case <-time.After(time.Minute):
			r.t.Fatalf("no %s", want)
		}
	}
}

// eventually waits until a counter has at least a value.
func (f *target) eventually(name string, least uint64) {
	f.t.Helper()
	for end := time.Now().Add(time.Minute); f.get(name).Uint() < least; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			f.t.Fatalf("%s does not reach %d", name, least)
		}
	}
}

const (
	tlstmSession = "1.3.6.1.2.1.198.2.1."
	opens        = tlstmSession + "1.0"
	openErrors   = tlstmSession + "3.0"
	unknown      = tlstmSession + "8.0"
	invalid      = tlstmSession + "9.0"
)

// TestNotificationsByTLS: informs of a trapsess line, and of rows that are SET; a receiver whose certificate is refused is sent nothing, counted, and told of to the
// others, once.
func TestNotificationsByTLS(t *testing.T) {
	dir := t.TempDir()
	ca := newIssuer(t, dir)
	ca.issue("tls", "snmpd", &x509.Certificate{})
	second := ca.issue("tls", "second", &x509.Certificate{})
	good, rows := newTLSReceiver(t, ca, "receiver"), newTLSReceiver(t, newIssuer(t, t.TempDir()), "rows")
	stranger, misnamed := newTLSReceiver(t, newIssuer(t, t.TempDir()), "receiver"), newTLSReceiver(t, ca, "another")
	plain := newReceiver(t)
	file := filepath.Join(dir, "snmpd.conf")
	write(t, file, targetFile+fmt.Sprintf(`persistentDir %s
trapsess -Ci -T their_hostname=receiver tlstcp:%s
trapsess -T their_hostname=receiver tlstcp:%s
trapsess -T their_hostname=receiver -name mis tlstcp:%s
trap2sink %s %s
group told tsm joe
access told "" any noauth exact all none all
view all included .1
`, filepath.Join(dir, "state"), good.Addr(), stranger.Addr(), misnamed.Addr(), plain.LocalAddr(), hidden))
	d := start(t, nil, "-c", file)
	listening := d.ready()[0]
	f := aim(t, listening)

	good.await("InformRequest " + notify.ColdStart.String() + " by CN=snmpd")
	told := map[string]string{}
	for len(told) < 3 {
		m := plain.next()
		vbs := m.PDU.VarBinds
		told[vbs[1].Value.String()] = fmt.Sprint(vbs[2:])
	}
	if got := told[notify.ServerCertificateUnknown.String()]; !strings.Contains(got, unknown) {
		t.Errorf("of the stranger: %q", got)
	}
	if got := told[notify.ServerInvalidCertificate.String()]; !strings.Contains(got, "1.3.6.1.2.1.198.2.2.1.9.1.1.109.105.115") || !strings.Contains(got, invalid) {
		t.Errorf("of the other name: %q", got)
	}
	good.await("InformRequest " + notify.ServerCertificateUnknown.String() + " by CN=snmpd")
	f.eventually(unknown, 2) // it is tried again, and told of once

	cell := func(column string, v any) gosnmp.SnmpPDU {
		kind := gosnmp.OctetString
		if _, number := v.(int); number {
			kind = gosnmp.Integer
		}
		return gosnmp.SnmpPDU{Name: "." + column, Type: kind, Value: v}
	}
	addr, params, row, tlsParams, tlsAddr := snmpModules+"12.1.2.1.%d.97", snmpModules+"12.1.3.1.%d.112", snmpModules+"13.1.1.1.%d.110",
		"1.3.6.1.2.1.198.2.2.1.6.1.%d.112", "1.3.6.1.2.1.198.2.2.1.9.1.%d.97"
	at := fmt.Sprintf
	expect := func(what string, want gosnmp.SNMPError, vbs ...gosnmp.SnmpPDU) {
		t.Helper()
		if got := set(t, listening, vbs...); got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	address := func(text string) []gosnmp.SnmpPDU {
		return []gosnmp.SnmpPDU{
			cell(at(addr, 9), 4), {Name: "." + at(addr, 2), Type: gosnmp.ObjectIdentifier, Value: ".1.3.6.1.6.1.8"}, cell(at(addr, 3), text),
			cell(at(addr, 6), "t"), cell(at(addr, 7), "p"),
		}
	}
	expect("an address without a port", gosnmp.InconsistentValue, address("127.0.0.1")...)
	expect("an identity that is everybody's", gosnmp.InconsistentValue, cell(at(tlsAddr, 4), 4), cell(at(tlsAddr, 1), ""), cell(at(tlsAddr, 2), "*"))
	rowsMark := string(tlstm.Of(tlstm.SHA256, rows.cert.Raw))
	expect("the rows", gosnmp.NoError, append(address(rows.Addr().String()),
		cell(at(params, 7), 4), cell(at(params, 2), 3), cell(at(params, 3), 4), cell(at(params, 4), "joe"),
		cell(at(params, 5), 3), cell(at(row, 5), 4), cell(at(row, 2), "t"), cell(at(row, 3), 2),
		cell(at(tlsParams, 3), 4), cell(at(tlsParams, 1), string(tlstm.Of(tlstm.SHA512, second.Raw))),
		cell(at(tlsAddr, 4), 4), cell(at(tlsAddr, 1), rowsMark))...)
	d.hangup <- syscall.SIGHUP
	rows.await("InformRequest " + notify.WarmStart.String() + " by CN=second")

	refused := f.get(unknown).Uint()
	expect("another fingerprint", gosnmp.NoError, cell(at(tlsAddr, 4), 2))
	expect("another fingerprint", gosnmp.NoError, cell(at(tlsAddr, 1), string(tlstm.Of(tlstm.SHA256, []byte("x")))), cell(at(tlsAddr, 4), 1))
	d.hangup <- syscall.SIGHUP
	good.await("InformRequest " + notify.WarmStart.String() + " by CN=snmpd")
	f.eventually(unknown, refused+1)
	if o, e := f.get(opens).Uint(), f.get(openErrors).Uint(); e < 3 || o <= e {
		t.Errorf("%d sessions, %d of them failed", o, e)
	}
	all := d.finish()
	for _, r := range []*tlsReceiver{stranger, misnamed} {
		if len(r.got) > 0 {
			t.Errorf("it was sent %s", <-r.got)
		}
	}
	for _, want := range []string{"the receiver's certificate is not trusted", `not valid for \"receiver\"`} {
		if !strings.Contains(all, want) {
			t.Errorf("not logged: %s\n%s", want, all)
		}
	}
	for last := notify.NSNotifyShutdown.String(); ; {
		trap := plain.next().PDU.VarBinds[1].Value.String()
		if trap == last {
			break
		}
		if trap == notify.ServerInvalidCertificate.String() {
			t.Errorf("%s again", trap)
		}
	}
}
