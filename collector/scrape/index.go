package scrape

import (
	"fmt"
	"strconv"
	"strings"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// indexTypes are the types of indexes that are known; others are a mistake in the module.
var indexTypes = map[string]bool{"Integer32": true, "Integer": true, "gauge": true, "counter": true, "uint32": true, "PhysAddress48": true, "OctetString": true,
	"DisplayString": true, "InetAddressIPv4": true, "InetAddressIPv6": true, "InetAddress": true, "InetAddressMissingSize": true, "LldpPortId": true,
	"LldpChassisId": true, "EnumAsInfo": true, "IpAddr": true}

// labels returns the labels that a row's index and lookups give to values of x.
func (r *reading) labels(x *Metric, index []uint32) []Label {
	if len(x.Indexes) == 0 {
		return nil
	}
	labels := make([]Label, 0, len(x.Indexes)+len(x.Lookups)+1)
	parts := map[string][]uint32{}
	set := func(name, value string) {
		for i := range labels {
			if labels[i].Name == name {
				labels[i].Value = value
				return
			}
		}
		labels = append(labels, Label{name, value})
	}
	for i := range x.Indexes {
		text, used, rest := indexText(index, &x.Indexes[i])
		set(x.Indexes[i].Label, strings.ToValidUTF8(text, "\uFFFD"))
		parts[x.Indexes[i].Label], index = used, rest
	}
	for i := range x.Lookups {
		l := &x.Lookups[i]
		if len(l.Labels) == 0 {
			for k := range labels {
				if labels[k].Name == l.Label {
					labels = append(labels[:k], labels[k+1:]...)
					break
				}
			}
			continue
		}
		var row []uint32
		for _, label := range l.Labels {
			row = append(row, parts[label]...)
		}
		if l.OID.Len()+len(row) > oid.MaxLen {
			set(l.Label, "")
			continue
		}
		value, ok := r.values[l.OID.Append(row...)]
		if !ok {
			set(l.Label, "")
			continue
		}
		set(l.Label, r.lookupText(l, value, row))
		parts[l.Label] = []uint32{uint32(number(value))}
	}
	return labels
}

func (r *reading) lookupText(l *Lookup, value snmp.Value, row []uint32) string {
	typ := l.Type
	if types, ok := combined[typ]; ok {
		if t, ok := types[r.before(l.OID.OID, row)]; ok {
			typ = t
		}
	}
	if typ == "EnumAsInfo" && len(l.EnumValues) > 0 {
		return state(l.EnumValues, int64(number(value)))
	}
	return valueText(value, typ)
}

// split returns the first n numbers of index, with zeros for those that are missing (some agents leave out zeros at the end), and the rest.
func split(index []uint32, n int) (head, rest []uint32) {
	n = min(max(n, 0), 4*oid.MaxLen) // a length is the agent's word
	if n <= len(index) {
		return index[:n:n], index[n:]
	}
	head = make([]uint32, n)
	copy(head, index)
	return head, nil
}

// indexText returns the part of an index that i is as a text, with its numbers and those behind it.
func indexText(index []uint32, i *Index) (text string, used, rest []uint32) {
	if types, ok := combined[i.Type]; ok {
		return combinedText(index, i, types)
	}
	switch i.Type {
	case "PhysAddress48":
		used, rest = split(index, 6)
		return joined(used, "%02X", ":", 1), used, rest
	case "InetAddressIPv4", "IpAddr":
		used, rest = split(index, 4)
		return joined(used, "%d", ".", 1), used, rest
	case "InetAddressIPv6":
		used, rest = split(index, 16)
		return joined(used, "%02X", ":", 2), used, rest
	case "OctetString", "DisplayString":
		used, content, rest := octets(index, i)
		if i.Type == "DisplayString" {
			return string(content), used, rest
		}
		if len(content) == 0 {
			return "", used, rest
		}
		return fmt.Sprintf("0x%X", content), used, rest
	}
	used, rest = split(index, 1)
	if i.Type == "EnumAsInfo" {
		return state(i.EnumValues, int64(used[0])), used, rest
	}
	return strconv.FormatUint(uint64(used[0]), 10), used, rest
}

// octets returns the octets of a string in an index: of a fixed size, all that is left, or as many as the first number says.
func octets(index []uint32, i *Index) (used []uint32, content []byte, rest []uint32) {
	length := i.FixedSize
	if i.Implied {
		length = len(index)
	}
	before := 0
	if length == 0 {
		head, _ := split(index, 1)
		length, before = int(min(head[0], 4*oid.MaxLen)), 1
	}
	used, rest = split(index, before+length)
	content = make([]byte, 0, length)
	for _, n := range used[min(before, len(used)):] {
		content = append(content, byte(n))
	}
	return used, content, rest
}

// combinedText is indexText of an index that is preceded by its type.
func combinedText(index []uint32, i *Index, types map[uint32]string) (text string, used, rest []uint32) {
	before := 2 // a type and a length
	if i.Type == "InetAddressMissingSize" {
		before = 1
	}
	head, behind := split(index, before)
	if t, ok := types[head[0]]; ok {
		text, used, rest = indexText(behind, &Index{Type: t, FixedSize: int(min(head[len(head)-1], 4*oid.MaxLen))})
		return text, append(head, used...), rest
	}
	if i.Type == "InetAddressMissingSize" {
		return indexText(index, &Index{Type: "OctetString", Implied: true})
	}
	return indexText(index, &Index{Type: "OctetString", FixedSize: int(min(head[1], 4*oid.MaxLen)) + 2})
}

// joined writes numbers as format has each, with a separator after every so many.
func joined(numbers []uint32, format, separator string, every int) string {
	var b strings.Builder
	for i, n := range numbers {
		if i > 0 && i%every == 0 {
			b.WriteString(separator)
		}
		fmt.Fprintf(&b, format, n)
	}
	return b.String()
}
