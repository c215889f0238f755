package demo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"walkabout/alert"
	"walkabout/collector"
	"walkabout/metric"
)

// Board keeps the last poll of every device and draws it as a table. It is a collector.Sink; its methods may be called from
// any goroutine.
type Board struct {
	mu      sync.Mutex
	devices map[string]device
}

type device struct {
	poll collector.Poll
	rows []row // of its last answered poll
}

// row is one interface.
type row struct {
	device, name string
	admin, oper  int64
	in, out, err figure
	verdict      string
	mark         string // its alert, "never up", or nothing
}

// rank orders rows by what a person wants to see first.
func (r row) rank() int {
	switch {
	case r.mark == alert.Firing.String():
		return 0
	case r.mark == alert.Pending.String():
		return 1
	case r.mark == "" && r.admin == 1:
		return 2
	default:
		return 3
	}
}

// figure is a rate, or none.
type figure struct {
	perSecond float64
	known     bool
}

// NewBoard returns an empty Board.
func NewBoard() *Board { return &Board{devices: map[string]device{}} }

// Poll implements collector.Sink.
func (b *Board) Poll(_ context.Context, p collector.Poll) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.devices[p.Device]
	d.poll = p
	if p.Answered {
		d.rows = nil
		for _, s := range p.Samples {
			if s.Measurement == "interface" {
				d.rows = append(d.rows, newRow(s))
			}
		}
	}
	b.devices[p.Device] = d
}

func newRow(s metric.Sample) row {
	r := row{device: s.Tag("device"), name: cmp.Or(s.Tag("ifName"), s.Tag("ifDescr"))}
	admin, _ := s.Field("ifAdminStatus")
	oper, _ := s.Field("ifOperStatus")
	r.admin, r.oper = int64(admin.Num), int64(oper.Num)
	r.in, r.verdict = rate(s, "ifHCInOctets", "ifInOctets")
	r.out, _ = rate(s, "ifHCOutOctets", "ifOutOctets")
	r.in.perSecond *= 8
	r.out.perSecond *= 8
	errors, _ := rate(s, "ifInErrors")
	more, _ := rate(s, "ifOutErrors")
	r.err = figure{errors.perSecond + more.perSecond, errors.known || more.known}
	return r
}

// rate returns the rate of the first field that there is, and its verdict.
func rate(s metric.Sample, names ...string) (figure, string) {
	for _, n := range names {
		if f, ok := s.Field(n); ok {
			return figure{f.Rate, f.Verdict.HasRate()}, f.Verdict.String()
		}
	}
	return figure{}, ""
}

// statuses are the words of ifOperStatus (RFC 2863); ifAdminStatus has the first three.
var statuses = [...]string{"?", "up", "down", "testing", "unknown", "dormant", "notPresent", "lowerLayerDown"}

func status(n int64) string {
	if n < 0 || n >= int64(len(statuses)) {
		n = 0
	}
	return statuses[n]
}

// Draw writes the board as it stands at now for a terminal of so many columns and lines (but alerts are all told); 0 is no limit.
func (b *Board) Draw(now time.Time, alerts, neverUp []alert.Alert, width, height int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out strings.Builder
	b.drawDevices(&out, now)
	tail := drawAlerts(alerts, len(neverUp))
	room := height - strings.Count(out.String(), "\n") - strings.Count(tail, "\n") - 4
	if height == 0 {
		room = 1 << 20
	}
	b.drawRows(&out, max(room, 5), marks(alerts, neverUp))
	out.WriteString(tail)
	if width == 0 {
		return out.String()
	}
	lines := strings.Split(out.String(), "\n")
	for i := range lines {
		lines[i] = printable(lines[i], width)
	}
	return strings.Join(lines, "\n")
}

func (b *Board) drawDevices(out *strings.Builder, now time.Time) {
	for _, name := range b.names() {
		p := b.devices[name].poll
		switch {
		case !p.Answered:
			fmt.Fprintf(out, "%-9s no answer: %s\n", name, printable(fmt.Sprint(p.Err), 80))
		default:
			fmt.Fprintf(out, "%-9s up %-14v polled %2.0f s ago in %v, %d samples\n", name, time.Duration(p.UpTime)*10*time.Millisecond,
				now.Sub(p.At).Seconds(), p.Duration.Round(100*time.Microsecond), len(p.Samples))
		}
	}
}

