package alert

import (
	"maps"
	"strconv"
	"strings"
	"time"
	"unicode"

	"walkabout/metric"
)

// statusNames are the enumeration of ifOperStatus (IF-MIB, RFC 2863); ifAdminStatus has the first three.
var statusNames = [...]string{1: "up", 2: "down", 3: "testing", 4: "unknown", 5: "dormant", 6: "notPresent", 7: "lowerLayerDown"}

// StatusName returns the name of a value of ifAdminStatus or ifOperStatus, "up" for 1; what neither has is written as a number.
func StatusName(n int) string {
	if n >= 1 && n < len(statusNames) {
		return statusNames[n]
	}
	return strconv.Itoa(n)
}

// describe fills in a, an alert of p, from the row r.
func (p *port) describe(a *Alert, d *device, r *row) { p.show(a, d, d.rowLabels(r.sample), r.status) }

// show fills in a, an alert of p, with the labels of a row and its status.
func (p *port) show(a *Alert, d *device, labels map[string]string, s status) {
	if p.alias != "" {
		labels["ifAlias"] = p.alias
	}
	values := map[string]string{"ifAdminStatus": StatusName(int(s.admin)), "ifOperStatus": StatusName(int(s.oper))}
	if s.hasIndex {
		values["ifIndex"] = strconv.FormatInt(int64(s.index), 10)
	}
	if s.hasLastChg {
		values["ifLastChange"] = strconv.FormatUint(uint64(s.lastChange), 10)
	}
	a.Labels, a.Values = labels, values
	a.Summary = clean(p.where(d) + ": admin " + values["ifAdminStatus"] + ", oper " + values["ifOperStatus"])
	if a.Flapping {
		a.Summary += ", flapping"
	}
}

// tells reports whether the alert of p has the status of the row r already.
func (p *port) tells(r *row) bool {
	var now Alert
	p.show(&now, &device{}, map[string]string{}, r.status)
	return maps.Equal(now.Values, p.alert.Values) && now.Labels["ifAlias"] == p.alert.Labels["ifAlias"]
}

// longestAlias is how many characters of an ifAlias a summary has, so that it has room for what happened.
const longestAlias = 64

// where names p for people.
func (p *port) where(d *device) string {
	if alias := p.alias; alias != "" && alias != p.key {
		if n := 0; len(alias) > longestAlias {
			for i := range alias {
				if n++; n > longestAlias {
					alias = alias[:i] + "…"
					break
				}
			}
		}
		return d.name + " " + p.key + " (" + alias + ")"
	}
	return d.name + " " + p.key
}

// rowLabels returns the labels of an alert of a row of a table.
func (d *device) rowLabels(s *metric.Sample) map[string]string {
	labels := d.labels()
	for _, t := range s.Tags {
		if t.Value != "" {
			labels[t.Name] = t.Value
		}
	}
	labels["device"] = d.name
	return labels
}

// resolvedSummary tells the end of a, whose Summary tells how things are now, and whose condition was gone at that time.
func resolvedSummary(a *Alert, at time.Time) string {
	why := map[Reason]string{
		Recovered: "recovered", Removed: "the interface is gone", TargetRemoved: "no longer collected", RuleRemoved: "the rule is off",
		Ignored: "ignored from now on", Accepted: "it is taken as usual now", Superseded: "another alert tells why the device does not answer",
	}[a.Reason]
	if a.Reason == Recovered {
		return a.Summary + "; " + why + " after " + short(at.Sub(a.Since))
	}
	return clean(strings.TrimSpace(a.Device+" "+a.Key)) + ": " + why
}

// short writes d to the second, to the millisecond below one.
func short(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.Itoa(n) + " " + word + "s"
}

// clean makes text fit on one line: what a device says may hold anything.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
