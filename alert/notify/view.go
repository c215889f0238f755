package notify

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"walkabout/alert"
)

// What templates see at most: alerts in each list, characters of what a device says, of a summary and of a value
// that decided, and of those how many.
const (
	mostViews    = 100
	mostLabel    = 200
	mostSummary  = 500
	mostReading  = 160
	mostReadings = 8
)

// Data is what templates see of a Message. An alert that changed more than once is there once, as it last was.
type Data struct {
	ID, Group      string
	At             time.Time
	Firing, Ended  []View // the first of each kind, in the order in which they happened; at most 100
	FiringCount    int    // all
	EndedCount     int
	Held, Lost     int
	Test           bool
	Reminder       bool // it tells nothing new: all of it still fires
	Escalated      bool // something of it fires and nobody has acknowledged it
	MoreThanListed int  // alerts that are in no list
}

// View is an alert as templates see it. What a device says of itself may hold anything but control characters.
type View struct {
	alert.Alert
	Why     Why
	Changes int // how often it fired and ended since the receiver last heard of it
}

// data returns what templates see of m. Times are of zone.
func (m *Message) data(zone *time.Location) Data {
	d := Data{ID: m.ID, Group: brief(mostLabel, m.Group), At: m.At.In(zone), Held: m.Held, Lost: m.Lost, Test: m.Test, Reminder: true}
	var order []string // fingerprints, as they first come
	last, changes := map[string]*Item{}, map[string]int{}
	for i := range m.Items {
		it := &m.Items[i]
		if last[it.Fingerprint] == nil {
			order = append(order, it.Fingerprint)
		}
		last[it.Fingerprint] = it
		changes[it.Fingerprint]++
		d.Reminder = d.Reminder && it.Why == Reminder
		d.Escalated = d.Escalated || it.Why == Escalation
	}
	for _, fp := range order {
		it := last[fp]
		list, count := &d.Firing, &d.FiringCount
		if it.State == alert.Resolved {
			list, count = &d.Ended, &d.EndedCount
		}
		if *count++; len(*list) < mostViews {
			*list = append(*list, View{Alert: cleanAlert(it.Alert, zone), Why: it.Why, Changes: changes[fp]})
		} else {
			d.MoreThanListed++
		}
	}
	return d
}

// All returns what fires and then what ended.
func (d Data) All() []View { return append(slices.Clone(d.Firing), d.Ended...) }

// Headline says in one line what it is about.
func (d Data) Headline() string {
	test, n := "", d.FiringCount+d.EndedCount
	if d.Test {
		test = "TEST "
	}
	if n == 1 {
		v := d.All()[0]
		return test + v.Status() + " " + v.Summary
	}
	where := d.Group
	if where == "" {
		where = "alerts"
	}
	var parts []string
	if d.FiringCount > 0 {
		worst := d.Firing[0].Status()
		for _, v := range d.Firing {
			if v.Severity == alert.Critical {
				worst = v.Status()
			}
		}
		parts = append(parts, fmt.Sprintf("%s %d firing", worst, d.FiringCount))
	}
	if d.EndedCount > 0 {
		parts = append(parts, fmt.Sprintf("%d resolved", d.EndedCount))
	}
	return test + where + ": " + strings.Join(parts, ", ")
}

// Notes says what is special about the message as a whole, in lines.
func (d Data) Notes() (lines []string) {
	if d.Reminder {
		lines = append(lines, "Nothing new: this still fires, and nobody has acknowledged it.")
	}
	if d.Escalated {
		lines = append(lines, "Nobody has acknowledged this.")
	}
	if d.Held > 0 {
		lines = append(lines, fmt.Sprintf("A digest of %d notifications that were held back, as there were too many.", d.Held))
	}
	if d.Lost > 0 {
		lines = append(lines, fmt.Sprintf("%d older changes were dropped, as too many waited.", d.Lost))
	}
	if d.MoreThanListed > 0 {
		lines = append(lines, fmt.Sprintf("%d more are not listed here.", d.MoreThanListed))
	}
	return lines
}

