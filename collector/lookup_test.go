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

// TestRowsThatAreMissedNoMore holds that what is looked up in a table with churn is read at once however long the agent runs, and what is still missed is not
// read again for that.
func TestRowsThatAreMissedNoMore(t *testing.T) {
	churn, still := collector.LookupDue(20, 5_000)
	if churn != 20 || still != 0 {
		t.Errorf("of 20 times the rows that are missed are others %d are read at once, and %d of 19 times that they are the same; want 20 and 0", churn, still)
	}
}
