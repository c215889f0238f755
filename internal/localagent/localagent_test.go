package localagent_test

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"walkabout/agent"
	"walkabout/internal/localagent"
	"walkabout/internal/secret"
	"walkabout/mib/mib2"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// get asks for one object and returns its value.
func get(t *testing.T, address netip.AddrPort, name oid.OID) snmp.Value {
	t.Helper()
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(address))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	m := snmp.Message{Version: snmp.V2c, Community: "public", PDU: snmp.PDU{Type: snmp.GetRequest, RequestID: 1, VarBinds: []snmp.VarBind{{Name: name}}}}
	if _, err := conn.Write(m.Append(nil)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, snmp.MaxMessageSize)
	n, err := conn.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	var answer snmp.Message
	if err := new(snmp.Decoder).Decode(b[:n], &answer); err != nil || len(answer.PDU.VarBinds) != 1 {
		t.Fatalf("%+v, %v", answer, err)
	}
	return answer.PDU.VarBinds[0].Value
}

func TestAgent(t *testing.T) {
	a, err := localagent.New(t.Context(), localagent.Options{})
	if err != nil {
		t.Fatal(err)
	}
	socket, err := agent.ListenUDP(t.Context(), "udp4", netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	a.SetCommunities([]agent.Community{{Name: secret.New("public"), Principal: "test"}})
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- a.ServeDatagrams(ctx, socket) }()

	sysObjectID, sysLocation := oid.MustParse("1.3.6.1.2.1.1.2.0"), oid.MustParse("1.3.6.1.2.1.1.6.0")
	if got, want := get(t, socket.LocalAddr(), sysObjectID), snmp.ObjectID(mib2.DefaultSystem().ObjectID); got != want {
		t.Errorf("sysObjectID %v, want %v", got, want)
	}
	s := mib2.DefaultSystem()
	s.Location = "here"
	if err := a.SetSystem(s); err != nil {
		t.Fatal(err)
	}
	if got, want := get(t, socket.LocalAddr(), sysLocation), snmp.OctetString("here"); got != want {
		t.Errorf("sysLocation %v, want %v", got, want)
	}

	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}
