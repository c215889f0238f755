//go:build interop

package interop_test

import (
	"testing"

	"walkabout/internal/interop"
)

func TestInfluxDB(t *testing.T) {
	d := interop.StartInfluxDB(t)
	d.Query("", "CREATE DATABASE x")
	address := d.URL
	d.Stop()
	d.Start()
	if d.URL != address {
		t.Errorf("it came back at %s, not at %s", d.URL, address)
	}
	for _, s := range d.Query("", "SHOW DATABASES") {
		for _, row := range s.Values {
			if row[0] == "x" {
				return
			}
		}
	}
	t.Error("the database is gone after a restart")
}
