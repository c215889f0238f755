package dashboards

// fleet is the dashboard of all devices.
func fleet(o Options) dashboard {
	f := []string{o.Label}
	traffic := func(direction string) Query {
		return sum(rate("interface", "ifHC"+direction+"Octets", direction, 8, f, nil))
	}
	utilisation := func(direction string) Query {
		return Query{From: "interface", Field: "ifHC" + direction + "Octets_rate", Scale: 8e-6, Per: "ifHighSpeed", Reduce: Mean, Over: Span, Filter: f, By: []string{"device", "ifName"}, Top: 10}
	}
	silent := now(sum(gauge(collectorMeasurement, "snmpcollect_up", "silent", f, nil)))
	silent.Invert = true
	devices := &Rows{From: collectorMeasurement, Filter: f, By: []string{"device"}, Over: Now, Columns: []Column{
		{Field: "snmpcollect_up", Title: "Answers", look: look{Mappings: upOrDown, Width: 90}},
		{Field: "snmpcollect_poll_duration_seconds", Title: "Poll took", look: look{Unit: "s", Thresholds: []threshold{{5, poor}, {20, bad}}}},
		{Field: "snmpcollect_poll_lag_seconds", Title: "Poll began late by", look: look{Unit: "s", Thresholds: []threshold{{1, poor}, {10, bad}}}},
		{Field: "snmpcollect_snmp_round_trip_seconds", Title: "SNMP round trip", look: look{Unit: "s"}},
		{Field: "snmpcollect_poll_last_timestamp_seconds", Title: "Last poll", Scale: 1000, look: look{Unit: "dateTimeFromNow"}},
	}}
	return dashboard{Name: "fleet", Title: "Walkabout: fleet", About: "All devices: who answers, what is broken, where the traffic is.", From: "now-6h", Alerts: []string{o.Label},
		Variables: []Variable{siteVariable(o)},
		Panels: []panel{
			{Style: stat, Title: "Devices that answer", About: "Whose last poll was answered, at least in part. " + aboutSelf, W: 4, H: 4,
				Queries: []Query{now(sum(gauge(collectorMeasurement, "snmpcollect_up", "answer", f, nil)))}, NoValue: "unknown"},
			{Style: stat, Title: "Devices that are silent", About: "Whose last poll was not answered. " + aboutSelf, W: 4, H: 4,
				Queries: []Query{silent}, look: look{Thresholds: []threshold{{1, bad}}}, NoValue: "unknown"},
			{Style: stat, Title: "Interfaces in mismatch", About: aboutMismatch, W: 4, H: 4,
				Queries: []Query{now(mismatchCount(upButDown, "mismatch", f, nil))}, look: look{Thresholds: []threshold{{1, bad}}}, NoValue: "unknown"},
			{Style: stat, Title: "Alerts firing", About: "Of all rules and all devices. " + aboutSelf, W: 4, H: 4, Queries: []Query{
				{From: collectorMeasurement, Field: "snmpcollect_alerts", Where: []Equal{{"state", "firing"}}, Reduce: Last, Across: Sum, Over: Now, Legend: "firing"}},
				look: look{Thresholds: []threshold{{1, bad}}}, NoValue: "unknown"},
			{Style: stat, Title: "Traffic in", About: "Of all interfaces, so that what passes through a device counts at each. " + aboutRates, W: 4, H: 4,
				Queries: []Query{now(traffic("In"))}, look: look{Unit: "bps"}, NoValue: "unknown"},
			{Style: stat, Title: "Traffic out", About: "Of all interfaces. " + aboutRates, W: 4, H: 4, Queries: []Query{now(traffic("Out"))}, look: look{Unit: "bps"}, NoValue: "unknown"},
			{Style: graph, Title: "Traffic of all interfaces", About: "In above, out below the axis. " + aboutRates, W: 12, H: 8,
				Queries: []Query{traffic("In"), traffic("Out")}, look: look{Unit: "bps"}, Below: true, Whole: true},
			{Style: graph, Title: "Devices by state", About: "How the last poll found them: up; host_down, no answer to ping either; snmp_silent, it answers ping; authentication; timeout. " +
				"One that changed is in both states for one step. " + aboutSelf, W: 6, H: 8, Stack: true,
				Queries: []Query{sum(gauge(collectorMeasurement, "snmpcollect_target_state", "{{state}}", f, []string{"state"}))}},
			{Style: graph, Title: "Interfaces in mismatch", About: aboutMismatch, W: 6, H: 8, Queries: []Query{mismatchCount(upButDown, "up, but down", f, nil), mismatchCount(downButUp, "down, but up", f, nil)}, Whole: true},
			{Style: table, Title: "Busiest interfaces, in", About: "Octets in, by the share of ifHighSpeed over the time span shown. Interfaces without a speed are left out.", W: 12, H: 9,
				Queries: []Query{utilisation("In")}, Sort: "Utilisation", look: look{Unit: "percentunit", Thresholds: []threshold{{0.7, poor}, {0.9, bad}}}},
			{Style: table, Title: "Busiest interfaces, out", About: "Octets out, likewise.", W: 12, H: 9,
				Queries: []Query{utilisation("Out")}, Sort: "Utilisation", look: look{Unit: "percentunit", Thresholds: []threshold{{0.7, poor}, {0.9, bad}}}},
			{Style: table, Title: "Most errors in", About: "ifInErrors a second, the mean of the time span shown. " + aboutRates, W: 12, H: 9,
				Queries: []Query{{From: "interface", Field: "ifInErrors_rate", Reduce: Mean, Over: Span, Filter: f, By: []string{"device", "ifName"}, Top: 10}},
				Sort:    "Errors a second", look: look{Decimals: 3, Thresholds: []threshold{{0.001, poor}, {1, bad}}}},
			{Style: table, Title: "Most discards out", About: "ifOutDiscards a second, the mean of the time span shown: a queue that is full. " + aboutRates, W: 12, H: 9,
				Queries: []Query{{From: "interface", Field: "ifOutDiscards_rate", Reduce: Mean, Over: Span, Filter: f, By: []string{"device", "ifName"}, Top: 10}},
				Sort:    "Discards a second", look: look{Decimals: 3, Thresholds: []threshold{{0.001, poor}, {1, bad}}}},
			{Style: table, Title: "Devices", About: "As of the end of the time span shown. " + aboutSelf, W: 24, H: 12, Rows: devices, Worst: "Answers"},
		}}
}
