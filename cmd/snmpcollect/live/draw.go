package live

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Frame draws v for a terminal of so many columns and lines; 0 is no limit. where says what it is of, q what was asked.
func Frame(v View, q Query, where string, width, height int) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s  %s  %d targets: %d up, %d partial, %d silent  alerts: %d\n", where, v.At.Local().Format(time.TimeOnly), v.Targets, v.Up, v.Partial, v.Silent, len(v.Alerts))
	fmt.Fprintf(&out, "sort %s", q.order())
	if q.Filter != "" {
		fmt.Fprintf(&out, "  filter %q", q.Filter)
	}
	fmt.Fprintf(&out, "  %d match\n\n", v.Matching)
	var tail strings.Builder
	alerts := v.Alerts
	if height > 0 {
		alerts = alerts[:min(len(alerts), max(0, height/4))]
	}
	writeAlerts(&tail, alerts, len(v.Alerts)-len(alerts))
	room := 1 << 20
	if height > 0 {
		room = max(1, height-strings.Count(out.String(), "\n")-strings.Count(tail.String(), "\n")-1)
	}
	if q.Devices {
		writeDevices(&out, v.Devices[:min(room, len(v.Devices))])
	} else {
		WriteInterfaces(&out, v.Interfaces[:min(room, len(v.Interfaces))])
	}
	out.WriteString(tail.String())
	return Fit(out.String(), width)
}

// order is the query's Sort, its default spelt out.
func (q Query) order() string {
	if q.Sort == "" {
		return q.Sorts()[0]
	}
	return q.Sort
}

// WriteInterfaces writes a table of interfaces, for terminals of 80 columns.
func WriteInterfaces(w io.Writer, rows []Interface) {
	const format = "%-9s %-12s %-10s %9s %9s %6s  %-9s %s"
	line := func(cells ...any) {
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf(format, cells...), " "))
	}
	line("DEVICE", "INTERFACE", "ADMIN/OPER", "IN BIT/S", "OUT BIT/S", "ERR/S", "VERDICT", "ALERT")
	for _, r := range rows {
		line(Clip(r.Device, 9), Clip(r.Name, 12), Clip(r.Admin+"/"+r.Oper, 10), bits(r.In), bits(r.Out), plain(r.Errors), Clip(r.Verdict, 9), r.Alert)
	}
}

func writeDevices(w io.Writer, rows []Poller) {
	const format = "%-16s %-8s %6s %9s %8s %7s %7s %8s %8s  %s"
	line := func(cells ...any) {
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf(format, cells...), " "))
	}
	line("DEVICE", "STATE", "AGO", "POLL", "LAG", "POLLS", "FAILED", "RETRIES", "WITHHELD", "LAST ERROR")
	for _, r := range rows {
		ago := "-"
		if r.Last >= 0 {
			ago = fmt.Sprintf("%.0fs", r.Last)
		}
		line(Clip(r.Device, 16), r.State, ago, milliseconds(r.Duration), milliseconds(r.Lag), fmt.Sprint(r.Polls), fmt.Sprint(r.Failed), fmt.Sprint(r.Retries),
			fmt.Sprint(r.Withheld), Clip(r.Error, 200))
	}
}

func milliseconds(seconds float64) string { return fmt.Sprintf("%.1fms", seconds*1000) }

func writeAlerts(w io.Writer, alerts []Alert, more int) {
	if len(alerts)+more == 0 {
		return
	}
	fmt.Fprintln(w, "\nALERTS")
	for _, a := range alerts {
		fmt.Fprintf(w, "%-9s since %s  %s\n", a.State, a.Since.Local().Format(time.TimeOnly), Clip(a.Summary, 200))
	}
	if more > 0 {
		fmt.Fprintf(w, "… and %d more\n", more)
	}
}

// bits writes a rate with a decimal prefix, "-" if there is none.
func bits(rate *float64) string {
	if rate == nil {
		return "-"
	}
	v := *rate
	if v < 1000 {
		return fmt.Sprintf("%.0f", v)
	}
	units := []string{"k", "M", "G"}
	for i, unit := range units {
		if v /= 1000; v < 1000 || i == len(units)-1 {
			return fmt.Sprintf("%.2f %s", v, unit)
		}
	}
	return "" // cannot be reached: the last unit takes everything
}

func plain(rate *float64) string {
	if rate == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f", *rate)
}

// Fit clips every line of text to width columns; 0 is no limit.
func Fit(text string, width int) string {
	if width == 0 {
		return text
	}
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = Clip(lines[i], width)
	}
	return strings.Join(lines, "\n")
}

// Clip makes what a device says fit for a terminal: no control characters, at most width runes.
func Clip(s string, width int) string {
	var out strings.Builder
	n := 0
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			r = '?'
		}
		if n++; n > width {
			text := out.String()
			_, size := utf8.DecodeLastRuneInString(text)
			return text[:len(text)-size] + "…"
		}
		out.WriteRune(r)
	}
	return out.String()
}
