package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestListStatus holds that the targets that most need to be looked at come first: who does not answer, then who has some trouble, then the slowest,
// and at the end who was not polled yet.
func TestListStatus(t *testing.T) {
	list := []targetStatus{
		{Device: "new", Why: "not polled yet"},
		{Device: "slower", State: "up", Duration: 2},
		{Device: "clone", State: "up", Why: "the same snmpEngineID", Duration: 1},
		{Device: "silent", State: "timeout", Why: "no answer"},
		{Device: "slowest", State: "up", Duration: 3},
	}
	var out bytes.Buffer
	if err := listStatus(&out, slices.Clone(list), 4); err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(out.String()) {
		got = append(got, strings.Fields(line)[0])
	}
	if diff := cmp.Diff([]string{"DEVICE", "silent", "clone", "slowest", "slower", "and"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s\n%s", diff, &out)
	}
}
