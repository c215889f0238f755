package dns

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// nlnet is a server of NLnet Labs: orders are lines behind a version, answers are lines.
type nlnet struct {
	*control
	version string // UBCT1 or NSDCT1
}

// ask gives an order. What the server calls an error is one.
func (n nlnet) ask(ctx context.Context, order string) (string, error) {
	text, err := n.order(ctx, n.version+" "+order+"\n")
	if err == nil && strings.HasPrefix(text, "error") {
		err = fmt.Errorf("%w %s: %q", ErrRefused, order, clip(strings.TrimSpace(text)))
	}
	return text, err
}

// read asks for the statistics, among which upTime counts seconds, and for what the server is: product and a version. Started and Software are empty where
// it does not tell.
func (n nlnet) read(ctx context.Context, product, upTime string) (s statistics, r *Reading, err error) {
	text, err := n.ask(ctx, "stats_noreset")
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	if s, err = parseStatistics(text); err != nil {
		return nil, nil, err
	}
	r = &Reading{}
	if up, ok := s[upTime]; ok {
		r.Started = now.Add(-time.Duration(up * float64(time.Second)))
	}
	if text, err = n.ask(ctx, "status"); err != nil {
		return nil, nil, err
	}
	if version, ok := strings.CutPrefix(text, "version: "); ok {
		version, _, _ = strings.Cut(version, "\n")
		r.Software = product + " " + version
	}
	return s, r, nil
}

// clip returns the beginning of a long text.
func clip(s string) string {
	const most = 120
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// statistics are lines of the form NAME=NUMBER.
type statistics map[string]float64

func parseStatistics(text string) (statistics, error) {
	out := statistics{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		name, value, ok := strings.Cut(line, "=")
		n, err := strconv.ParseFloat(value, 64)
		switch {
		case line == "":
		case !ok || err != nil:
			return nil, fmt.Errorf("%w: a line of statistics is %q", ErrAnswer, clip(line))
		default:
			out[name] = n
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: there are no statistics", ErrAnswer)
	}
	return out, nil
}

// counters returns those that rules name, and under errors the sum of the rcodes, all with that prefix, that are errors.
func (s statistics) counters(rules []Rule, rcode string) Counters {
	out := Counters{}
	for i := range rules {
		for _, name := range slices.Concat(rules[i].Plus, rules[i].Minus) {
			if n, ok := s[name]; ok && n >= 0 {
				out[name] = uint64(n)
			}
		}
	}
	for name, n := range s {
		if code, ok := strings.CutPrefix(name, rcode); ok && n >= 0 && isError(code) {
			out[rcodeErrors] += uint64(n)
		}
	}
	return out
}

// rcodeErrors is the sum of a server's counters of rcodes that are errors.
const rcodeErrors = "rcodes that are errors"

// isError reports whether answers with an rcode are errors to dnsServCounterErrors: all but 0 and 3. Unbound's nodata is no rcode.
func isError(rcode string) bool {
	return rcode != "NOERROR" && rcode != "NXDOMAIN" && rcode != "nodata"
}
