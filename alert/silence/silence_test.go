package silence_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/alert/silence"
)

func TestMatchers(t *testing.T) {
	properties := map[string]string{"device": "core1", "ifName": "Gi0/3", "site": ""}
	for text, want := range map[string]bool{
		"device=core1": true, "device=core": false, "device!=core1": false, "device!=x": true, "device=~core.*": true, "device=~core": false,
		"device!~core.*": false, `ifName="Gi0/3"`: true, "ifName =~ Gi0/[1-3]": true, "site=": true, "none=": true, "none!=x": true, "device=~(?i)CORE1": true,
	} {
		m, err := silence.ParseMatcher(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := (silence.Matchers{m}).Match(func(name string) string { return properties[name] }); got != want {
			t.Errorf("%s: %v", text, got)
		}
		again, err := silence.ParseMatcher(m.String())
		if err != nil || again.String() != m.String() {
			t.Errorf("%s again: %v, %v", text, again, err)
		}
	}
	for _, bad := range []string{"", "device", "=core1", "device~core", "device=~(", "device=" + strings.Repeat("x", 2000)} {
		if m, err := silence.ParseMatcher(bad); err == nil {
			t.Errorf("%.20q is %v", bad, m)
		}
	}
}

func FuzzParseMatcher(f *testing.F) {
	f.Add(`a=~"b.*"`)
	f.Add(`a!= "x`)
	f.Fuzz(func(t *testing.T, text string) {
		m, err := silence.ParseMatcher(text)
		if err != nil {
			return
		}
		if again, err := silence.ParseMatcher(m.String()); err != nil || again.String() != m.String() {
			t.Errorf("%q became %q and then %q, %v", text, m, again, err)
		}
	})
}

func TestValidate(t *testing.T) {
	matcher, _ := silence.ParseMatcher("device=core1")
	all, _ := silence.ParseMatcher("device!=core1")
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	good := silence.Silence{ID: "x", Matchers: silence.Matchers{matcher}, StartsAt: now, EndsAt: now.Add(time.Hour), Author: "ann", Reason: "work"}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	over := good
	if over.EndsAt = over.StartsAt; over.Validate() != nil || over.Active(now) {
		t.Errorf("over before it began: %v, active %t", over.Validate(), over.Active(now))
	}
	for name, change := range map[string]func(*silence.Silence){
		"no author": func(s *silence.Silence) { s.Author = "" }, "no reason": func(s *silence.Silence) { s.Reason = "" },
		"no end": func(s *silence.Silence) { s.EndsAt = time.Time{} }, "for ever": func(s *silence.Silence) { s.EndsAt = now.AddDate(2, 0, 0) },
		"year 10000": func(s *silence.Silence) { s.StartsAt, s.EndsAt = now.AddDate(7973, 11, 0), now.AddDate(7974, 1, 0) },
		"of nothing": func(s *silence.Silence) { s.Matchers = nil }, "of all but one": func(s *silence.Silence) { s.Matchers = silence.Matchers{all} },
		"of null": func(s *silence.Silence) { s.Matchers = silence.Matchers{{}} }, "of one and null": func(s *silence.Silence) { s.Matchers = silence.Matchers{matcher, {}} },
	} {
		s := good
		change(&s)
		if s.Validate() == nil {
			t.Errorf("%s passes", name)
		}
	}
}

func window(t *testing.T, zone, start, rule string, lasting time.Duration) silence.Window {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.ParseInLocation("2006-01-02T15:04", start, loc)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := silence.ParseMatcher("device=core1")
	w, err := silence.NewWindow(silence.Window{Name: "w", Matchers: silence.Matchers{m}, Start: at, Rule: rule, Duration: lasting})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestWindows: when each begins and ends, in UTC, seen from every quarter of an hour.
func TestWindows(t *testing.T) {
	for name, c := range map[string]struct {
		zone, start, rule string
		lasting           time.Duration
		from, to          string
		want              []string
	}{
		"once": {"UTC", "2026-01-04T02:00", "", 2 * time.Hour, "2026-01-01", "2026-02-01", []string{"01-04 02:00 to 01-04 04:00"}},
		"every Sunday at two, over the change to summer": {"Europe/Paris", "2026-03-22T02:30", "FREQ=WEEKLY;BYDAY=SU", time.Hour, "2026-03-20", "2026-04-06",
			[]string{"03-22 01:30 to 03-22 02:30", "03-29 01:30 to 03-29 02:30", "04-05 00:30 to 04-05 01:30"}}, // 02:30 is not on the 29th: 03:30 it is
		"every night at 22:00, over the change to winter": {"America/New_York", "2026-10-31T22:00", "FREQ=DAILY;COUNT=3", 8 * time.Hour, "2026-10-30", "2026-11-06",
			[]string{"11-01 02:00 to 11-01 10:00", "11-02 03:00 to 11-02 11:00", "11-03 03:00 to 11-03 11:00"}},
		"the last Friday of each month": {"UTC", "2026-01-01T20:00", "RRULE:FREQ=MONTHLY;BYDAY=-1FR", 2 * time.Hour, "2026-01-01", "2026-04-01",
			[]string{"01-30 20:00 to 01-30 22:00", "02-27 20:00 to 02-27 22:00", "03-27 20:00 to 03-27 22:00"}},
		"until a day": {"UTC", "2026-01-01T20:00", "FREQ=DAILY;UNTIL=20260102T200000Z", time.Hour, "2026-01-01", "2026-04-01",
			[]string{"01-01 20:00 to 01-01 21:00", "01-02 20:00 to 01-02 21:00"}},
		"two at once are one": {"UTC", "2026-01-01T00:00", "FREQ=DAILY;COUNT=2", 36 * time.Hour, "2026-01-01", "2026-01-05", []string{"01-01 00:00 to 01-03 12:00"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := window(t, c.zone, c.start, c.rule, c.lasting)
			from, _ := time.Parse("2006-01-02", c.from)
			to, _ := time.Parse("2006-01-02", c.to)
			var got []string
			begun := ""
			for at := from; at.Before(to); at = at.Add(15 * time.Minute) {
				_, active := w.Active(at)
				switch {
				case active && begun == "":
					begun = at.Format("01-02 15:04")
				case !active && begun != "":
					got, begun = append(got, begun+" to "+at.Format("01-02 15:04")), ""
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if _, ok := w.Active(from); ok && c.want[0][:5] != from.Format("01-02") { // time went back
				t.Error("active before it began")
			}
		})
	}
}

func TestWindowsRefused(t *testing.T) {
	m, _ := silence.ParseMatcher("device=core1")
	good := silence.Window{Name: "w", Matchers: silence.Matchers{m}, Start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Duration: time.Hour}
	for name, change := range map[string]func(*silence.Window){
		"no name": func(w *silence.Window) { w.Name = "" }, "no start": func(w *silence.Window) { w.Start = time.Time{} },
		"long ago": func(w *silence.Window) { w.Start = time.Unix(0, 0) }, "no duration": func(w *silence.Window) { w.Duration = 0 },
		"of nothing": func(w *silence.Window) { w.Matchers = nil }, "no rule": func(w *silence.Window) { w.Rule = "WEEKLY" },
		"too often": func(w *silence.Window) { w.Rule = "FREQ=MINUTELY" }, "never": func(w *silence.Window) { w.Rule = "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30" },
		"more than a rule": func(w *silence.Window) { w.Rule = "FREQ=DAILY\nEXDATE:20260101T000000Z" },
	} {
		w := good
		change(&w)
		if _, err := silence.NewWindow(w); err == nil {
			t.Errorf("%s passes", name)
		}
	}
}
