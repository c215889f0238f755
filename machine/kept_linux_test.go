package machine

import (
	"testing"
	"time"
)

// TestKeptSameList: a list that is read again and is the same is the one that was given before, so that nothing is made anew of it.
func TestKeptSameList(t *testing.T) {
	c := &changes{groups: routeGroups}
	defer c.Close()
	var k kept[int]
	dumps := 0
	at := func(second int, list ...int) *int {
		t.Helper()
		got, err := k.of(c, time.Unix(int64(second), 0), func() ([]int, error) {
			dumps++
			return list, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return &got[0]
	}
	first := at(0, 1, 2)
	if again := at(60, 1, 2); again != first || dumps != 2 {
		t.Errorf("the same list is another one after %d dumps", dumps)
	}
	if other := at(120, 1, 3); other == first || dumps != 3 {
		t.Errorf("another list is the same one after %d dumps", dumps)
	}
}
