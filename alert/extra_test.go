package alert_test

import (
	"testing"
	"time"
)

// TestExtraPolls holds that a poll between two of the schedule shows a mismatch at once, and that the time which makes it fire is that which passed, neither
// rounded to intervals nor counted twice. A port that was never up stays so.
func TestExtraPolls(t *testing.T) {
	cfg := config()
	cfg.InterfaceMismatch.For = time.Minute
	play(t, cfg, nil, []step{
		{at: 0, do: "poll | a up/up | spare up/down in=0"},
		{at: 16, do: "poll extra | a up/down in=- | spare up/down in=-", want: []string{"a admin_up_oper_down inactive>pending"}},
		{at: 30, do: "poll | a up/down | spare up/down in=0"},
		{at: 46, do: "poll extra | a up/down in=- | spare up/down in=-"},
		{at: 60, do: "poll | a up/down | spare up/down in=0"},
		{at: 62, do: "poll extra | a up/down in=- | spare up/down in=-"},
		{at: 90, do: "poll | a up/down | spare up/down in=0", want: []string{"a admin_up_oper_down pending>firing"}},
		{at: 95, do: "poll extra | a up/up in=-", want: []string{"a admin_up_oper_down firing>resolved recovered"}},
		{at: 120, do: "poll | a up/up | spare up/down in=0"},
	})
}

// TestExtraPollsOfOthers holds that polls of one interface, as notifications about it cause them, take nothing of the time that others are observed for.
func TestExtraPollsOfOthers(t *testing.T) {
	cfg := config()
	cfg.InterfaceMismatch.For, cfg.InterfaceMismatch.FlapChanges = time.Minute, 0
	play(t, cfg, nil, []step{
		{at: 0, do: "poll | a up/down | b up/up", want: []string{"a admin_up_oper_down inactive>pending"}},
		{at: 5, do: "poll extra | b up/up in=-"},
		{at: 29, do: "poll extra | b up/up in=-"},
		{at: 30, do: "poll | a up/down | b up/up"},
		{at: 40, do: "poll extra | b up/up in=-"},
		{at: 60, do: "poll | a up/down | b up/up", want: []string{"a admin_up_oper_down pending>firing"}},
		{at: 70, do: "poll extra | b up/up in=-"},
		{at: 120, do: "poll | a up/up | b up/up", want: []string{"a admin_up_oper_down firing>resolved recovered"}},
	})
}
