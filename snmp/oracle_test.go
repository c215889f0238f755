package snmp_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gosnmp/gosnmp"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// fromOracle converts what gosnmp decoded.
func fromOracle(t *testing.T, p *gosnmp.SnmpPacket) snmp.Message {
	t.Helper()
	m := snmp.Message{Version: snmp.Version(p.Version), Community: p.Community}
	m.PDU = snmp.PDU{Type: snmp.PDUType(p.PDUType), RequestID: int32(p.RequestID), ErrorStatus: snmp.ErrorStatus(p.Error), ErrorIndex: int32(p.ErrorIndex)}
	if m.PDU.Type == snmp.GetBulkRequest {
		m.PDU.ErrorStatus, m.PDU.ErrorIndex = snmp.ErrorStatus(p.NonRepeaters), int32(p.MaxRepetitions)
	}
	for _, v := range p.Variables {
		m.PDU.VarBinds = append(m.PDU.VarBinds, snmp.VarBind{Name: oid.MustParse(v.Name), Value: oracleValue(t, v)})
	}
	return m
}

func oracleValue(t *testing.T, v gosnmp.SnmpPDU) snmp.Value {
	t.Helper()
	switch v.Type {
	case gosnmp.Integer:
		return snmp.Integer(int32(v.Value.(int)))
	case gosnmp.OctetString:
		return snmp.OctetString(string(v.Value.([]byte)))
	case gosnmp.ObjectIdentifier:
		return snmp.ObjectID(oid.MustParse(v.Value.(string)))
	case gosnmp.Counter32:
		return snmp.Counter32(uint32(gosnmp.ToBigInt(v.Value).Uint64()))
	case gosnmp.Gauge32:
		return snmp.Gauge32(uint32(gosnmp.ToBigInt(v.Value).Uint64()))
	case gosnmp.TimeTicks:
		return snmp.TimeTicks(uint32(gosnmp.ToBigInt(v.Value).Uint64()))
	case gosnmp.Counter64:
		return snmp.Counter64(gosnmp.ToBigInt(v.Value).Uint64())
	case gosnmp.Null:
		return snmp.Null
	case gosnmp.NoSuchObject:
		return snmp.NoSuchObject
	case gosnmp.NoSuchInstance:
		return snmp.NoSuchInstance
	case gosnmp.EndOfMibView:
		return snmp.EndOfMibView
	default:
		t.Fatalf("%s: gosnmp type %v", v.Name, v.Type)
		return snmp.Null
	}
}

// TestOracle holds our encoding against gosnmp's decoder: every PDU that both know, each value alone.
func TestOracle(t *testing.T) {
	types := []snmp.PDUType{snmp.GetRequest, snmp.GetNextRequest, snmp.Response, snmp.SetRequest, snmp.GetBulkRequest, snmp.InformRequest, snmp.TrapV2}
	compared := 0
	for _, version := range []snmp.Version{snmp.V1, snmp.V2c} {
		for _, kind := range types {
			for _, v := range everyValue() {
				switch {
				case v.Kind() == snmp.KindIPAddress || v.Kind() == snmp.KindOpaque: // gosnmp's own forms of these are compared by TestOracleEncoder
					continue
				case v == snmp.ObjectID(oid.MustParse("2.999.4294967295")): // gosnmp does not split 2.40 and above
					continue
				}
				m := snmp.Message{Version: version, Community: "public", PDU: snmp.PDU{Type: kind, RequestID: 12345,
					VarBinds: []snmp.VarBind{{Name: oid.New(1, 3, 6, 1, 4, 1, 4294967295, 128), Value: v}}}}
				if kind == snmp.GetBulkRequest {
					m.PDU.ErrorStatus, m.PDU.ErrorIndex = 1, 20
				}
				p, err := gosnmp.Default.SnmpDecodePacket(m.Append(nil))
				if err != nil {
					t.Errorf("%v %v %v: gosnmp: %v", version, kind, v, err)
					continue
				}
				if diff := cmp.Diff(m, fromOracle(t, p), equal); diff != "" {
					t.Errorf("%v %v %v (-ours +gosnmp):\n%s", version, kind, v, diff)
				}
				compared++
			}
		}
	}
	if compared < 300 {
		t.Errorf("only %d messages compared", compared)
	}
}

// TestOracleEncoder holds our decoder against gosnmp's encoding.
func TestOracleEncoder(t *testing.T) {
	tests := []struct {
		pdu  gosnmp.SnmpPDU
		want snmp.Value
	}{
		{gosnmp.SnmpPDU{Type: gosnmp.Integer, Value: -129}, snmp.Integer(-129)},
		{gosnmp.SnmpPDU{Type: gosnmp.OctetString, Value: "text"}, snmp.OctetString("text")},
		{gosnmp.SnmpPDU{Type: gosnmp.ObjectIdentifier, Value: ".1.3.6.1.4.1.99999"}, snmp.ObjectID(oid.MustParse("1.3.6.1.4.1.99999"))},
		{gosnmp.SnmpPDU{Type: gosnmp.IPAddress, Value: "192.0.2.9"}, snmp.IPAddress(addr("192.0.2.9"))},
		{gosnmp.SnmpPDU{Type: gosnmp.Counter32, Value: uint32(4294967295)}, snmp.Counter32(4294967295)},
		{gosnmp.SnmpPDU{Type: gosnmp.Gauge32, Value: uint32(128)}, snmp.Gauge32(128)},
		{gosnmp.SnmpPDU{Type: gosnmp.TimeTicks, Value: uint32(65536)}, snmp.TimeTicks(65536)},
		{gosnmp.SnmpPDU{Type: gosnmp.Counter64, Value: uint64(1 << 63)}, snmp.Counter64(1 << 63)},
		{gosnmp.SnmpPDU{Type: gosnmp.Null}, snmp.Null},
	}
	x := &gosnmp.GoSNMP{Version: gosnmp.Version2c, Community: "public"}
	var d snmp.Decoder
	for i, tt := range tests {
		tt.pdu.Name = fmt.Sprintf(".1.3.6.1.4.1.%d.%d", i, uint32(1)<<31)
		b, err := x.SnmpEncodePacket(gosnmp.SetRequest, []gosnmp.SnmpPDU{tt.pdu}, 0, 0)
		if err != nil {
			t.Errorf("gosnmp encodes %v: %v", tt.want, err)
			continue
		}
		var m snmp.Message
		if err := d.Decode(b, &m); err != nil {
			t.Errorf("%v: %v", tt.want, err)
			continue
		}
		want := []snmp.VarBind{{Name: oid.MustParse(tt.pdu.Name), Value: tt.want}}
		if diff := cmp.Diff(want, m.PDU.VarBinds, equal); diff != "" || m.Community != "public" || m.PDU.Type != snmp.SetRequest {
			t.Errorf("%v: %+v (-want +got):\n%s", tt.want, m, diff)
		}
	}
}
