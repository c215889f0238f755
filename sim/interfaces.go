package sim

import (
	"cmp"
	"math"

	"walkabout/snmp"
)

// status of ifAdminStatus and ifOperStatus (RFC 2863).
const (
	up   = 1
	down = 2
)

func (s *state) status(i int) (admin, oper int32) {
	p := &s.ports[i]
	switch {
	case p.AdminDown:
		return down, down
	case p.up(s.age(i)):
		return up, up
	default:
		return up, down
	}
}

// ifEntry returns a cell of ifTable.
func (s *state) ifEntry(i int, column uint32) (snmp.Value, bool) {
	p := &s.ports[i]
	age := s.age(i)
	in, out := p.InOctets(age), p.OutOctets(age)
	switch column {
	case 1:
		return snmp.Integer(int32(p.Index)), true
	case 2:
		return snmp.OctetString(cmp.Or(p.Descr, p.Name)), true
	case 3:
		return snmp.Integer(cmp.Or(p.Type, 6)), true
	case 4:
		return snmp.Integer(cmp.Or(p.MTU, 1500)), true
	case 5:
		return snmp.Gauge32(uint32(min(p.Speed, math.MaxUint32))), true
	case 6:
		return snmp.OctetString(string([]byte{0x02, 0, 0, 0, byte(p.Index >> 8), byte(p.Index)})), true
	case 7:
		admin, _ := s.status(i)
		return snmp.Integer(admin), true
	case 8:
		_, oper := s.status(i)
		return snmp.Integer(oper), true
	case 9:
		return ticks(p.lastChange(age) + s.uptime - age), true
	case 10:
		return snmp.Counter32(uint32(in)), true
	case 11:
		return snmp.Counter32(uint32(packets(in))), true
	case 14:
		return snmp.Counter32(uint32(p.ErrorRate * p.active(age).Seconds())), true
	case 16:
		return snmp.Counter32(uint32(out)), true
	case 17:
		return snmp.Counter32(uint32(packets(out))), true
	case 21:
		return snmp.Gauge32(0), true
	case 22:
		return snmp.ObjectID(zeroDot0), true
	default: // packets to many, discards, output errors: it has none
		return snmp.Counter32(0), true
	}
}

// ifXEntry returns a cell of ifXTable.
func (s *state) ifXEntry(i int, column uint32) (snmp.Value, bool) {
	p := &s.ports[i]
	age := s.age(i)
	in, out := p.InOctets(age), p.OutOctets(age)
	switch column {
	case 1:
		return snmp.OctetString(p.Name), true
	case 2, 3, 4, 5:
		return snmp.Counter32(0), true
	case 6:
		return snmp.Counter64(in), !s.narrow
	case 7:
		return snmp.Counter64(packets(in)), !s.narrow
	case 10:
		return snmp.Counter64(out), !s.narrow
	case 11:
		return snmp.Counter64(packets(out)), !s.narrow
	case 8, 9, 12, 13:
		return snmp.Counter64(0), !s.narrow
	case 14:
		return snmp.Integer(1), true // ifLinkUpDownTrapEnable enabled
	case 15:
		return snmp.Gauge32(uint32(min(p.Speed/1e6, math.MaxUint32))), true
	case 16:
		return snmp.Integer(2), true // ifPromiscuousMode false
	case 17:
		return snmp.Integer(1), true // ifConnectorPresent true
	case 18:
		return snmp.OctetString(p.Alias), true
	case 19:
		if at, ok := s.born[p.Index]; ok {
			return ticks(at.Sub(s.boot)), true
		}
		return snmp.TimeTicks(0), true
	default:
		return snmp.Value{}, false
	}
}
