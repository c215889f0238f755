// Package notifytest has what tests of senders need.
package notifytest

import (
	"testing"
	"time"

	"walkabout/alert/notify"
)

// Templates returns the templates that are built in, with times in UTC.
func Templates(t testing.TB) *notify.Templates {
	t.Helper()
	tm, err := notify.ParseTemplates("", "", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return tm
}
