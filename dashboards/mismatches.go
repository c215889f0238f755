package dashboards

// mismatches is the dashboard of interfaces that are not as they are wanted.
func mismatches(o Options) dashboard {
	f := []string{o.Label, "device"}
	by := []string{"device", "ifName"}
	listed := func(kind []Is) *Rows {
		return &Rows{From: "interface", Filter: f, Holds: kind, By: by, Over: Now, Columns: []Column{
			{Field: "ifAlias", Title: "Alias", Text: true, Label: true},
			{Field: "ifAdminStatus", Title: "Admin", look: look{Mappings: adminStates}},
			{Field: "ifOperStatus", Title: "Oper", look: look{Mappings: operStates}},
		}}
	}
	return dashboard{Name: "mismatches", Title: "Walkabout: mismatches", About: "Interfaces whose state is not the one that is wanted.", From: "now-24h", Alerts: []string{o.Label, "device"},
		Variables: []Variable{siteVariable(o), deviceVariable(o, "system", "sysUpTime", true)},
		Panels: []panel{
			{Style: stat, Title: "Up, but down", About: aboutMismatch, W: 4, H: 5, Queries: []Query{now(mismatchCount(upButDown, "up, but down", f, nil))}, look: look{Thresholds: []threshold{{1, bad}}}, NoValue: "unknown"},
			{Style: stat, Title: "Down, but up", About: "Disabled (`ifAdminStatus` down) and passing traffic nevertheless (`ifOperStatus` up).", W: 4, H: 5,
				Queries: []Query{now(mismatchCount(downButUp, "down, but up", f, nil))}, look: look{Thresholds: []threshold{{1, bad}}}, NoValue: "unknown"},
			{Style: stat, Title: "Alerts", About: "Of the rule interface_mismatch, of all devices: **pending** it does not last long enough yet; **firing** people were told; " +
				"**listed** a port to which nothing was ever plugged, of which nobody is told. " + aboutSelf, W: 16, H: 5, Queries: []Query{
				{From: collectorMeasurement, Field: "snmpcollect_alerts", Where: []Equal{{"rule", "interface_mismatch"}}, Reduce: Last, Across: Sum, By: []string{"state"}, Over: Now, Legend: "{{state}}"}}, NoValue: "unknown"},
			{Style: table, Title: "Up, but down", About: aboutMismatch, W: 12, H: 12, Rows: listed(upButDown)},
			{Style: table, Title: "Down, but up", About: "Disabled (`ifAdminStatus` down) and passing traffic nevertheless (`ifOperStatus` up).", W: 12, H: 12, Rows: listed(downButUp)},
			{Style: graph, Title: "Up, but down, by device", About: aboutMismatch, W: 12, H: 9, Stack: true, Queries: []Query{mismatchCount(upButDown, "{{device}}", f, []string{"device"})}, look: look{Link: devicePage}, Whole: true},
			{Style: graph, Title: "Alerts by rule", About: "Those that fire, of all devices. " + aboutSelf, W: 12, H: 9, Stack: true, Queries: []Query{
				{From: collectorMeasurement, Field: "snmpcollect_alerts", Where: []Equal{{"state", "firing"}}, Reduce: Last, Across: Sum, By: []string{"rule"}, Legend: "{{rule}}"}}},
		}}
}
