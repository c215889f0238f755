package ber_test

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"walkabout/snmp/ber"
	"walkabout/snmp/oid"
)

func TestNext(t *testing.T) {
	tests := []struct {
		name    string
		in      string
		content string
		rest    int
		err     error
	}{
		{"short", "\x04\x02ab", "ab", 0, nil},
		{"empty content", "\x05\x00\x05", "", 1, nil},
		{"long form", "\x04\x81\x02abc", "ab", 1, nil},
		{"longer form than needed", "\x04\x84\x00\x00\x00\x02ab", "ab", 0, nil},
		{"126 octets of length", "\x04\xfe" + strings.Repeat("\x00", 125) + "\x02ab", "ab", 0, nil},
		{"nothing", "", "", 0, ber.ErrTruncated},
		{"tag alone", "\x04", "", 0, ber.ErrTruncated},
		{"content missing", "\x04\x03ab", "", 0, ber.ErrTruncated},
		{"length cut", "\x04\x82\x01", "", 0, ber.ErrTruncated},
		{"indefinite", "\x30\x80\x00\x00", "", 0, ber.ErrLength},
		{"reserved", "\x30\xff\x00\x00", "", 0, ber.ErrLength},
		{"huge", "\x04\x88\xff\xff\xff\xff\xff\xff\xff\xffab", "", 0, ber.ErrLength},
		{"2^31", "\x04\x84\x80\x00\x00\x00ab", "", 0, ber.ErrLength},
		{"high tag number", "\x1f\x81\x01\x00", "", 0, ber.ErrTag},
	}
	for _, tt := range tests {
		c := ber.NewCursor([]byte(tt.in))
		_, content, err := c.Next()
		if !errors.Is(err, tt.err) || string(content) != tt.content {
			t.Errorf("%s: %q, %v; want %q, %v", tt.name, content, err, tt.content, tt.err)
		}
		if err == nil && c.Len() != tt.rest {
			t.Errorf("%s: %d octets left, want %d", tt.name, c.Len(), tt.rest)
		}
	}
}

func TestIntegers(t *testing.T) {
	for _, v := range []int64{0, 1, -1, 127, 128, -128, -129, 255, 256, 32767, 32768, -32768, -32769, math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64} {
		b := ber.AppendInt(nil, ber.TagInteger, v)
		if len(b) != 2+ber.IntSize(v) {
			t.Errorf("%d takes %d octets, IntSize says %d", v, len(b)-2, ber.IntSize(v))
		}
		if got, err := ber.Int64(b[2:]); err != nil || got != v {
			t.Errorf("Int64 of % x = %d, %v; want %d", b, got, err, v)
		}
		if len(b) > 3 && (b[2] == 0 && b[3] < 0x80 || b[2] == 0xff && b[3] >= 0x80) {
			t.Errorf("% x is not the shortest form of %d", b, v)
		}
	}
	for _, v := range []uint64{0, 1, 127, 128, 255, 256, 65535, 65536, math.MaxUint32, math.MaxUint32 + 1, math.MaxInt64, math.MaxUint64} {
		b := ber.AppendUint(nil, 0x41, v)
		if len(b) != 2+ber.UintSize(v) {
			t.Errorf("%d takes %d octets, UintSize says %d", v, len(b)-2, ber.UintSize(v))
		}
		if got, err := ber.Uint64(b[2:]); err != nil || got != v {
			t.Errorf("Uint64 of % x = %d, %v; want %d", b, got, err, v)
		}
	}
}

