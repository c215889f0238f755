package values

import (
	"bufio"
	"io"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/prometheus/common/expfmt"

	"walkabout/exporters/series"
)

// Path is where Handler is served.
const Path = "/snmp/metrics"

// family is all columns of one name.
type family struct {
	name, help string
	typ        series.Type
	columns    []place
}

type place struct {
	part   *part
	column *column
}

// families returns what is not stale of the devices named, or of all if none is, in the order of names and devices.
func (t *Table) families(now time.Time, devices []string) []*family {
	t.mu.Lock()
	var parts []*part
	if len(devices) == 0 {
		devices = slices.Sorted(maps.Keys(t.devices))
	}
	for _, device := range devices {
		d := t.devices[device]
		for _, measurement := range slices.Sorted(maps.Keys(d)) {
			if p := d[measurement]; now.Before(p.until) {
				parts = append(parts, p)
			}
		}
	}
	t.mu.Unlock()
	known := map[string]*family{}
	for _, p := range parts {
		for _, c := range p.columns {
			f := known[c.name]
			if f == nil {
				f = &family{name: c.name, help: c.help, typ: c.typ}
				known[c.name] = f
			}
			f.columns = append(f.columns, place{p, c})
		}
	}
	return slices.SortedFunc(maps.Values(known), func(a, b *family) int { return strings.Compare(a.name, b.name) })
}

// Write writes the last values of the devices named, or of all if none is, as OpenMetrics 1.0 or in Prometheus' text format. As OpenMetrics counters
// are of type unknown: there a counter's name ends in _total, and the names would depend on the format.
func (t *Table) Write(w io.Writer, openMetrics bool, now time.Time, devices ...string) error {
	b := bufio.NewWriterSize(w, 64<<10)
	var line []byte
	for _, f := range t.families(now, devices) {
		typ := f.typ.String()
		if openMetrics && f.typ == series.Counter {
			typ = "unknown"
		}
		line = line[:0]
		if f.help != "" {
			line = append(append(append(line, "# HELP "...), f.name...), ' ')
			line = append(appendEscaped(line, f.help, openMetrics), '\n')
		}
		line = append(append(append(append(append(line, "# TYPE "...), f.name...), ' '), typ...), '\n')
		for _, c := range f.columns {
			for i := range c.column.values {
				line = c.appendLine(line, i)
				if _, err := b.Write(line); err != nil {
					return err
				}
				line = line[:0]
			}
		}
	}
	if openMetrics {
		line = append(line, "# EOF\n"...)
	}
	if _, err := b.Write(line); err != nil {
		return err
	}
	return b.Flush()
}

// appendLine appends the line of a row, or nothing.
func (c place) appendLine(line []byte, row int) []byte {
	value := c.column.values[row]
	if math.Float64bits(value) == absent {
		return line
	}
	line = append(append(line, c.column.name...), '{')
	line = append(line, c.part.rows[row]...)
	if row < len(c.column.more) && c.column.more[row] != "" {
		if c.part.rows[row] != "" {
			line = append(line, ',')
		}
		line = append(line, c.column.more[row]...)
	}
	line = append(line, '}', ' ')
	switch {
	case math.IsInf(value, 1):
		line = append(line, "+Inf"...)
	case math.IsInf(value, -1):
		line = append(line, "-Inf"...)
	default:
		line = strconv.AppendFloat(line, value, 'g', -1, 64)
	}
	return append(line, '\n')
}

// Handler serves Write in the format that the client asks for; ?target=NAME, once or more, chooses devices.
func (t *Table) Handler(log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		format := expfmt.NegotiateAccept(r.Header, expfmt.DefaultOpenMetricsAcceptedFormats()...)
		openMetrics := format.FormatType() == expfmt.TypeOpenMetrics
		header := w.Header()
		header.Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		if openMetrics {
			header.Set("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
		}
		var out io.Writer = w
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			header.Set("Content-Encoding", "gzip")
			z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			defer z.Close()
			out = z
		}
		if err := t.Write(out, openMetrics, time.Now(), r.URL.Query()["target"]...); err != nil {
			log.Debug("answering "+Path, "err", err)
		}
	})
}