func (b *Board) names() []string {
	var names []string
	for n := range b.devices {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// interfaceKey is how the alerts name an interface.
type interfaceKey struct{ device, name string }

// marks returns what is to be said of interfaces beside their status.
func marks(alerts, neverUp []alert.Alert) map[interfaceKey]string {
	m := map[interfaceKey]string{}
	for _, a := range neverUp {
		m[interfaceKey{a.Device, a.Key}] = "never up"
	}
	for _, a := range alerts {
		if a.State == alert.Pending || a.State == alert.Firing {
			m[interfaceKey{a.Device, a.Key}] = a.State.String()
		}
	}
	return m
}

// drawRows writes up to room interfaces: those with an alert, then the busiest, and some of each device.
func (b *Board) drawRows(out *strings.Builder, room int, marks map[interfaceKey]string) {
	var rows []row
	for _, n := range b.names() {
		for _, r := range b.devices[n].rows {
			r.mark = marks[interfaceKey{r.device, r.name}]
			rows = append(rows, r)
		}
	}
	slices.SortStableFunc(rows, func(a, c row) int {
		return cmp.Or(cmp.Compare(a.rank(), c.rank()), cmp.Compare(c.in.perSecond+c.out.perSecond, a.in.perSecond+a.out.perSecond))
	})
	shown := choose(rows, room)
	slices.SortStableFunc(shown, func(a, c row) int {
		return cmp.Or(cmp.Compare(a.device, c.device), cmp.Compare(a.rank(), c.rank()))
	})
	const format = "%-9s %-12s %-10s %9s %9s %6s  %-9s %s" // for terminals of 80 columns
	line := func(cells ...any) { out.WriteString(strings.TrimRight(fmt.Sprintf(format, cells...), " ") + "\n") }
	out.WriteByte('\n')
	line("DEVICE", "INTERFACE", "ADMIN/OPER", "IN BIT/S", "OUT BIT/S", "ERR/S", "VERDICT", "ALERT")
	for _, r := range shown {
		line(printable(r.device, 9), printable(r.name, 12), printable(status(r.admin)+"/"+status(r.oper), 10), r.in.bits(), r.out.bits(), r.err.plain(),
			printable(r.verdict, 9), r.mark)
	}
	if n := len(rows) - len(shown); n > 0 {
		fmt.Fprintf(out, "… and %d quieter interfaces\n", n)
	}
}

// ofEach is how many rows of each device are shown however quiet they are.
const ofEach = 2

// choose returns room rows of those in order: the first of each device, then the first of all.
func choose(rows []row, room int) []row {
	var shown, rest []row
	count := map[string]int{}
	for _, r := range rows {
		if count[r.device]++; count[r.device] <= ofEach {
			shown = append(shown, r)
		} else {
			rest = append(rest, r)
		}
	}
	shown = shown[:min(room, len(shown))]
	return append(shown, rest[:min(room-len(shown), len(rest))]...)
}

// bits writes a rate with a decimal prefix, "-" if there is none.
func (f figure) bits() string {
	if !f.known {
		return "-"
	}
	v := f.perSecond
	for _, unit := range []string{"", " k", " M", " G"} {
		if v < 1000 || unit == " G" {
			if unit == "" {
				return fmt.Sprintf("%.0f", v)
			}
			return fmt.Sprintf("%.2f%s", v, unit)
		}
		v /= 1000
	}
	return "" // cannot be reached: the last unit takes everything
}

func (f figure) plain() string {
	if !f.known {
		return "-"
	}
	return fmt.Sprintf("%.1f", f.perSecond)
}

func drawAlerts(alerts []alert.Alert, neverUp int) string {
	var out strings.Builder
	out.WriteString("\nALERTS\n")
	if len(alerts) == 0 {
		out.WriteString("none\n")
	}
	for _, a := range alerts {
		fmt.Fprintf(&out, "%-9s since %s  %s\n", a.State, a.Since.Local().Format(time.TimeOnly), printable(a.Summary, 200))
	}
	if neverUp > 0 {
		fmt.Fprintf(&out, "ports that were never up, and raise no alert: %d\n", neverUp)
	}
	return out.String()
}

// printable makes what a device says fit for a terminal: no control characters, at most width runes.
func printable(s string, width int) string {
	var out strings.Builder
	n := 0
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			r = '?'
		}
		if n++; n > width {
			return out.String()[:lastRune(out.String())] + "…"
		}
		out.WriteRune(r)
	}
	return out.String()
}

// lastRune returns where the last rune of s begins.
func lastRune(s string) int {
	_, size := utf8.DecodeLastRuneInString(s)
	return len(s) - size
}
