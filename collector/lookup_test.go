package collector_test

import (
	"testing"

	"walkabout/collector"
)

// TestRowsOfBrokenWalks holds that an agent which has other rows at each poll, and whose walks never end well, does not fill the memory.
func TestRowsOfBrokenWalks(t *testing.T) {
	const most = 20_000
	limits, cells := collector.RowsRemembered(5, most/2)
	if limits < most/2 || limits > most || cells < most/2 || cells > most {
		t.Errorf("%d limits and %d cells are kept of 50,000 rows; want the last 10,000 at least, and %d at most", limits, cells, most)
	}
}
