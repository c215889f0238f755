package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"walkabout/internal/bench/agents"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// testCase is a kind of request.
type testCase struct {
	name     string
	window   int // requests under way at a time
	pdu      snmp.PDU
	varBinds int  // that a right answer has
	v3       bool // by SNMPv3 with SHA and AES, else by v2c; its window is 1
}

// casesFor returns the cases; index is the ifIndex whose counters are asked.
func casesFor(index uint32) []testCase {
	name := func(s string, arcs ...uint32) snmp.VarBind {
		return snmp.VarBind{Name: oid.MustParse("1.3.6.1.2.1." + s).Append(arcs...)}
	}
	get := func(vbs ...snmp.VarBind) snmp.PDU { return snmp.PDU{Type: snmp.GetRequest, VarBinds: vbs} }
	upTime := name("1.3.0")
	var ten []snmp.VarBind
	for _, column := range []string{ // octets, packets, discards and errors both ways, and the 64-bit octets
		"2.2.1.10", "2.2.1.11", "2.2.1.13", "2.2.1.14", "2.2.1.16", "2.2.1.17", "2.2.1.19", "2.2.1.20", "31.1.1.1.6", "31.1.1.1.10",
	} {
		ten = append(ten, name(column, index))
	}
	bulk := snmp.NewGetBulk(0, 0, 25)
	bulk.VarBinds = []snmp.VarBind{name("2.2.1.10")}
	const wide = 16
	return []testCase{
		{name: "GET sysUpTime", window: 1, pdu: get(upTime), varBinds: 1},
		{name: "GET 10 counters", window: 1, pdu: get(ten...), varBinds: 10},
		{name: "GET 10 counters and sysUpTime", window: 1, pdu: get(append([]snmp.VarBind{upTime}, ten...)...), varBinds: 11},
		{name: "GETNEXT", window: 1, pdu: snmp.PDU{Type: snmp.GetNextRequest, VarBinds: []snmp.VarBind{name("2.2.1.10")}}, varBinds: 1},
		{name: "GETBULK 25", window: 1, pdu: bulk, varBinds: 25},
		{name: "v3 GET 10 counters", window: 1, pdu: get(ten...), varBinds: 10, v3: true},
		{name: "v3 GETBULK 25", window: 1, pdu: bulk, varBinds: 25, v3: true},
		throughSubAgent(),
		{name: "GET sysUpTime, window 16", window: wide, pdu: get(upTime), varBinds: 1},
		{name: "GET 10 counters, window 16", window: wide, pdu: get(ten...), varBinds: 10},
		{name: "GETBULK 25, window 16", window: wide, pdu: bulk, varBinds: 25},
	}
}

// answerTime is how long an answer may take.
const answerTime = 2 * time.Second

// firstID makes every request-id take four octets, so that it can be written into an encoded request.
const firstID = 1 << 30

// load sends one case's requests. It reads by blocking system calls: Go's poller would take more CPU time than a daemon does.
type load struct {
	testCase
	echo    bool
	fd      int
	request []byte
	id      int // the offset of request-id's content in request
	decoder snmp.Decoder
	answer  snmp.Message
	in      [snmp.MaxMessageSize]byte
	pending map[int32]bool // by request-id
	client  *v3Client      // nil but for SNMPv3
}

func newLoad(d *daemon, c testCase) (*load, error) {
	l := &load{testCase: c, echo: d.echo, pending: make(map[int32]bool)}
	m := snmp.Message{Version: snmp.V2c, Community: agents.Community, PDU: c.pdu}
	m.PDU.RequestID = firstID
	l.request = m.Append(nil)
	l.id = bytes.Index(l.request, binary.BigEndian.AppendUint32(nil, firstID))
	var err error
	if c.v3 && !d.echo {
		if l.client, err = newV3Client(d); err != nil {
			return nil, err
		}
		if l.request, err = l.client.seal(c.pdu); err != nil {
			l.client.close()
			return nil, err
		}
	}
	l.fd, err = dial(d.Addr)
	return l, err
}

// dial returns a connected socket that is read and written by blocking system calls.
func dial(to netip.AddrPort) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	timeout := unix.NsecToTimeval(int64(answerTime))
	err = errors.Join(
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout),
		unix.Connect(fd, &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())}))
	if err != nil {
		return -1, errors.Join(fmt.Errorf("connect to %v: %w", to, err), unix.Close(fd))
	}
	return fd, nil
}

func (l *load) close() {
	_ = unix.Close(l.fd) // nothing is left in it
	if l.client != nil {
		l.client.close()
	}
}

// run sends n requests and checks the answers.
func (l *load) run(n int) error {
	for sent, answered := 0, 0; answered < n; {
		for ; sent < n && len(l.pending) < l.window; sent++ {
			id := firstID + int32(sent)
			if l.client != nil {
				id = firstID
			}
			if err := l.send(id); err != nil {
				return err
			}
		}
		if err := l.receive(); err != nil {
			return err
		}
		answered++
	}
	return nil
}

func (l *load) send(id int32) error {
	if l.client == nil {
		binary.BigEndian.PutUint32(l.request[l.id:], uint32(id))
	}
	l.pending[id] = true
	if _, err := unix.Write(l.fd, l.request); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

func (l *load) receive() error {
	n, err := unix.Read(l.fd, l.in[:])
	for errors.Is(err, unix.EINTR) {
		n, err = unix.Read(l.fd, l.in[:])
	}
	if errors.Is(err, unix.EAGAIN) {
		return fmt.Errorf("no answer within %v", answerTime)
	}
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if l.client != nil {
		id, err := l.client.open(l.in[:n], l.varBinds)
		if err == nil && !l.pending[id] {
			err = fmt.Errorf("an answer to request-id %d, which is not under way", id)
		}
		delete(l.pending, id)
		return err
	}
	if err := l.decoder.Decode(l.in[:n], &l.answer); err != nil {
		return err
	}
	p := &l.answer.PDU
	if !l.pending[p.RequestID] {
		return fmt.Errorf("an answer to request-id %d, which is not under way", p.RequestID)
	}
	delete(l.pending, p.RequestID)
	if l.echo {
		return nil
	}
	if p.Type != snmp.Response || p.ErrorStatus != snmp.NoError || len(p.VarBinds) != l.varBinds {
		return fmt.Errorf("a %v with %v and %d variable bindings, of %d", p.Type, p.ErrorStatus, len(p.VarBinds), l.varBinds)
	}
	for _, vb := range p.VarBinds {
		if !vb.Value.IsNumber() {
			return fmt.Errorf("%v is %v", vb.Name, vb.Value)
		}
	}
	return nil
}
