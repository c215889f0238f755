package trap

import (
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"

	"walkabout/metric"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Measurement is the name of a notification's sample, as Telegraf's receiver has it.
const Measurement = "snmp_trap"

// maxFields is how many variable bindings of a notification become fields.
const maxFields = 64

// Name returns the notification's name, such as "linkDown"; its OID where nobody knows one.
func (n *Notification) Name(more Names) string {
	name, ok := n.name(more)
	if !ok {
		return n.TrapOID.String()
	}
	return name.Object
}

// name is false where no name stands for the whole of snmpTrapOID.
func (n *Notification) name(more Names) (Name, bool) {
	name, ok := lookup(more, n.TrapOID)
	return name, ok && name.Len == n.TrapOID.Len()
}

// Sample returns n as an event. Its tags are device, agent_host, name, mib, oid, source where that is not the agent, version and the target's labels;
// its fields are the variable bindings by their object's name, without the instance unless two have one name, sysUpTime and inform.
func (n *Notification) Sample(more Names) metric.Sample {
	s := metric.Sample{Measurement: Measurement, At: n.At}
	tags := map[string]string{}
	maps.Copy(tags, n.Target.Labels)
	tags["oid"], tags["version"], tags["name"] = n.TrapOID.String(), n.Version.String(), n.Name(more)
	if name, ok := n.name(more); ok {
		tags["mib"] = name.Module
	}
	source, agent := n.Source.Addr().Unmap().String(), n.Agent().String()
	tags["agent_host"] = agent
	if n.Target.Name != "" {
		tags["device"], tags["agent_host"] = n.Target.Name, n.Target.Host
	}
	if source != tags["agent_host"] {
		tags["source"] = source
	}
	if n.Context != "" {
		tags["context"] = n.Context
	}
	for name, value := range tags {
		s.Tags = append(s.Tags, metric.Tag{Name: name, Value: value})
	}
	metric.SortTags(s.Tags)
	if n.HasUpTime {
		s.Fields = append(s.Fields, metric.Field{Name: "sysUpTime", Kind: metric.Unsigned, Num: uint64(n.UpTime)})
	}
	inform := metric.Field{Name: "inform", Kind: metric.Boolean}
	if n.Inform {
		inform.Num = 1
	}
	s.Fields = append(s.Fields, inform)
	for i, vb := range n.VarBinds {
		if i == maxFields {
			break
		}
		s.Fields = append(s.Fields, field(vb, more, s.Fields))
	}
	return s
}

// field returns vb as a field whose name none of others has.
func field(vb snmp.VarBind, more Names, others []metric.Field) metric.Field {
	f := value(vb.Value, more)
	f.Name = vb.Name.String()
	if name, ok := lookup(more, vb.Name); ok {
		f.Name = name.Object
		taken := func(o metric.Field) bool { return o.Name == f.Name }
		if slices.ContainsFunc(others, taken) && name.Len < vb.Name.Len() {
			f.Name += "." + vb.Name.From(name.Len).String()
		}
	}
	base := f.Name
	for i := 2; slices.ContainsFunc(others, func(o metric.Field) bool { return o.Name == f.Name }); i++ {
		f.Name = base + "#" + strconv.Itoa(i)
	}
	return f
}

func value(v snmp.Value, more Names) metric.Field {
	switch v.Kind() {
	case snmp.KindInteger:
		return metric.Field{Kind: metric.Integer, Num: uint64(v.Int())}
	case snmp.KindCounter32, snmp.KindGauge32, snmp.KindTimeTicks, snmp.KindCounter64:
		return metric.Field{Kind: metric.Unsigned, Num: v.Uint()}
	case snmp.KindOctetString, snmp.KindOpaque:
		return metric.Field{Kind: metric.String, Str: text(v.Octets())}
	case snmp.KindOID:
		return metric.Field{Kind: metric.String, Str: named(v.OID(), more)}
	default: // an address; NULL and the exceptions by their names
		return metric.Field{Kind: metric.String, Str: v.String()}
	}
}

// text returns octets that are text as they are, and others in hexadecimal.
func text(octets string) string {
	for _, r := range octets {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == utf8.RuneError || r == 0x7f {
			return "0x" + hex.EncodeToString([]byte(octets))
		}
	}
	return octets
}

// named returns o with the name of its beginning, if it has one.
func named(o oid.OID, more Names) string {
	name, ok := lookup(more, o)
	switch {
	case !ok:
		return o.String()
	case name.Len == o.Len():
		return name.Object
	}
	return name.Object + "." + o.From(name.Len).String()
}
