package trap

import (
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"

	"walkabout/collector/smi"
	"walkabout/metric"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Measurement is the name of a notification's sample, as Telegraf's receiver has it.
const Measurement = "snmp_trap"

// maxFields is how many variable bindings of a notification become fields.
const maxFields = 64

// Name returns the notification's name, such as "linkDown"; its OID where names know none.
func (n *Notification) Name(names smi.Resolver) string {
	if o, ok := n.object(names); ok {
		return o.Name
	}
	return n.TrapOID.String()
}

// object is false where no name stands for the whole of snmpTrapOID.
func (n *Notification) object(names smi.Resolver) (smi.Object, bool) {
	o, ok := names.Find(n.TrapOID)
	return o, ok && o.OID == n.TrapOID
}

// Sample returns n as an event. Its tags are device, agent_host, name, mib, oid, source where that is not the agent, version and the target's labels;
// its fields are the variable bindings by their object's name, without the instance unless two have one name, sysUpTime and inform.
func (n *Notification) Sample(names smi.Resolver) metric.Sample {
	s := metric.Sample{Measurement: Measurement, At: n.At}
	tags := map[string]string{}
	maps.Copy(tags, n.Target.Labels)
	tags["oid"], tags["version"], tags["name"] = n.TrapOID.String(), n.Version.String(), n.Name(names)
	if o, ok := n.object(names); ok {
		tags["mib"] = o.Module
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
		s.Fields = append(s.Fields, field(vb, names, s.Fields))
	}
	return s
}

// field returns vb as a field whose name none of others has.
func field(vb snmp.VarBind, names smi.Resolver, others []metric.Field) metric.Field {
	f := value(vb.Value, names)
	f.Name = vb.Name.String()
	if object, ok := names.Find(vb.Name); ok && object.HasValue() {
		f.Name = object.Name
		taken := func(o metric.Field) bool { return o.Name == f.Name }
		if slices.ContainsFunc(others, taken) && object.OID.Len() < vb.Name.Len() {
			f.Name += "." + vb.Name.From(object.OID.Len()).String()
		}
	}
	base := f.Name
	for i := 2; slices.ContainsFunc(others, func(o metric.Field) bool { return o.Name == f.Name }); i++ {
		f.Name = base + "#" + strconv.Itoa(i)
	}
	return f
}

func value(v snmp.Value, names smi.Resolver) metric.Field {
	switch v.Kind() {
	case snmp.KindInteger:
		return metric.Field{Kind: metric.Integer, Num: uint64(v.Int())}
	case snmp.KindCounter32, snmp.KindGauge32, snmp.KindTimeTicks, snmp.KindCounter64:
		return metric.Field{Kind: metric.Unsigned, Num: v.Uint()}
	case snmp.KindOctetString, snmp.KindOpaque:
		return metric.Field{Kind: metric.String, Str: text(v.Octets())}
	case snmp.KindOID:
		return metric.Field{Kind: metric.String, Str: named(v.OID(), names)}
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

// named returns o with the name of the object or notification that it is, or is an instance of.
func named(o oid.OID, names smi.Resolver) string {
	object, ok := names.Find(o)
	if !ok || !object.HasValue() && object.Kind != smi.Notification {
		return o.String()
	}
	if rest := o.From(object.OID.Len()); rest.Len() > 0 {
		return object.Name + "." + rest.String()
	}
	return object.Name
}
