package collector_test

import (
	"testing"

	"walkabout/collector"
)

// TestIdentity: two contexts of one agent are no clones of each other, two targets of one context are.
func TestIdentity(t *testing.T) {
	all := map[uint64]bool{}
	for _, target := range [][2]string{{"a", ""}, {"a", "x"}, {"a", "y"}, {"b", ""}, {"b", "x"}} {
		all[collector.Identity(target[0], target[1])] = true
	}
	if len(all) != 5 {
		t.Errorf("%v", all)
	}
}
