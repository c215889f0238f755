package mib_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

func TestTable(t *testing.T) {
	table := mib.NewTable([]string{"bb", "a", "cc"}, func(row *string) oid.OID { return oid.New(uint32(len(*row))) })
	if diff := cmp.Diff([]string{"a", "bb"}, table.Rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	s := table.Snapshot(func(row *string, column uint32) (snmp.Value, bool) { return snmp.OctetString(*row), column == 1 })
	if v, ok := s.Cell(1, 1); !ok || v != snmp.OctetString("bb") || s.Index[1] != oid.New(2) {
		t.Errorf("%v, %v", v, ok)
	}
	if _, ok := s.Cell(1, 2); ok {
		t.Error("a cell of a column that is not there")
	}
}

func TestDerived(t *testing.T) {
	var d mib.Derived[int, string]
	built := 0
	build := func(list []int) *string { built++; s := fmt.Sprint(list); return &s }
	list := []int{1, 2, 3}
	for _, step := range []struct {
		list  []int
		want  string
		built int
	}{
		{list, "[1 2 3]", 1}, {list, "[1 2 3]", 1}, {list[:2], "[1 2]", 2}, {[]int{1, 2}, "[1 2]", 3}, {nil, "[]", 4}, {nil, "[]", 5},
	} {
		if got := *d.Of(step.list, build); got != step.want || built != step.built {
			t.Errorf("%s, built %d times; want %s, %d", got, built, step.want, step.built)
		}
	}
}

func TestNumbers(t *testing.T) {
	var n mib.Numbers
	check := func(want []uint32, names ...string) {
		t.Helper()
		if diff := cmp.Diff(want, n.Of(names)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", names, diff)
		}
	}
	check([]uint32{1, 2}, "sda", "sdb")
	check([]uint32{3, 2}, "nvme0n1", "sdb")
	check([]uint32{1, 2, 3}, "sda", "sdb", "nvme0n1")
	for i := range 10001 {
		n.Of([]string{"sda", fmt.Sprint(i)})
	}
	check([]uint32{1, 10005}, "sda", "sdb") // which was forgotten, and its number is not given again
}
