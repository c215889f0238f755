package trap_test

import (
	"testing"
	"testing/synctest"
	"time"

	"walkabout/collector/smi"
	"walkabout/internal/packetnet"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
)

// hostile are datagrams that no receiver may take, by what is wrong with them.
func hostile() map[string]struct {
	datagram []byte
	outcome  string
} {
	null := trapV2(linkDown)
	null.VarBinds[1].Value = snmp.Null
	number := trapV2(linkDown)
	number.VarBinds[1].Value = snmp.Integer(3)
	v1 := snmp.PDU{Type: snmp.TrapV1, Trap: snmp.TrapV1Header{Enterprise: oid.MustParse("1.3.6.1.4.1.9999")}}
	well := message(snmp.V2c, "public", trapV2(linkDown))
	type row = struct {
		datagram []byte
		outcome  string
	}
	return map[string]row{
		"nothing":                         {nil, "malformed"},
		"one octet":                       {[]byte{0x30}, "malformed"},
		"text":                            {[]byte("GET / HTTP/1.1\r\n\r\n"), "malformed"},
		"half a message":                  {well[:len(well)/2], "malformed"},
		"octets behind the message":       {append(append([]byte(nil), well...), 0), "malformed"},
		"snmpTrapOID.0 is NULL":           {message(snmp.V2c, "public", null), "malformed"},
		"snmpTrapOID.0 is a number":       {message(snmp.V2c, "public", number), "malformed"},
		"no variable bindings":            {message(snmp.V2c, "public", snmp.PDU{Type: snmp.TrapV2}), "malformed"},
		"a request":                       {message(snmp.V2c, "public", snmp.PDU{Type: snmp.GetRequest}), "wrong_pdu"},
		"a response":                      {message(snmp.V2c, "public", snmp.PDU{Type: snmp.Response}), "wrong_pdu"},
		"a trap of version 1 in 2c":       {message(snmp.V2c, "public", v1), "wrong_pdu"},
		"an inform in version 1":          {message(snmp.V1, "public", snmp.PDU{Type: snmp.InformRequest, VarBinds: varBinds(linkDown)}), "wrong_pdu"},
		"version 2":                       {message(2, "public", trapV2(linkDown)), "unsupported_version"},
		"a length that is not there":      {[]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x02, 0x01, 0x01}, "malformed"},
		"SNMPv3 that is nothing more":     {[]byte{0x30, 0x03, 0x02, 0x01, 0x03}, "malformed"},
		"SNMPv3 of another model":         {another(2, 0), "malformed"},
		"SNMPv3 of privacy only":          {another(3, snmp.PrivFlag), "malformed"},
		"SNMPv3 with parameters of noise": {noise(), "malformed"},
	}
}

func another(model int32, flags snmp.Flags) []byte {
	m := snmp.MessageV3{ID: 1, MaxSize: 1500, Flags: flags, SecurityModel: model, Security: []byte{0x30, 0}}
	b, _ := m.Append(nil)
	return b
}

func noise() []byte {
	m := snmp.MessageV3{ID: 1, MaxSize: 1500, SecurityModel: 3, Security: []byte("noise")}
	b, _ := m.Append(nil)
	return b
}

func TestHostile(t *testing.T) {
	for name, tt := range hostile() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, config())
				sw1 := b.sender("192.0.2.1:1000")
				b.send(sw1, tt.datagram)
				b.want("it")
				if got := b.outcomes(); len(got) != 1 || got[tt.outcome] != 1 {
					t.Errorf("outcomes: %v, want %s", got, tt.outcome)
				}
				b.send(sw1, message(snmp.V2c, "public", trapV2(linkDown)))
				b.want("what comes after it", `2c linkDown of "sw1" at 192.0.2.1`)
			})
		})
	}
}

// FuzzReceive sends anything at all, between two notifications that must come through.
func FuzzReceive(f *testing.F) {
	for _, tt := range hostile() {
		f.Add(tt.datagram)
	}
	inform := trapV2(linkDown, index(1))
	inform.Type = snmp.InformRequest
	f.Add(message(snmp.V2c, "public", inform))
	f.Add(message(snmp.V1, "public", snmp.PDU{Type: snmp.TrapV1, Trap: snmp.TrapV1Header{Enterprise: oid.MustParse("1.3.6.1.4.1.9999"), GenericTrap: 6}}))
	f.Add(usm.SealDiscovery(nil, new(usm.Sealer), snmp.MessageV3{ID: 1, MaxSize: 1500}, 1))
	f.Fuzz(func(t *testing.T, datagram []byte) {
		if len(datagram) > snmp.MaxMessageSize {
			return
		}
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, config())
			sw1, other := b.sender("192.0.2.1:1000"), b.sender("192.0.2.9:1000")
			b.send(other, datagram)
			for len(b.got) > 0 {
				n := <-b.got
				n.Sample(smi.BuiltIn())
			}
			b.send(sw1, message(snmp.V2c, "public", trapV2(linkDown)))
			b.want("what comes after it", `2c linkDown of "sw1" at 192.0.2.1`)
			if n := answers(t, other); n > 1 {
				t.Errorf("%d answers to one datagram", n)
			}
			total := uint64(0)
			for _, n := range b.receiver.Stats() {
				total += n
			}
			if total != 2 {
				t.Errorf("%d outcomes of two datagrams", total)
			}
		})
	})
}

// answers returns how many datagrams wait at c.
func answers(t *testing.T, c *packetnet.Conn) int {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, snmp.MaxMessageSize)
	for n := 0; ; n++ {
		if _, _, err := c.ReadFromAddrPort(buf); err != nil {
			return n
		}
	}
}
