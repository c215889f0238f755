package machine

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseLinkGroups(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     []LinkGroup
		err      error
	}{
		{"none", "", nil, nil},
		{
			"as the kernel writes it", "2    eth0            1     0     333300000001\n2    eth0            1     0     01005e000001\n1    x               2     0     3333ff000001\n",
			[]LinkGroup{{1, "\x33\x33\xff\x00\x00\x01"}, {2, "\x01\x00\x5e\x00\x00\x01"}, {2, "\x33\x33\x00\x00\x00\x01"}}, nil,
		},
		{"twice", "7 a 1 0 01\n7 a 1 0 01\n", []LinkGroup{{7, "\x01"}}, nil},
		{"too short", "7 a 1 0\n", nil, nil},
		{"no link", "x a 1 0 01\n", nil, errGroups},
		{"link 0", "0 a 1 0 01\n", nil, errGroups},
		{"no hex", "7 a 1 0 0g\n", nil, errGroups},
		{"too long", "7 a 1 0 " + "000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f00\n", nil, errGroups},
	} {
		got, err := parseLinkGroups([]byte(tt.in))
		if !errors.Is(err, tt.err) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func FuzzParseLinkGroups(f *testing.F) {
	f.Add([]byte("2    eth0            1     0     333300000001\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		groups, err := parseLinkGroups(b)
		for i, g := range groups {
			if err != nil || g.Link == 0 || g.Address == "" || len(g.Address) > maxLinkAddress {
				t.Fatalf("%+v, %v", g, err)
			}
			if i > 0 && (groups[i-1].Link > g.Link || groups[i-1] == g) {
				t.Fatalf("%+v after %+v", g, groups[i-1])
			}
		}
	})
}
