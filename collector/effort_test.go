package collector_test

import (
	"strings"
	"testing"
	"time"

	"walkabout/collector"
	"walkabout/counter"
)

func TestWhy(t *testing.T) {
	quick := collector.Stats{Last: time.Unix(1, 0), Interval: 30 * time.Second, Duration: 20 * time.Millisecond, Answered: true, Samples: 50,
		SNMPRoundTrip: time.Millisecond, Effort: collector.Effort{Requests: 25, MaxRepetitions: 25, Slowest: "interface"}}
	tests := map[string]struct {
		change func(s *collector.Stats)
		want   string
	}{
		"well":       {func(*collector.Stats) {}, ""},
		"not polled": {func(s *collector.Stats) { s.Last = time.Time{} }, "not polled yet"},
		"silent":     {func(s *collector.Stats) { s.Answered, s.Err = false, "no answer from 192.0.2.1:161" }, "no answer from"},
		"lossy": {func(s *collector.Stats) {
			s.Answered, s.Err, s.Polls, s.Failed, s.Requests, s.Retries = false, "no answer", 50, 4, 600, 150
		}, "no answer. Most polls are answered, but of 600 requests 150 were sent again"},
		"down": {func(s *collector.Stats) {
			s.Answered, s.Err, s.Polls, s.Failed, s.Requests, s.Retries = false, "no answer", 50, 4, 600, 8
		}, "no answer"},
		"loss":        {func(s *collector.Stats) { s.Duration, s.Effort.Retries = 3*time.Second, 4 }, "4 of 29 requests had to be sent again"},
		"GETNEXT":     {func(s *collector.Stats) { s.Duration, s.Effort.GetNext = 20*time.Second, true }, "with GETNEXT"},
		"far away":    {func(s *collector.Stats) { s.Duration, s.SNMPRoundTrip = 20*time.Second, 800*time.Millisecond }, "takes 800ms to answer"},
		"small":       {func(s *collector.Stats) { s.Duration, s.Effort.MaxRepetitions = 20*time.Second, 1 }, "no more than 1 repetitions"},
		"much":        {func(s *collector.Stats) { s.Duration = 20 * time.Second }, "most of it in interface"},
		"late":        {func(s *collector.Stats) { s.Lag = 2 * time.Second }, "2s late"},
		"partial":     {func(s *collector.Stats) { s.Err = "interface/ifAlias: genErr" }, "ifAlias"},
		"bare":        {func(s *collector.Stats) { s.Samples = 0 }, "nothing of what is collected"},
		"clones":      {func(s *collector.Stats) { s.EngineTwins = []string{"sw2"} }, `as sw2: one`},
		"many clones": {func(s *collector.Stats) { s.EngineTwins = []string{"a", "b", "c", "d", "e"} }, `as a, b, c and 2 more`},
		"odd":         {func(s *collector.Stats) { s.Odd = 7 }, "7 that are NULL"},
		"too seldom":  {func(s *collector.Stats) { seldom(s) }, "too seldom"},
		"a few waits": {func(s *collector.Stats) { s.Effort.Retries = 1 }, ""},
	}
	for name, tt := range tests {
		s := quick
		tt.change(&s)
		if got := s.Why(); (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	s := collector.Stats{Verdicts: map[counter.Verdict]uint64{counter.First: 5, counter.OK: 7, counter.Reset: 2, counter.Ambiguous: 1}}
	if n := s.Withheld(); n != 3 {
		t.Errorf("%d withheld, want 3", n)
	}
}

func seldom(s *collector.Stats) {
	s.Findings = map[counter.FindingKind]uint64{counter.PolledTooSeldom: 1}
	s.Verdicts = map[counter.Verdict]uint64{counter.Ambiguous: 9}
}
