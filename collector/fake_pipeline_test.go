package collector_test

import (
	"context"
	"time"

	"walkabout/collector/session"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// requests returns how many requests there were, and asks how many calls of Ask.
func (d *device) requests() (n int) {
	d.change(func() { n = d.asked })
	return n
}

func (d *device) asks() (n int) {
	d.change(func() { n = d.pipelined })
	return n
}

// Ask implements session.Pipeline as the shared sockets do: the requests of all slots are out before the first is answered, and the last
// of them is answered first.
func (d *device) Ask(ctx context.Context, r session.Requests) error {
	d.change(func() { d.pipelined++ })
	for {
		var out [session.Depth][]byte
		var asked [session.Depth]session.Request
		var sent [session.Depth]time.Time
		some := false
		for slot := range out {
			q, list, ok := r.Next(slot, nil)
			if ok {
				asked[slot], out[slot], sent[slot], some = q, list, time.Now(), true
			}
		}
		if !some {
			return nil
		}
		for slot := session.Depth - 1; slot >= 0; slot-- {
			if out[slot] == nil {
				continue
			}
			vbs, err := d.Bulk(ctx, nil, asked[slot].NonRepeaters, namesOf(out[slot]), asked[slot].Repetitions)
			if err != nil {
				return err
			}
			m := snmp.Message{Version: snmp.V2c, PDU: snmp.PDU{Type: snmp.Response, VarBinds: vbs}}
			b := m.Append(nil)
			a, err := snmp.ReadAnswer(b)
			if err != nil {
				return err
			}
			if err := r.Answer(slot, &a, len(b), sent[slot], time.Now()); err != nil {
				return err
			}
		}
	}
}

// namesOf reads the names of a list of variable bindings.
func namesOf(list []byte) []oid.OID {
	var m snmp.Message
	if err := new(snmp.Decoder).Decode(snmp.AppendRequest(nil, snmp.V2c, "", snmp.RequestHead{Type: snmp.GetBulkRequest, RequestID: 1, Repetitions: 1}, list), &m); err != nil {
		panic(err)
	}
	var names []oid.OID
	for _, vb := range m.PDU.VarBinds {
		names = append(names, vb.Name)
	}
	return names
}
