package influxdb

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCreate(t *testing.T) {
	const (
		noDatabase = `database not found: "x"`
		noBucket   = `bucket "x" not found`
		noOrg      = `organization name "x" not found`
		noPolicy   = `retention policy not found: x`
	)
	tests := []struct{ url, org, bucket, words, version, want string }{
		{"http://127.0.0.1:8086", "noc", "snmp", noDatabase, "1.8.3", `influx -execute 'CREATE DATABASE snmp'`},
		{"http://localhost:8086", "", "snmp/two_weeks", noDatabase, "", `influx -execute 'CREATE DATABASE snmp'`},
		{"http://[::1]:8086", "", "snmp/two_weeks", noPolicy, "1.8.3", `influx -execute 'CREATE RETENTION POLICY two_weeks ON snmp DURATION 0s REPLICATION 1'`},
		{"https://tsdb.example", "", "snmp", noDatabase, "1.8.3", `influx -host tsdb.example -port 443 -ssl -execute 'CREATE DATABASE snmp'`},
		{"http://tsdb.example", "", "my-db", noDatabase, "1.8.3", `influx -host tsdb.example -port 80 -execute 'CREATE DATABASE "my-db"'`},
		{"http://127.0.0.1:9999", "", "default", noDatabase, "1.8.3", `influx -port 9999 -execute 'CREATE DATABASE "default"'`},
		{"http://127.0.0.1:8086", "", `it's "1"`, noDatabase, "1.8.3", `influx -execute 'CREATE DATABASE "it'\''s \"1\""'`},
		{"http://127.0.0.1:8086", "noc", "snmp", noBucket, "v2.7.1", `influx bucket create -n snmp -o noc`},
		{"http://127.0.0.1:8086", "noc", "snmp", noBucket, "", `influx bucket create -n snmp -o noc`},
		{"https://tsdb.example/x", "n o c", "snmp; rm", noBucket, "v2.7.1", `influx bucket create -n 'snmp; rm' -o 'n o c' --host https://tsdb.example/x`},
		{"http://127.0.0.1:8086", "noc", "snmp", noOrg, "v2.7.1", `influx org create -n noc`},
		{"http://127.0.0.1:8086", "noc", "snmp", "404 page not found", "", ""},
		{"http://127.0.0.1:8086", "noc", "snmp", "gone", "1.8.3", ""},
	}
	for _, tt := range tests {
		e, err := New(Config{URL: tt.url, Org: tt.org, Bucket: tt.bucket})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, e.create(tt.words, tt.version)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tt, diff)
		}
	}
}