// Status is the severity of what fires, in capitals, such as CRITICAL, or RESOLVED.
func (v View) Status() string {
	switch {
	case v.State == alert.Resolved:
		return "RESOLVED"
	case v.Severity == "":
		return "FIRING"
	}
	return strings.ToUpper(v.Severity)
}

// Ended reports whether the alert is resolved.
func (v View) Ended() bool { return v.State == alert.Resolved }

// Where says which device, at which address and place, and what of it.
func (v View) Where() string {
	where := v.Device
	var also []string
	for _, label := range []string{"hostname", "agent_host"} {
		if s := v.Labels[label]; s != "" && s != v.Device && !slices.Contains(also, s) {
			also = append(also, s)
		}
	}
	if len(also) > 0 {
		where += " (" + strings.Join(also, ", ") + ")"
	}
	for _, s := range []string{v.Key, v.Alias(), v.Location()} {
		if s != "" {
			where += ", " + s
		}
	}
	return where
}

// Alias is the interface's ifAlias.
func (v View) Alias() string { return v.Labels["ifAlias"] }

// Location is the device's sysLocation.
func (v View) Location() string { return v.Labels["sysLocation"] }

const viewTime = "2006-01-02 15:04:05 MST"

// When says since when, and until when.
func (v View) When() string {
	text := v.Since.Format(viewTime)
	if v.Ended() {
		return text + " until " + v.ResolvedAt.Format(viewTime) + " (" + span(v.ResolvedAt.Sub(v.Since)) + ")"
	}
	if v.FiredAt.After(v.Since) {
		text += ", firing since " + v.FiredAt.Format(viewTime)
	}
	return text
}

// Readings are the values that decided, "NAME VALUE", in the order of names.
func (v View) Readings() (list []string) {
	for _, name := range slices.Sorted(maps.Keys(v.Values)) {
		if len(list) == mostReadings {
			return append(list, "…")
		}
		list = append(list, Cut(mostReading, name+" "+v.Values[name]))
	}
	return list
}

// Before says how often it fired before; "" for never.
func (v View) Before() string {
	switch v.FiredBefore {
	case 0:
		return ""
	case 1:
		return "once, on " + v.LastFired.Format(viewTime)
	}
	return strconv.Itoa(v.FiredBefore) + " times, last on " + v.LastFired.Format(viewTime)
}

// Notes says what else is known, in lines.
func (v View) Notes() (lines []string) {
	if v.Flapping {
		lines = append(lines, "flapping: it fired and recovered too often")
	}
	if v.Explains > 0 {
		lines = append(lines, "it explains "+strconv.Itoa(v.Explains)+" others, which are kept back")
	}
	if v.Changes > 1 {
		lines = append(lines, strconv.Itoa(v.Changes)+" changes since the last notification")
	}
	if v.Ack != nil {
		lines = append(lines, "acknowledged by "+Clean(v.Ack.By))
	}
	return lines
}

// span writes d for people, to the second.
func span(d time.Duration) string { return d.Round(time.Second).String() }

// cleanAlert returns a without control characters, with times of zone.
func cleanAlert(a alert.Alert, zone *time.Location) alert.Alert {
	for _, s := range []*string{&a.Device, &a.Rule, &a.Kind, &a.Key, &a.Severity, &a.ExplainedBy} {
		*s = brief(mostLabel, *s)
	}
	a.Summary = brief(mostSummary, a.Summary)
	a.Labels, a.Values = cleanMap(a.Labels), cleanMap(a.Values)
	for _, t := range []*time.Time{&a.Since, &a.FiredAt, &a.ResolvedAt, &a.LastFired} {
		*t = t.In(zone)
	}
	return a
}

func cleanMap(m map[string]string) map[string]string {
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[brief(mostLabel, k)] = brief(mostLabel, v)
	}
	return out
}

// brief is Clean, of at most n characters.
func brief(n int, text string) string {
	return Cut(n, Clean(text[:min(len(text), (n+1)*utf8.UTFMax)]))
}

// Clean takes out what would break a line, or turn its direction: what a device says may hold anything.
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
