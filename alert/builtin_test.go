package alert_test

import (
	"regexp"
	"testing"
	"time"

	"walkabout/alert"
)

func above(from, to string) string { return "p1 above_threshold " + from + ">" + to }

// TestBuiltIn plays the rules but mismatch and silence.
func TestBuiltIn(t *testing.T) {
	with := func(change func(*alert.Config)) alert.Config {
		c := config()
		change(&c)
		return c
	}
	utilisation := with(func(c *alert.Config) {
		c.InterfaceUtilisation.Enabled, c.InterfaceUtilisation.For, c.InterfaceUtilisation.KeepFiringFor = true, time.Minute, time.Minute
	})
	discards := with(func(c *alert.Config) { c.InterfaceDiscards.Enabled, c.InterfaceDiscards.For = true, 0 })
	errs := with(func(c *alert.Config) { c.InterfaceErrors.For = 0 })
	rebooted := with(func(c *alert.Config) { c.DeviceRebooted.Enabled = true })
	narrow := with(func(c *alert.Config) { c.CounterTooNarrow.For = 0 })
	for name, c := range map[string]struct {
		cfg   alert.Config
		steps []step
	}{
		"utilisation": {utilisation, []step{
			{0, "poll | p1 up/up highspeed=1000 ifHCInOctets=120e6 ifHCOutOctets=1", one(above("inactive", "pending"))}, // 0.96
			{30, "poll | p1 up/up highspeed=1000 ifHCInOctets=120e6 ifHCOutOctets=1", nil},
			{60, "poll | p1 up/up highspeed=1000 ifHCInOctets=1 ifHCOutOctets=113e6", one(above("pending", "firing"))},
			{90, "poll | p1 up/up highspeed=1000 ifHCInOctets=112e6 ifHCOutOctets=1", nil}, // held for a minute
			{120, "poll | p1 up/up highspeed=1000 ifHCInOctets=120e6 ifHCOutOctets=1", nil},
			{150, "poll | p1 up/up highspeed=1000 ifHCInOctets=1 ifHCOutOctets=1", nil},
			{180, "poll | p1 up/up highspeed=1000", nil}, // no rates: nothing is known
			{210, "poll | p1 up/up highspeed=1000 ifHCInOctets=1 ifHCOutOctets=1", one(above("firing", "resolved recovered"))},
		}},
		"utilisation of a slow link, by ifSpeed": {utilisation, []step{
			{0, "poll | p1 up/up speed=2000000 in=- ifInOctets=240000 ifOutOctets=0", one(above("inactive", "pending"))},
			{30, "poll | p1 up/up speed=2000000 in=- ifInOctets=200000 ifOutOctets=0", one(above("pending", "resolved recovered"))},
		}},
		"errors per packet": {errs, []step{
			{0, "poll | p1 up/up ifInErrors=2 ifHCInUcastPkts=98 ifHCInMulticastPkts=0 ifHCInBroadcastPkts=0", one(above("inactive", "pending"))},
			{30, "poll | p1 up/up ifInErrors=2 ifHCInUcastPkts=98 ifHCInMulticastPkts=0 ifHCInBroadcastPkts=0", one(above("pending", "firing"))},
			{60, "fail timeout", one(silent)},
			{90, "poll | p1 up/up ifInErrors=2 ifHCInUcastPkts=1000 ifHCInMulticastPkts=0 ifHCInBroadcastPkts=0", one(hiccup, above("firing", "resolved recovered"))},
			{120, "poll | p1 up/up ifInErrors=0.05 ifHCInUcastPkts=0.01 ifHCInMulticastPkts=0 ifHCInBroadcastPkts=0", nil}, // too few to say anything
		}},
		"discards": {discards, []step{
			{0, "poll | p1 up/up ifOutDiscards=20 ifOutUcastPkts=1000 ifOutNUcastPkts=0", one(above("inactive", "pending"))},
			{30, "poll | p1 up/up ifOutDiscards=20 ifOutUcastPkts=1000 ifOutNUcastPkts=0", one(above("pending", "firing"))},
			{60, "poll | p2 up/up", nil},
			{90, "poll | p2 up/up", one(above("firing", "resolved removed"))},
		}},
		"a reboot": {rebooted, []step{
			{0, "poll up=100000 | p1 up/up", nil},
			{30, "poll up=500 | p1 up/up", one("rebooted inactive>firing")},
			{60, "restart", nil},
			{90, "poll up=6500 | p1 up/up", nil},
			{330, "poll up=30500 | p1 up/up", one("rebooted firing>resolved recovered")},
		}},
		"another speed": {config(), []step{
			{0, "poll | p1 up/up type=6 highspeed=1000", nil},
			{30, "poll | p1 down/down type=6 highspeed=10", nil}, // of no meaning while it is down
			{60, "poll | p1 up/up type=6 highspeed=100", one("p1 speed_changed inactive>pending")},
			{90, "poll | p1 up/up type=6 highspeed=100", one("p1 speed_changed pending>firing")},
			{120, "restart", nil},
			{150, "poll | p1 up/up type=6 highspeed=1000", one("p1 speed_changed firing>resolved recovered")},
		}},
		"another speed that stays": {config(), []step{
			{0, "poll | p1 up/up type=6 highspeed=1000", nil},
			{30, "poll | p1 up/up type=6 highspeed=100", one("p1 speed_changed inactive>pending")},
			{60, "poll | p1 up/up type=6 highspeed=100", one("p1 speed_changed pending>firing")},
			{86460, "poll | p1 up/up type=6 highspeed=100", one("p1 speed_changed firing>resolved accepted")},
			{86490, "poll | p1 up/up type=6 highspeed=100", nil},
		}},
		"the speed of the air is no news": {config(), []step{
			{0, "poll | p1 up/up type=71 highspeed=300", nil}, {30, "poll | p1 up/up type=71 highspeed=100", nil}, {60, "poll | p1 up/up type=71 highspeed=100", nil},
		}},
		"a counter that is too narrow": {narrow, []step{
			{0, "poll | p1 up/up speed=4000000000", one("wraps_too_soon inactive>pending")}, // 2^32 octets in 8.6 s
			{30, "poll | p1 up/up speed=4000000000", one("wraps_too_soon pending>firing")},
			{60, "poll | p1 up/up speed=4000000000 hc=5", one("wraps_too_soon firing>resolved recovered")},
			{90, "poll | p1 up/up speed=1000000000", nil},
		}},
	} {
		t.Run(name, func(t *testing.T) { play(t, c.cfg, nil, c.steps) })
	}
}

