package trap_test

import (
	"testing"

	"walkabout/collector/trap"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

func TestInterface(t *testing.T) {
	vb := func(name string, v snmp.Value) snmp.VarBind {
		return snmp.VarBind{Name: oid.MustParse(name), Value: v}
	}
	for name, tt := range map[string]struct {
		vbs  []snmp.VarBind
		want uint32 // 0: none
	}{
		"as RFC 2863 has it": {[]snmp.VarBind{vb("1.3.6.1.2.1.2.2.1.1.7", snmp.Integer(7)), vb("1.3.6.1.2.1.2.2.1.7.7", snmp.Integer(1))}, 7},
		"no instance":        {[]snmp.VarBind{vb("1.3.6.1.2.1.2.2.1.1", snmp.Integer(7))}, 7},
		"instance 0":         {[]snmp.VarBind{vb("1.3.6.1.2.1.2.2.1.1.0", snmp.Integer(7))}, 7},
		"without ifIndex":    {[]snmp.VarBind{vb("1.3.6.1.4.1.9.2.2.1.1.20.7", snmp.OctetString("down")), vb("1.3.6.1.2.1.31.1.1.1.1.7", snmp.OctetString("Gi0/7"))}, 7},
		"nonsense":           {[]snmp.VarBind{vb("1.3.6.1.2.1.2.2.1.1.0", snmp.Integer(-7)), vb("1.3.6.1.2.1.2.2.1.1.0", snmp.OctetString("7")), vb("1.3.6.1.2.1.2.2.1.8", snmp.Null)}, 0},
		"nothing":            {nil, 0},
	} {
		n := trap.Notification{VarBinds: tt.vbs}
		if got, ok := n.Interface(); got != tt.want || ok != (tt.want != 0) {
			t.Errorf("%s: %d, %v, want %d", name, got, ok, tt.want)
		}
	}
}
