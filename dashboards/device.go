package dashboards

// device is the dashboard of one device.
func device(o Options) dashboard {
	f := []string{o.Label, "device"}
	ports := []string{o.Label, "device", "ifName"}
	byPort := []string{"ifName"}
	of := func(field string) Query { return gauge(collectorMeasurement, "snmpcollect_"+field, field, f, nil) }
	system := &Rows{From: "system", Filter: f, By: []string{"device"}, Over: Now, Columns: []Column{
		{Field: "sysName", Title: "sysName", Text: true}, {Field: "sysDescr", Title: "sysDescr", Text: true},
		{Field: "sysLocation", Title: "sysLocation", Text: true}, {Field: "sysContact", Title: "sysContact", Text: true}}}
	interfaces := &Rows{From: "interface", Filter: ports, By: byPort, Over: Now, Columns: []Column{
		{Field: "ifAlias", Title: "Alias", Text: true, Label: true},
		{Field: "ifAdminStatus", Title: "Admin", look: look{Mappings: adminStates, Width: 80}},
		{Field: "ifOperStatus", Title: "Oper", look: look{Mappings: operStates, Width: 110}},
		{Field: "ifHighSpeed", Title: "Speed", Scale: 1e6, look: look{Unit: "bps"}},
		{Field: "ifHCInOctets_rate", Title: "In", Scale: 8, look: look{Unit: "bps"}},
		{Field: "ifHCOutOctets_rate", Title: "Out", Scale: 8, look: look{Unit: "bps"}},
		{Field: "ifInErrors_rate", Title: "Errors in", look: look{Decimals: 2, Thresholds: []threshold{{0.001, poor}, {1, bad}}}},
		{Field: "ifOutErrors_rate", Title: "Errors out", look: look{Decimals: 2, Thresholds: []threshold{{0.001, poor}, {1, bad}}}},
		{Field: "ifInDiscards_rate", Title: "Discards in", look: look{Decimals: 2, Thresholds: []threshold{{0.001, poor}, {1, bad}}}},
		{Field: "ifOutDiscards_rate", Title: "Discards out", look: look{Decimals: 2, Thresholds: []threshold{{0.001, poor}, {1, bad}}}},
	}}
	withheld := own("rates_withheld_total", "{{verdict}}", f, []string{"verdict"})
	counted := across(Count, gauge("interface", "ifOperStatus", "interfaces", f, nil))
	return dashboard{Name: "device", Title: "Walkabout: device", About: "One device: what it is, its interfaces, how it is polled.", From: "now-6h", Alerts: []string{o.Label, "device"},
		Variables: []Variable{siteVariable(o), deviceVariable(o, "system", "sysUpTime", false), portVariable(o, true)},
		Panels: []panel{
			{Style: stat, Title: "Answers", About: "Whether the last poll was answered, at least in part. " + aboutSelf, W: 3, H: 4, Queries: []Query{now(of("up"))}, look: look{Mappings: upOrDown}, NoValue: "unknown"},
			{Style: stat, Title: "Up for", About: "sysUpTime: since when the agent runs, which may have been started after the device. It begins anew after 497 days.", W: 5, H: 4,
				Queries: []Query{now(scaledBy(gauge("system", "sysUpTime", "uptime", f, nil), 0.01))}, look: look{Unit: "dtdurations"}, NoValue: "unknown"},
			{Style: stat, Title: "Interfaces", W: 3, H: 4, Queries: []Query{now(counted)}, NoValue: "unknown"},
			{Style: stat, Title: "In mismatch", About: aboutMismatch, W: 3, H: 4, Queries: []Query{now(mismatchCount(upButDown, "mismatch", f, nil))}, look: look{Thresholds: []threshold{{1, bad}}}, NoValue: "unknown"},
			{Style: table, Title: "System", W: 10, H: 4, Rows: system},
			{Style: graph, Title: "Traffic in", About: aboutRates, W: 12, H: 9, Queries: []Query{rate("interface", "ifHCInOctets", "{{ifName}}", 8, ports, byPort)}, look: look{Unit: "bps", Link: interfacePage}},
			{Style: graph, Title: "Traffic out", About: aboutRates, W: 12, H: 9, Queries: []Query{rate("interface", "ifHCOutOctets", "{{ifName}}", 8, ports, byPort)}, look: look{Unit: "bps", Link: interfacePage}},
			{Style: graph, Title: "Errors", About: "ifInErrors and ifOutErrors a second. " + aboutRates, W: 12, H: 7, Queries: []Query{
				rate("interface", "ifInErrors", "{{ifName}} in", 1, ports, byPort), rate("interface", "ifOutErrors", "{{ifName}} out", 1, ports, byPort)}, look: look{Link: interfacePage}},
			{Style: graph, Title: "Discards", About: "ifInDiscards and ifOutDiscards a second: packets that were whole and had no room. " + aboutRates, W: 12, H: 7, Queries: []Query{
				rate("interface", "ifInDiscards", "{{ifName}} in", 1, ports, byPort), rate("interface", "ifOutDiscards", "{{ifName}} out", 1, ports, byPort)}, look: look{Link: interfacePage}},
			{Style: table, Title: "Interfaces", About: "As of the end of the time span shown; errors and discards a second.", W: 24, H: 12, Rows: interfaces},
			heading("How it is polled"),
			{Style: graph, Title: "Polls", About: "How long a poll takes, and by how much it begins late. " + aboutSelf, W: 8, H: 7,
				Queries: []Query{named(of("poll_duration_seconds"), "takes"), named(of("poll_lag_seconds"), "late by")}, look: look{Unit: "s"}},
			{Style: graph, Title: "Round trip", About: "Of SNMP requests, smoothed, and of ICMP echo where the device is pinged at each poll (`ping: always`).", W: 8, H: 7,
				Queries: []Query{named(scaledBy(of("snmp_round_trip_seconds"), 1000), "SNMP"), gauge("ping", "average_response_ms", "ping", f, nil)}, look: look{Unit: "ms"}},
			{Style: graph, Title: "Rates withheld", About: aboutVerdicts + " " + aboutSelf, W: 8, H: 7, Stack: true, Queries: []Query{withheld}},
		}}
}

func scaledBy(q Query, s float64) Query {
	q.Scale = s
	return q
}

func named(q Query, legend string) Query {
	q.Legend = legend
	return q
}