// TestIgnored: the person at the switch and the configuration can keep an interface quiet.
func TestIgnored(t *testing.T) {
	byName := config()
	byName.Ignore = []alert.InterfaceMatch{{Name: regexp.MustCompile("^(?:p.*)$"), Type: []int64{6}, Labels: map[string]*regexp.Regexp{"site": regexp.MustCompile("^paris$")}},
		{SpeedBelow: 100e6}}
	for name, c := range map[string]struct {
		cfg   alert.Config
		steps []step
	}{
		"[noalert] in ifAlias": {config(), []step{
			{0, "poll | p1 up/down alias=x[NoAlert] | p2 up/down", one(pendingOf("p2"))},
			{60, "poll | p1 up/down alias=x[NoAlert] | p2 up/down", one(firingOf("p2"))},
			{90, "poll | p1 up/down alias=x | p2 up/down alias=[noalert]", one(pendingOf("p1"), "p2 admin_up_oper_down firing>resolved ignored")},
			{120, "poll | p1 up/down alias=[noalert] | p2 up/down alias=y", one("p1 admin_up_oper_down pending>resolved ignored", pendingOf("p2"))},
			{130, "poll extra | p1 up/down in=-", nil}, // the alias was not asked for
		}},
		"by name, type and label": {byName, []step{{0, "poll | p1 up/down type=6 | p2 up/down type=53 | q1 up/down type=6", one(pendingOf("p2"), pendingOf("q1"))}}},
		"by speed":                {byName, []step{{0, "poll | q1 up/down speed=10000000 | q2 up/down speed=100000000", one(pendingOf("q2"))}}},
		"a lower one that is ignored explains nothing": {config(), []step{
			{0, "poll | eth1 up/up index=1 alias=[noalert] | v10 up/up index=10 | stack 10/1", nil},
			{30, "poll | eth1 up/down index=1 alias=[noalert] | v10 up/down index=10", one(pendingOf("v10"))},
			{90, "poll | eth1 up/down index=1 alias=[noalert] | v10 up/down index=10", one(firingOf("v10"))},
		}},
	} {
		t.Run(name, func(t *testing.T) { play(t, c.cfg, nil, c.steps) })
	}
}

// TestChosenStates: testing, unknown and dormant are a mismatch where a site says so, and down/up is none.
func TestChosenStates(t *testing.T) {
	c := config()
	c.InterfaceMismatch.Also, c.InterfaceMismatch.NoReverse = []int64{5}, true
	play(t, c, nil, []step{
		{0, "poll | p1 up/dormant | p2 up/testing | p3 down/up", one(pendingOf("p1"))},
		{60, "poll | p1 up/dormant | p2 up/testing | p3 down/up", one(firingOf("p1"))},
	})
}

// TestPolls: `polls` may ask for more that agree.
func TestPolls(t *testing.T) {
	c := quick()
	c.InterfaceMismatch.Polls = 4
	play(t, c, nil, []step{{0, "poll | p1 up/down", one(pending)}, {30, "poll | p1 up/down", nil}, {60, "poll | p1 up/down", nil}, {90, "poll | p1 up/down", one(firing)}})
}
