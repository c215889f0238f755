package machine

import (
	"encoding/binary"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// linkAttribute is one rtnetlink attribute with its padding.
func linkAttribute(kind uint16, value []byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, uint16(unix.SizeofNlAttr+len(value)))
	b = append(binary.NativeEndian.AppendUint16(b, kind), value...)
	return append(b, make([]byte, -len(b)&3)...)
}

// TestParseStackedLinks reads RTM_NEWLINK as kernels with VLANs and bonds send it, which are not to be had everywhere.
func TestParseStackedLinks(t *testing.T) {
	number := func(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }
	text := func(s string) []byte { return append([]byte(s), 0) }
	kind := func(s string) []byte {
		return linkAttribute(unix.IFLA_LINKINFO, linkAttribute(unix.IFLA_INFO_KIND, text(s)))
	}
	message := func(index uint32, attributes ...[]byte) []byte {
		b := make([]byte, unix.SizeofIfInfomsg)
		binary.NativeEndian.PutUint16(b[2:], uint16(TypeEthernet))
		binary.NativeEndian.PutUint32(b[4:], index)
		return append(b, slices.Concat(attributes...)...)
	}
	for _, tt := range []struct {
		name string
		in   []byte
		want Link
	}{
		{
			"a VLAN", message(7, linkAttribute(unix.IFLA_IFNAME, text("eth0.7")), linkAttribute(unix.IFLA_LINK, number(2)), kind("vlan"),
				linkAttribute(unix.IFLA_BROADCAST, []byte("\xff\xff\xff\xff\xff\xff"))),
			Link{Index: 7, Name: "eth0.7", Kind: "vlan", Type: TypeEthernet, Lower: 2, Broadcast: "\xff\xff\xff\xff\xff\xff"},
		},
		{
			"a VLAN in another namespace than its link",
			message(8, linkAttribute(unix.IFLA_IFNAME, text("v8")), linkAttribute(unix.IFLA_LINK, number(2)), linkAttribute(unix.IFLA_LINK_NETNSID, number(0)), kind("vlan")),
			Link{Index: 8, Name: "v8", Kind: "vlan", Type: TypeEthernet, Lower: 2, LowerElsewhere: true},
		},
		{"a bond", message(9, linkAttribute(unix.IFLA_IFNAME, text("bond0")), kind("bond")), Link{Index: 9, Name: "bond0", Kind: "bond", Type: TypeEthernet}},
		{
			"a port of a bond", message(3, linkAttribute(unix.IFLA_IFNAME, text("eth1")), linkAttribute(unix.IFLA_MASTER, number(9))),
			Link{Index: 3, Name: "eth1", Type: TypeEthernet, Master: 9},
		},
	} {
		got, err := parseLink(tt.in)
		if err != nil || got != tt.want {
			t.Errorf("%s: %+v, %v; want %+v", tt.name, got, err, tt.want)
		}
	}
}
