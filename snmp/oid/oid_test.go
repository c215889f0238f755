package oid_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"walkabout/snmp/oid"
)

func TestParse(t *testing.T) {
	tests := []struct {
		in, want string
		err      error
	}{
		{"", "", nil},
		{".", "", nil},
		{"1", "1", nil},
		{".1.3.6.1", "1.3.6.1", nil},
		{"1.3.6.1.4294967295", "1.3.6.1.4294967295", nil},
		{"1.3.6.1.4294967296", "", oid.ErrSyntax},
		{"1..3", "", oid.ErrSyntax},
		{"1.3.", "", oid.ErrSyntax},
		{"..1", "", oid.ErrSyntax},
		{"1.-3", "", oid.ErrSyntax},
		{"1.+3", "", oid.ErrSyntax},
		{"iso.3", "", oid.ErrSyntax},
		{"1.3 ", "", oid.ErrSyntax},
		{strings.Repeat("1.", 127) + "1", strings.Repeat("1.", 127) + "1", nil},
		{strings.Repeat("1.", 128) + "1", "", oid.ErrTooLong},
	}
	for _, tt := range tests {
		got, err := oid.Parse(tt.in)
		if !errors.Is(err, tt.err) || got.String() != tt.want {
			t.Errorf("Parse(%q) = %q, %v; want %q, %v", tt.in, got, err, tt.want, tt.err)
		}
	}
}

func TestFromPacked(t *testing.T) {
	if _, err := oid.FromPacked("abc"); !errors.Is(err, oid.ErrSyntax) {
		t.Errorf("three octets: %v", err)
	}
	if _, err := oid.FromPacked(strings.Repeat("abcd", oid.MaxLen+1)); !errors.Is(err, oid.ErrTooLong) {
		t.Errorf("129 sub-identifiers: %v", err)
	}
	o := oid.New(1, 3, 6)
	if got, err := oid.FromPacked(o.Packed()); err != nil || got != o {
		t.Errorf("FromPacked(Packed) = %v, %v", got, err)
	}
}

// Order is that of RFC 3416: sub-identifiers compare as numbers, a prefix stands before what it begins.
func TestCompare(t *testing.T) {
	ascending := []oid.OID{
		{}, oid.New(0), oid.New(0, 0), oid.New(1), oid.New(1, 3), oid.New(1, 3, 6), oid.New(1, 3, 6, 0), oid.New(1, 3, 6, 9),
		oid.New(1, 3, 6, 10), oid.New(1, 3, 6, 255), oid.New(1, 3, 6, 256), oid.New(1, 3, 6, math.MaxUint32), oid.New(1, 3, 7), oid.New(2),
	}
	for i, a := range ascending {
		for j, b := range ascending {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := a.Compare(b); got != want || a.Less(b) != (want < 0) {
				t.Errorf("(%v).Compare(%v) = %d, want %d", a, b, got, want)
			}
		}
	}
}

func TestSubtreeEnd(t *testing.T) {
	tests := []struct{ in, want string }{
		{"1.3.6", "1.3.7"},
		{"1.3.4294967295", "1.4"},
		{"1.4294967295.4294967295", "2"},
		{"4294967295", ""},
		{"", ""},
	}
	for _, tt := range tests {
		if got := oid.MustParse(tt.in).SubtreeEnd().String(); got != tt.want {
			t.Errorf("SubtreeEnd(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestPieces(t *testing.T) {
	o := oid.New(1, 3, 6, 1)
	if got := o.Slice(1, 3); got != oid.New(3, 6) {
		t.Errorf("Slice = %v", got)
	}
	if got := o.From(2); got != oid.New(6, 1) {
		t.Errorf("From = %v", got)
	}
	if got := o.Append(2, 1).Join(oid.New(9)); got != oid.New(1, 3, 6, 1, 2, 1, 9) {
		t.Errorf("Append, Join = %v", got)
	}
	if o.Last() != 1 || o.Len() != 4 || o.Arc(2) != 6 || o.IsEmpty() || !(oid.OID{}).IsEmpty() {
		t.Error("Last, Len, Arc or IsEmpty")
	}
	if !o.HasPrefix(oid.New(1, 3)) || !o.HasPrefix(o) || o.HasPrefix(oid.New(1, 3, 7)) || o.HasPrefix(oid.New(1, 3, 6, 1, 1)) {
		t.Error("HasPrefix")
	}
	if s := o.Successor(); !o.Less(s) || s != oid.New(1, 3, 6, 1, 0) {
		t.Errorf("Successor = %v", s)
	}
}

func TestIsEncodable(t *testing.T) {
	for o, want := range map[string]bool{
		"": true, "0": true, "2": true, "3": false, "0.39": true, "0.40": false, "1.39.5": true, "1.40": false, "2.40": true, "2.4294967295": true, "3.1": false,
	} {
		if got := oid.MustParse(o).IsEncodable(); got != want {
			t.Errorf("%q: %t", o, got)
		}
	}
}

func TestArenaKeepsWhatItReturned(t *testing.T) {
	var arena oid.Arena
	prefix := oid.New(1, 3, 6, 1, 2, 1, 2, 2, 1)
	var got, want []oid.OID
	for i := range uint32(1000) {
		got = append(got, arena.Join(prefix, oid.New(i), oid.New(i, i)))
		want = append(want, prefix.Append(i, i, i))
	}
	if !slices.Equal(got, want) {
		t.Error("joined OIDs changed after later joins")
	}
	long := oid.New(make([]uint32, 1000)...)
	if arena.Join(long, prefix, oid.OID{}) != long.Join(prefix) {
		t.Error("longer than an arena's allocation")
	}
}

func BenchmarkArenaJoin(b *testing.B) {
	prefix, index := oid.New(1, 3, 6, 1, 2, 1, 2, 2, 1, 10), oid.New(7)
	var arena oid.Arena
	b.ReportAllocs()
	for b.Loop() {
		arena.Join(prefix, index, oid.OID{})
	}
}
