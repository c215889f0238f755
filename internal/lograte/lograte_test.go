package lograte_test

import (
	"testing"
	"testing/synctest"
	"time"

	"walkabout/internal/lograte"
)

func TestDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var k lograte.Kind
		said := 0
		for range 181 { // three minutes and the moment at their begin
			if k.Due() {
				said++
			}
			time.Sleep(time.Second)
		}
		if said != 4 {
			t.Errorf("said %d times in three minutes", said)
		}
		if k = (lograte.Kind{}); !k.Due() {
			t.Error("what was never said is not due")
		}
	})
}
