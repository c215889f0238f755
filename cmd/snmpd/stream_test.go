//go:build unix

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// askStream gets one text over v2c by a connection; an error if none comes.
func askStream(t *testing.T, network, address, name string) (string, error) {
	t.Helper()
	conn, err := net.Dial(network, address)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	q := snmp.Message{Version: snmp.V2c, Community: hidden, PDU: snmp.PDU{Type: snmp.GetRequest, VarBinds: []snmp.VarBind{{Name: oid.MustParse(strings.TrimPrefix(name, "."))}}}}
	if _, err := conn.Write(q.Append(nil)); err != nil {
		return "", err
	}
	b := make([]byte, snmp.MaxMessageSize)
	n, err := conn.Read(b)
	if err != nil {
		return "", err
	}
	var a snmp.Message
	if err := new(snmp.Decoder).Decode(b[:n], &a); err != nil || len(a.PDU.VarBinds) != 1 {
		return "", fmt.Errorf("%w, %d variable bindings", err, len(a.PDU.VarBinds))
	}
	return a.PDU.VarBinds[0].Value.Octets(), nil
}

const local = `
com2secunix local default ` + hidden + `
group local v2c local
view all included .1
access local "" any noauth exact all none none
rocommunity ` + hidden + ` 127.0.0.1
rocommunity6 ` + hidden + ` ::1
sysLocation `

func TestStreams(t *testing.T) {
	path := filepath.Join(t.TempDir(), "snmpd.sock")
	file := config(t, "agentAddress tcp:127.0.0.1:0,unix:"+path+",127.0.0.1:0"+local+"one")
	d := start(t, nil, "-c", file)
	log := d.until("msg=ready")
	tcp := addressOf(t, log, "tcp4")
	for what, address := range map[string]string{"tcp": tcp, "unix": path} {
		if got, err := askStream(t, what, address, sysLocationOID); err != nil || got != "one" {
			t.Errorf("%s %s: %q, %v", what, address, got, err)
		}
	}

	// What stays listed keeps its socket, and its connections.
	conn, err := net.Dial("tcp", tcp)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	write(t, file, "agentAddress tcp:127.0.0.1:0,127.0.0.1:0"+local+"two")
	d.hangup <- syscall.SIGHUP
	d.until("msg=reloaded")
	if got, err := askStream(t, "tcp", tcp, sysLocationOID); err != nil || got != "two" {
		t.Errorf("after a reload: %q, %v", got, err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket that is no longer listed: %v", err)
	}
	d.finish()
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("a connection outlives the program")
	}
}

func TestStreamsThatCannotBe(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	write(t, file, "x")
	busy, err := net.Listen("unix", filepath.Join(dir, "busy"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	tcp, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tcp.Close() }()
	for address, want := range map[string]string{
		"unix:" + file:                     "remove that file",
		"unix:" + busy.Addr().String():     "is in use by another program",
		"unix:" + dir + "/none/snmpd.sock": "its folder must be there",
		"tcp:" + tcp.Addr().String():       "ss -tlnp",
		"udp6:[fe80::1]:0":                 "a link-local address needs the name of an interface",
		"tcp:161,tcp:127.0.0.1:161":        "both cannot be had",
	} {
		out := start(t, nil, "-C", address).end(exitError)
		if !strings.Contains(out, want) {
			t.Errorf("%s: no %q in:\n%s", address, want, out)
		}
	}
}

func TestNobodyIsAcceptedByUnix(t *testing.T) {
	d := start(t, nil, "-c", config(t, "agentAddress "+filepath.Join(t.TempDir(), "s")+"\nrocommunity "+hidden))
	d.ready()
	if out := d.finish(); !strings.Contains(out, "com2secunix NAME default COMMUNITY") {
		t.Errorf("no word of com2secunix:\n%s", out)
	}
}
