package demo

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"walkabout/alert"
	"walkabout/cmd/snmpcollect/live"
	"walkabout/web"
)

// Board draws the last poll of every device as a table. Its methods may be called from any goroutine.
type Board struct{ *web.Memory }

// Draw writes the board as it stands at now for a terminal of so many columns and lines (but alerts are all told); 0 is no limit.
func (b Board) Draw(now time.Time, alerts, neverUp []alert.Alert, width, height int) string {
	var out strings.Builder
	b.drawDevices(&out, now)
	tail := drawAlerts(alerts, len(neverUp))
	room := height - strings.Count(out.String(), "\n") - strings.Count(tail, "\n") - 4
	if height == 0 {
		room = 1 << 20
	}
	b.drawRows(&out, max(room, 5), live.Marked(b.Memory, alerts, neverUp))
	out.WriteString(tail)
	return live.Fit(out.String(), width)
}

func (b Board) drawDevices(out *strings.Builder, now time.Time) {
	for _, p := range b.Polls() {
		switch {
		case !p.Answered:
			fmt.Fprintf(out, "%-9s no answer: %s\n", p.Device, live.Clip(p.Err, 80))
		default:
			fmt.Fprintf(out, "%-9s up %-14v polled %2.0f s ago in %v, %d samples\n", p.Device, p.UpTime, now.Sub(p.At).Seconds(), p.Duration.Round(100*time.Microsecond), p.Samples)
		}
	}
}

// drawRows writes up to room interfaces: those with an alert, then the busiest, and some of each device.
func (b Board) drawRows(out *strings.Builder, room int, rows []live.Interface) {
	live.SortInterfaces(rows, "alert")
	shown := choose(rows, room)
	live.SortInterfaces(shown, "alert")
	slices.SortStableFunc(shown, func(a, c live.Interface) int { return cmp.Compare(a.Device, c.Device) })
	out.WriteByte('\n')
	live.WriteInterfaces(out, shown)
	if n := len(rows) - len(shown); n > 0 {
		fmt.Fprintf(out, "… and %d quieter interfaces\n", n)
	}
}

// ofEach is how many rows of each device are shown however quiet they are.
const ofEach = 2

// choose returns room rows of those in order: the first of each device, then the first of all.
func choose(rows []live.Interface, room int) []live.Interface {
	var shown, rest []live.Interface
	count := map[string]int{}
	for _, r := range rows {
		if count[r.Device]++; count[r.Device] <= ofEach {
			shown = append(shown, r)
		} else {
			rest = append(rest, r)
		}
	}
	shown = shown[:min(room, len(shown))]
	return append(shown, rest[:min(room-len(shown), len(rest))]...)
}

func drawAlerts(alerts []alert.Alert, neverUp int) string {
	var out strings.Builder
	out.WriteString("\nALERTS\n")
	if len(alerts) == 0 {
		out.WriteString("none\n")
	}
	for _, a := range alerts {
		fmt.Fprintf(&out, "%-9s since %s  %s\n", a.State, a.Since.Local().Format(time.TimeOnly), live.Clip(a.Summary, 200))
	}
	if neverUp > 0 {
		fmt.Fprintf(&out, "ports that were never up, and raise no alert: %d\n", neverUp)
	}
	return out.String()
}
