package dashboards

// health is the dashboard of the collector itself.
func health(Options) dashboard {
	f := []string{"host"}
	of := func(field, legend string, by ...string) Query { return own(field, legend, f, by) }
	is := func(field, legend string, by ...string) Query {
		return gauge(collectorMeasurement, "snmpcollect_"+field, legend, f, by)
	}
	slowest := func(field, unit, title string) panel {
		return panel{Style: table, W: 8, H: 9, Sort: title, look: look{Unit: unit}, Queries: []Query{
			{From: collectorMeasurement, Field: "snmpcollect_" + field, Reduce: Mean, Over: Span, Filter: f, By: []string{"device"}, Top: 10}}}
	}
	slow := slowest("poll_duration_seconds", "s", "Took")
	slow.Title, slow.About = "Slowest devices", "How long polls took, the mean of the time span shown."
	late := slowest("poll_lag_seconds", "s", "Late by")
	late.Title, late.About = "Latest polls", "By how much polls began late, the mean of the time span shown: the collector has too much to do."
	far := slowest("snmp_round_trip_seconds", "s", "Round trip")
	far.Title, far.About = "Farthest devices", "The round trip of SNMP requests, the mean of the time span shown."
	outputs := &Rows{From: collectorMeasurement, Filter: f, By: []string{"output"}, Over: Now, Columns: []Column{
		{Field: "snmpcollect_spool_waiting_batches", Title: "Polls that wait"},
		{Field: "snmpcollect_spool_waiting_bytes", Title: "On disk", look: look{Unit: "bytes"}},
		{Field: "snmpcollect_spool_oldest_seconds", Title: "The oldest waits for", look: look{Unit: "s", Thresholds: []threshold{{60, poor}, {3600, bad}}}},
		{Field: "snmpcollect_spool_filling", Title: "Near its limit", look: look{Mappings: []mapped{{0, "no", good}, {1, "yes", bad}}}},
		{Field: "snmpcollect_spool_dropped_batches_total", Title: "Polls dropped", look: look{Thresholds: []threshold{{1, bad}}}},
		{Field: "snmpcollect_output_samples_rejected_total", Title: "Samples rejected", look: look{Thresholds: []threshold{{1, poor}}}},
	}}
	return dashboard{Name: "collector", Title: "Walkabout: collector", About: "The collector itself: whether it polls in time, and what waits for the outputs. " + aboutSelf, From: "now-6h",
		Variables: []Variable{{Tag: "host", Label: "Collector", From: collectorMeasurement, Field: "snmpcollect_targets", Multi: true}},
		Panels: []panel{
			{Style: stat, Title: "Targets", W: 4, H: 4, Queries: []Query{now(sum(is("targets", "targets")))}, NoValue: "unknown"},
			{Style: stat, Title: "Polls that wait", About: "For the output that is furthest behind.", W: 4, H: 4,
				Queries: []Query{now(across(Most, is("spool_waiting_batches", "wait")))}, look: look{Thresholds: []threshold{{1000, poor}, {100000, bad}}}, NoValue: "unknown"},
			{Style: stat, Title: "The oldest waits for", About: "While the collector ran.", W: 4, H: 4, Queries: []Query{now(across(Most, is("spool_oldest_seconds", "oldest")))}, look: look{Unit: "s", Thresholds: []threshold{{60, poor}, {3600, bad}}}, NoValue: "unknown"},
			{Style: stat, Title: "In memory only", About: "Polls that the disk does not take: they are lost if the collector ends.", W: 4, H: 4, Queries: []Query{now(across(Most, is("spool_unsaved_batches", "unsaved")))}, look: look{Thresholds: []threshold{{1, bad}}}, NoValue: "unknown"},
			{Style: stat, Title: "Configuration taken", About: "no: the file was changed and has a mistake; the old one goes on.", W: 4, H: 4, Queries: []Query{now(across(Least, is("config_last_reload_successful", "reload")))}, look: look{Mappings: upOrDown}, NoValue: "unknown"},
			{Style: stat, Title: "Memory", About: "Resident, of the process.", W: 4, H: 4, Queries: []Query{
				{From: collectorMeasurement, Field: "process_resident_memory_bytes", Reduce: Last, Across: Sum, Over: Now, Filter: f, Legend: "memory"}}, look: look{Unit: "bytes"}, NoValue: "unknown"},
			heading("Polls"),
			{Style: graph, Title: "Polls", About: "A second, by result: **ok**; **partial**, some parts are missing; **failed**, no answer.", W: 8, H: 8, Stack: true, Queries: []Query{of("polls_total", "{{result}}", "result")}},
			{Style: graph, Title: "Failures", About: "Polls, and parts of polls, that failed, a second, by reason.", W: 8, H: 8, Stack: true, Queries: []Query{of("poll_failures_total", "{{reason}}", "reason")}},
			{Style: graph, Title: "Polls missed, and running", About: "Slots of the schedule a second that passed because the poll before took too long, and polls that are being made.", W: 8, H: 8,
				Queries: []Query{of("polls_missed_total", "missed"), sum(is("polls_running", "running"))}},
			{Style: graph, Title: "Rates withheld", About: aboutVerdicts, W: 12, H: 8, Stack: true, Queries: []Query{of("rates_withheld_total", "{{verdict}}", "verdict")}},
			{Style: graph, Title: "SNMP requests", About: "A second, of all devices: requests, and those that were sent again.", W: 12, H: 8, Queries: []Query{of("requests_total", "requests"), of("retries_total", "sent again")}},
			slow, late, far,
			heading("Outputs"),
			{Style: table, Title: "Outputs", About: "As of the end of the time span shown. **Polls dropped**: the limits of the spool were reached; counted over all runs.", W: 24, H: 7, Rows: outputs},
			{Style: graph, Title: "Samples written", About: "A second, durable at the output.", W: 8, H: 8, Queries: []Query{of("output_samples_written_total", "{{output}}", "output")}},
			{Style: graph, Title: "Polls that wait", W: 8, H: 8, Queries: []Query{is("spool_waiting_batches", "{{output}}", "output")}},
			{Style: graph, Title: "The oldest waits for", W: 8, H: 8, Queries: []Query{is("spool_oldest_seconds", "{{output}}", "output")}, look: look{Unit: "s"}},
			{Style: graph, Title: "Samples rejected, writes tried again", About: "A second. What an output will never take is kept in rejected/ beside the spool.", W: 12, H: 8,
				Queries: []Query{of("output_samples_rejected_total", "{{output}} rejected", "output"), of("output_retries_total", "{{output}} tried again", "output")}},
			{Style: graph, Title: "Spool", About: "Disk space of all that is kept, for whichever output.", W: 6, H: 8, Queries: []Query{sum(is("spool_bytes", "on disk"))}, look: look{Unit: "bytes"}},
			{Style: graph, Title: "Memory", About: "Resident, of the process.", W: 6, H: 8, Queries: []Query{
				{From: collectorMeasurement, Field: "process_resident_memory_bytes", Reduce: Last, Filter: f, By: []string{"host"}, Legend: "{{host}}"}}, look: look{Unit: "bytes"}},
		}}
}
