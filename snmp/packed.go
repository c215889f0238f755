package snmp

import "encoding/binary"

// AppendPacked appends v to dst in a few octets, for whoever keeps many values: its kind, and a number or the length of its octets and these.
func (v Value) AppendPacked(dst []byte) []byte {
	dst = append(dst, byte(v.kind))
	if v.IsNumber() {
		return binary.AppendUvarint(dst, v.packedNumber())
	}
	dst = binary.AppendUvarint(dst, uint64(len(v.data)))
	return append(dst, v.data...)
}

// packedNumber makes small numbers of an INTEGER small, whatever their sign.
func (v Value) packedNumber() uint64 {
	if v.kind == KindInteger {
		return v.num<<1 ^ uint64(int64(v.num)>>63)
	}
	return v.num
}

// TakePacked returns the Value at the start of s, whose octets it shares, and what stands behind it. All of s must be of AppendPacked's making.
func TakePacked(s string) (v Value, rest string) {
	v.kind = Kind(s[0])
	n, s := takeUvarint(s[1:])
	switch {
	case v.kind == KindInteger:
		v.num = n>>1 ^ -(n & 1)
	case v.IsNumber():
		v.num = n
	default:
		v.data, s = s[:n], s[n:]
	}
	return v, s
}

func takeUvarint(s string) (n uint64, rest string) {
	for i := 0; ; i++ {
		c := s[i]
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			return n, s[i+1:]
		}
	}
}
