package dashboards

// port is the dashboard of one interface.
func port(o Options) dashboard {
	f := []string{o.Label, "device", "ifName"}
	of := func(field, legend string) Query { return rate("interface", field, legend, 1, f, nil) }
	octets := func(direction string) Query {
		return rate("interface", "ifHC"+direction+"Octets", direction, 8, f, nil)
	}
	span := func(q Query, r Reduce) Query {
		q.Over, q.Reduce = Span, r
		return q
	}
	volume := func(direction string) Query {
		return Query{From: "interface", Field: "ifHC" + direction + "Octets_rate", Volume: true, Reduce: Mean, Over: Span, Filter: f, Legend: direction}
	}
	utilisation := func(direction string) Query {
		return Query{From: "interface", Field: "ifHC" + direction + "Octets_rate", Scale: 8e-6, Per: "ifHighSpeed", Reduce: Mean, Filter: f, Legend: direction}
	}
	withheld := own("rates_withheld_total", "{{verdict}}", []string{o.Label, "device"}, []string{"verdict"})
	facts := &Rows{From: "interface", Filter: f, By: []string{"device", "ifName"}, Over: Now, Columns: []Column{
		{Field: "ifAlias", Title: "Alias", Text: true, Label: true}, {Field: "ifType", Title: "ifType", look: look{Width: 75}}, {Field: "ifMtu", Title: "MTU", look: look{Width: 75}},
		{Field: "ifHighSpeed", Title: "Speed", Scale: 1e6, look: look{Unit: "bps", Width: 95}}}}
	packets := func(direction string) []Query {
		return []Query{of("ifHC"+direction+"UcastPkts", "unicast"), of("ifHC"+direction+"MulticastPkts", "multicast"), of("ifHC"+direction+"BroadcastPkts", "broadcast")}
	}
	return dashboard{Name: "interface", Title: "Walkabout: interface", About: "One interface: traffic, utilisation, packets, errors, states.", From: "now-6h", Alerts: []string{o.Label, "device"},
		Variables: []Variable{siteVariable(o), deviceVariable(o, "system", "sysUpTime", false), portVariable(o, false)},
		Panels: []panel{
			{Style: stat, Title: "Admin", About: "ifAdminStatus: what is wanted.", W: 3, H: 4, Queries: []Query{now(gauge("interface", "ifAdminStatus", "admin", f, nil))}, look: look{Mappings: adminStates}, NoValue: "unknown"},
			{Style: stat, Title: "Oper", About: "ifOperStatus: what is. " + aboutMismatch, W: 3, H: 4, Queries: []Query{now(gauge("interface", "ifOperStatus", "oper", f, nil))}, look: look{Mappings: operStates}, NoValue: "unknown"},
			{Style: stat, Title: "95th percentile", About: "One in twenty of the means of five minutes, of polls if they are further apart, is above: what transit is charged by. " + aboutRates, W: 4, H: 4, Queries: []Query{span(octets("In"), P95), span(octets("Out"), P95)}, look: look{Unit: "bps"}, NoValue: "unknown"},
			{Style: stat, Title: "Total", About: "Octets over the time span shown, as far as there are numbers: what passed in a gap is not in it.", W: 4, H: 4, Queries: []Query{volume("In"), volume("Out")}, look: look{Unit: "decbytes"}, NoValue: "unknown"},
			{Style: table, Title: "Interface", W: 10, H: 4, Rows: facts},
			{Style: graph, Title: "Traffic", About: "In above, out below the axis. " + aboutRates, W: 24, H: 10, Queries: []Query{octets("In"), octets("Out")}, look: look{Unit: "bps"}, Below: true},
			{Style: graph, Title: "Utilisation", About: "Octets by ifHighSpeed; nothing where that is 0. More than 100 % is an agent that tells a wrong speed.", W: 12, H: 8,
				Queries: []Query{utilisation("In"), utilisation("Out")}, look: look{Unit: "percentunit"}, Reach: 1},
			{Style: timeline, Title: "States", About: "ifAdminStatus and ifOperStatus. Where nothing was polled there is nothing.", W: 12, H: 8,
				Queries: []Query{gauge("interface", "ifAdminStatus", "admin", f, nil), gauge("interface", "ifOperStatus", "oper", f, nil)}, look: look{Mappings: operStates}, First: adminStates},
			{Style: graph, Title: "Packets in", About: aboutRates, W: 12, H: 8, Queries: packets("In"), look: look{Unit: "pps"}},
			{Style: graph, Title: "Packets out", About: aboutRates, W: 12, H: 8, Queries: packets("Out"), look: look{Unit: "pps"}},
			{Style: graph, Title: "Errors and discards", About: "Packets a second. Errors are of the wire, discards of a queue. " + aboutRates, W: 12, H: 8, Queries: []Query{
				of("ifInErrors", "errors in"), of("ifOutErrors", "errors out"), of("ifInDiscards", "discards in"), of("ifOutDiscards", "discards out")}, look: look{Unit: "pps"}},
			{Style: graph, Title: "Rates withheld, of the whole device", About: aboutVerdicts + " " + aboutSelf, W: 12, H: 8, Stack: true, Queries: []Query{withheld}},
			heading("32-bit counters, of devices that have no others"),
			{Style: graph, Title: "Traffic by 32-bit counters", About: "ifInOctets and ifOutOctets: the same traffic as above where there are both. " + aboutRates, W: 24, H: 8, Queries: []Query{
				rate("interface", "ifInOctets", "In", 8, f, nil), rate("interface", "ifOutOctets", "Out", 8, f, nil)}, look: look{Unit: "bps"}, Below: true},
		}}
}