func TestIntegerEdges(t *testing.T) {
	if _, err := ber.Int64(nil); !errors.Is(err, ber.ErrLength) {
		t.Errorf("no octets: %v", err)
	}
	if _, err := ber.Uint64(nil); !errors.Is(err, ber.ErrLength) {
		t.Errorf("no octets, unsigned: %v", err)
	}
	if _, err := ber.Uint64([]byte{0xff, 0xff, 0xff, 0xff}); !errors.Is(err, ber.ErrRange) {
		t.Errorf("negative, unsigned: %v", err)
	}
	if _, err := ber.Uint64([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0}); !errors.Is(err, ber.ErrRange) {
		t.Errorf("2^64: %v", err)
	}
	if _, err := ber.Int64([]byte{0, 0x80, 0, 0, 0, 0, 0, 0, 0}); !errors.Is(err, ber.ErrRange) {
		t.Errorf("2^63: %v", err)
	}
	if _, err := ber.Int64([]byte{0xff, 0x7f, 0, 0, 0, 0, 0, 0, 0}); !errors.Is(err, ber.ErrRange) {
		t.Errorf("-2^63-1: %v", err)
	}
	if n, err := ber.Int64(append(bytes.Repeat([]byte{0xff}, 20), 0x80)); err != nil || n != -128 {
		t.Errorf("padded -128: %d, %v", n, err)
	}
	if n, err := ber.Uint64(append(make([]byte, 20), 0x80)); err != nil || n != 128 {
		t.Errorf("padded 128: %d, %v", n, err)
	}
	c := ber.NewCursor([]byte{0x02, 0x05, 0x00, 0x80, 0x00, 0x00, 0x00})
	if _, err := c.Int32(); !errors.Is(err, ber.ErrRange) {
		t.Errorf("2^31 as Int32: %v", err)
	}
}

func TestOIDs(t *testing.T) {
	tests := []struct{ oid, content string }{
		{"0.0", "\x00"},
		{"1.3.6.1", "\x2b\x06\x01"},
		{"2.39", "\x77"},
		{"2.40", "\x78"},
		{"2.47", "\x7f"},
		{"2.48", "\x81\x00"},
		{"2.999", "\x88\x37"},
		{"2.4294967295", "\x90\x80\x80\x80\x4f"},
		{"1.3.127.128.16383.16384.4294967295", "\x2b\x7f\x81\x00\xff\x7f\x81\x80\x00\x8f\xff\xff\xff\x7f"},
	}
	for _, tt := range tests {
		o := oid.MustParse(tt.oid)
		want := ber.AppendString(nil, ber.TagOID, tt.content)
		if got := ber.AppendOID(nil, ber.TagOID, o); !bytes.Equal(got, want) {
			t.Errorf("%s encodes as % x, want % x", tt.oid, got, want)
		}
		if ber.OIDSize(o) != len(tt.content) {
			t.Errorf("OIDSize(%s) = %d, want %d", tt.oid, ber.OIDSize(o), len(tt.content))
		}
		if packed, err := ber.AppendPacked(nil, []byte(tt.content)); err != nil || string(packed) != o.Packed() {
			t.Errorf("% x decodes as %q, %v", tt.content, packed, err)
		}
	}
}

func TestMalformedOIDs(t *testing.T) {
	tests := []struct {
		name, content string
		err           error
	}{
		{"ends within a sub-identifier", "\x2b\x86", ber.ErrOID},
		{"padded", "\x2b\x80\x06", ber.ErrOID},
		{"padded first", "\x80\x2b", ber.ErrOID},
		{"2^32", "\x2b\x90\x80\x80\x80\x00", ber.ErrOID},
		{"2^70", "\x2b\x81\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", ber.ErrOID},
		{"2.4294967296", "\x90\x80\x80\x80\x50", ber.ErrOID},
		{"129 sub-identifiers", "\x2b" + strings.Repeat("\x01", 127), oid.ErrTooLong},
		{"64 KiB", "\x2b" + strings.Repeat("\x01", 1<<16), oid.ErrTooLong},
	}
	for _, tt := range tests {
		if got, err := ber.AppendPacked(nil, []byte(tt.content)); !errors.Is(err, tt.err) {
			t.Errorf("%s: %d octets, %v; want %v", tt.name, len(got), err, tt.err)
		}
	}
	if got, err := ber.AppendPacked(nil, []byte("\x2b"+strings.Repeat("\x01", 126))); err != nil || len(got) != 4*oid.MaxLen {
		t.Errorf("128 sub-identifiers: %d octets, %v", len(got), err)
	}
	if got, err := ber.AppendPacked(nil, nil); err != nil || string(got) != oid.New(0, 0).Packed() {
		t.Errorf("no content: % x, %v", got, err)
	}
}

