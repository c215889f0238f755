package dashboards

// dns is the dashboard of name servers, as the profile dns has them.
func dns(o Options) dashboard {
	f := []string{o.Label, "device"}
	by := []string{"device"}
	states := []mapped{{1, "cannot be read", bad}, {2, "reset", poor}, {3, "initializing", poor}, {4, "running", good}}
	counter := func(from, field, legend string) Query { return rate(from, field, legend, 1, f, by) }
	answers := func(field, legend string) Query {
		return counter("dns_server", "dnsServCounter"+field, "{{device}} "+legend)
	}
	servers := &Rows{From: "dns_server", Filter: f, By: by, Over: Now, Columns: []Column{
		{Field: "dnsServConfigReset", Title: "State", look: look{Mappings: states}},
		{Field: "dnsServConfigUpTime", Title: "Up for", look: look{Unit: "dtdurations"}},
		{Field: "dnsServConfigImplementIdent", Title: "Program", Text: true},
	}}
	zones := &Rows{From: "dns_zone", Filter: f, By: []string{"device", "dnsServZoneName"}, Over: Now, Columns: []Column{
		{Field: "dnsServZoneCurrent", Title: "Current", look: look{Mappings: []mapped{{1, "yes", good}, {2, "no", bad}}}},
		{Field: "dnsServZoneSerial", Title: "Serial", look: look{Unit: "none"}},
	}}
	return dashboard{Name: "dns", Title: "Walkabout: DNS", About: "Name servers: what they answer, their resolvers, their zones. From DNS-SERVER-MIB and DNS-RESOLVER-MIB; what a server does not tell is not there.",
		From: "now-6h", Alerts: []string{o.Label, "device"}, Variables: []Variable{siteVariable(o), deviceVariable(o, "dns_server", "dnsServConfigReset", true)},
		Panels: []panel{
			{Style: table, Title: "Servers", About: "As of the end of the time span shown. **cannot be read**: the agent reaches its name server no more (dnsServConfigReset is other).", W: 12, H: 8, Rows: servers},
			{Style: table, Title: "Zones", About: "**Current** is no of a zone that was never loaded, or has expired. As of the end of the time span shown.", W: 12, H: 8, Rows: zones},
			{Style: graph, Title: "Answers", About: "Authoritative answers, names that do not exist, names without such data, what came from elsewhere, and referrals, a second. " + aboutRates, W: 12, H: 9, Queries: []Query{
				answers("AuthAns", "answers"), answers("AuthNoNames", "no such name"), answers("AuthNoDataResps", "no such data"), answers("NonAuthDatas", "not authoritative"),
				answers("NonAuthNoDatas", "not authoritative, no data"), answers("Referrals", "referrals")}, look: look{Unit: "reqps"}},
			{Style: graph, Title: "Errors", About: "Requests that were answered with an error, a second: all of them, and of them refused, not understood and failed. " + aboutRates, W: 12, H: 9, Queries: []Query{
				answers("Errors", "errors"), answers("ReqRefusals", "refused"), answers("ReqUnparses", "not understood"), answers("OtherErrors", "failed")}, look: look{Unit: "reqps"}},
			heading("Resolver"),
			{Style: graph, Title: "Queries sent", About: "By opcode. " + aboutRates, W: 8, H: 8, Queries: []Query{
				rate("dns_resolver_opcode", "dnsResCounterByOpcodeQueries", "{{device}} opcode {{dnsResCounterByOpcodeCode}}", 1, f, []string{"device", "dnsResCounterByOpcodeCode"})}, look: look{Unit: "reqps"}},
			{Style: graph, Title: "Responses", About: "By rcode: 0 no error, 2 server failure, 3 no such name, 5 refused. " + aboutRates, W: 8, H: 8, Queries: []Query{
				rate("dns_resolver_rcode", "dnsResCounterByRcodeResponses", "{{device}} rcode {{dnsResCounterByRcodeCode}}", 1, f, []string{"device", "dnsResCounterByRcodeCode"})}, look: look{Unit: "reqps"}},
			{Style: graph, Title: "Faults", About: "Martians came from where nobody was asked; not understood could not be parsed; no response was given up. " + aboutRates, W: 8, H: 8, Queries: []Query{
				counter("dns_resolver", "dnsResCounterMartians", "{{device}} martians"), counter("dns_resolver", "dnsResCounterUnparseResps", "{{device}} not understood"),
				counter("dns_resolver", "dnsResOptCounterNoResponses", "{{device}} no response")}, look: look{Unit: "reqps"}},
			heading("Requests by type, where the agent has dnstap"),
			{Style: graph, Title: "Requests by type", About: "By QTYPE: 1 A, 2 NS, 6 SOA, 15 MX, 16 TXT, 28 AAAA, 65 HTTPS. " + aboutRates, W: 24, H: 8, Stack: true, Queries: []Query{
				sum(rate("dns_queries", "dnsServCounterRequests", "type {{dnsServCounterQType}}", 1, f, []string{"dnsServCounterQType"}))}, look: look{Unit: "reqps"}},
		}}
}