// What BER cannot say is filled with zeros, as the docstring promises.
func TestShortOIDs(t *testing.T) {
	for _, tt := range []struct{ in, want string }{{"", "0.0"}, {"1", "1.0"}, {"2", "2.0"}} {
		b := ber.AppendOID(nil, ber.TagOID, oid.MustParse(tt.in))
		if packed, err := ber.AppendPacked(nil, b[2:]); err != nil || string(packed) != oid.MustParse(tt.want).Packed() {
			t.Errorf("%q: % x, %v", tt.in, b, err)
		}
	}
}

// What is no OID to BER is a whole element nevertheless: it must not make what follows unreadable.
func TestOIDsThatAreNone(t *testing.T) {
	for _, arcs := range [][]uint32{{3}, {4}, {7}, {1<<32 - 1}, {3, 1}, {1<<32 - 1, 1<<32 - 1}} {
		c := ber.NewCursor(ber.AppendOID(nil, ber.TagOID, oid.New(arcs...)))
		if _, err := c.Read(ber.TagOID); err != nil || c.Len() != 0 {
			t.Errorf("%v: %d octets are left, %v", arcs, c.Len(), err)
		}
	}
}

func TestHeaders(t *testing.T) {
	for _, n := range []int{0, 127, 128, 255, 256, 65535, 65536, 1<<24 - 1, 1 << 24} {
		h := ber.AppendHeader(nil, ber.TagOctetString, n)
		if len(h) != ber.HeaderSize(n) {
			t.Errorf("header of %d takes %d octets, HeaderSize says %d", n, len(h), ber.HeaderSize(n))
		}
		if n > 1<<20 {
			continue
		}
		c := ber.NewCursor(append(h, make([]byte, n)...))
		if content, err := c.Read(ber.TagOctetString); err != nil || len(content) != n {
			t.Errorf("length %d read as %d, %v", n, len(content), err)
		}
	}
}

func FuzzPacked(f *testing.F) {
	for _, s := range []string{"", "\x2b\x06\x01", "\x90\x80\x80\x80\x4f", "\x2b\x80\x06", "\x2b\x8f\xff\xff\xff\x7f"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		packed, err := ber.AppendPacked(nil, content)
		if err != nil {
			return
		}
		o, err := oid.FromPacked(string(packed))
		if err != nil {
			t.Fatalf("% x: %v", content, err)
		}
		b := ber.AppendOID(nil, ber.TagOID, o)
		c := ber.NewCursor(b)
		again, err := c.Read(ber.TagOID)
		if err != nil || len(content) > 0 && !bytes.Equal(again, content) {
			t.Fatalf("% x became % x, %v", content, again, err)
		}
	})
}

func TestSize(t *testing.T) {
	tests := []struct {
		in   string
		tag  byte
		size int
		err  error
	}{
		{"", 0, 0, ber.ErrTruncated},
		{"\x30", 0x30, 0, ber.ErrTruncated},
		{"\x30\x00", 0x30, 2, nil},
		{"\x30\x05ab", 0x30, 7, nil},
		{"\x30\x82\x01", 0x30, 0, ber.ErrTruncated},
		{"\x30\x82\x01\x02", 0x30, 4 + 258, nil},
		{"\x30\x84\x00\x00\x00\x01abc", 0x30, 7, nil},
		{"\x30\x80", 0x30, 0, ber.ErrLength},
		{"\x30\xff", 0x30, 0, ber.ErrLength},
		{"\x30\x84\x7f\xff\xff\xff", 0x30, 0, ber.ErrLength},
		{"\x3f\x01", 0, 0, ber.ErrTag},
	}
	for _, tt := range tests {
		if tag, size, err := ber.Size([]byte(tt.in)); tag != tt.tag || size != tt.size || !errors.Is(err, tt.err) {
			t.Errorf("% x: %x, %d, %v; want %x, %d, %v", tt.in, tag, size, err, tt.tag, tt.size, tt.err)
		}
	}
}
