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
		"another duplex": {config(), []step{
			{0, "poll | a up/up index=1 | duplex 1a=fullDuplex", nil},
			{30, "poll | a up/up index=1 | duplex 1a=unknown", nil},
			{60, "poll | a up/down index=1 | duplex 1a=halfDuplex", one("a admin_up_oper_down inactive>pending")}, // of no meaning while it is down
			{90, "poll | a up/up index=1 | duplex 1a=halfDuplex", one("a admin_up_oper_down pending>resolved recovered", "a duplex_changed inactive>pending")},
			{120, "poll | a up/up index=1 | duplex 1a=unknown", nil},
			{150, "poll | a up/up index=1 | duplex 1a=halfDuplex", one("a duplex_changed pending>firing")},
			{160, "restart", nil},
			{180, "poll | a up/up index=1 | duplex 1a=fullDuplex", one("a duplex_changed firing>resolved recovered")},
			{210, "poll | a up/up index=1 | duplex 1a=fullDuplex", nil},
		}},
		"another duplex that stays": {config(), []step{
			{0, "poll | a up/up index=1 | duplex 1a=halfDuplex", nil},
			{30, "poll | a up/up index=1 | duplex 1a=fullDuplex", one("a duplex_changed inactive>pending")},
			{60, "poll | a up/up index=1 | duplex 1a=fullDuplex", one("a duplex_changed pending>firing")},
			{86460, "poll | a up/up index=1 | duplex 1a=fullDuplex", one("a duplex_changed firing>resolved accepted")},
			{86490, "poll | a up/up index=1 | duplex 1a=fullDuplex", nil},
			{86520, "poll | a up/up index=1 | duplex 1a=halfDuplex", one("a duplex_changed inactive>pending")},
		}},
		"the duplex of a row that has no name but an ifIndex, and of one that nobody looks at": {config(), []step{
			{0, "poll | a up/up index=1 | b up/up index=2 alias=[noalert] | duplex 1=fullDuplex 2=fullDuplex", nil},
			{30, "poll | a up/up index=1 | b up/up index=2 alias=[noalert] | duplex 1=halfDuplex 2=halfDuplex 9=halfDuplex", one("a duplex_changed inactive>pending")},
			{60, "poll | a up/up index=1 alias=[noalert] | duplex 1=halfDuplex", one("a duplex_changed pending>resolved ignored")},
		}},
		"the duplex after a reboot is not yet negotiated": {config(), []step{
			{0, "poll | a up/up index=1 | duplex 1a=fullDuplex", nil},
			{30, "poll reset | a up/up index=1 | duplex 1a=halfDuplex", nil},
			{60, "poll | a up/up index=1 | duplex 1a=halfDuplex", nil},
			{330, "poll | a up/up index=1 | duplex 1a=fullDuplex", nil},
		}},
		"dot3StatsTable lacks a row": {config(), []step{
			{0, "poll | a up/up index=1 | duplex 1a=fullDuplex", nil},
			{30, "poll | a up/up index=1 | duplex 1a=halfDuplex", one("a duplex_changed inactive>pending")},
			{60, "poll | a up/up index=1", nil}, // the table was not asked for
			{90, "poll | a up/up index=1 | duplex 2b=halfDuplex", nil},
			{120, "poll | a up/up index=1 | duplex 2b=halfDuplex", one("a duplex_changed pending>resolved removed")},
		}},
		"speed and duplex at once are two alerts": {config(), []step{
			{0, "poll | a up/up index=1 type=6 highspeed=1000 | duplex 1a=fullDuplex", nil},
			{30, "poll | a up/up index=1 type=6 highspeed=10 | duplex 1a=halfDuplex", one("a speed_changed inactive>pending", "a duplex_changed inactive>pending")},
			{60, "poll | a up/up index=1 type=6 highspeed=10 | duplex 1a=halfDuplex", one("a speed_changed pending>firing", "a duplex_changed pending>firing")},
		}},
		"the speed of a bundle that lost a link that is told already": {config(), []step{
			{0, "poll | a up/up index=1 type=6 | bond up/up index=9 type=161 highspeed=2000 hc=1 | stack 9/1", nil},
			{30, "poll | a up/down index=1 type=6 | bond up/up index=9 type=161 highspeed=1000 hc=1", one("a admin_up_oper_down inactive>pending")},
			{90, "poll | a up/down index=1 type=6 | bond up/up index=9 type=161 highspeed=1000 hc=1", one("a admin_up_oper_down pending>firing")},
			{120, "poll | a down/down index=1 type=6 | bond up/up index=9 type=161 highspeed=1000 hc=1", one("a admin_up_oper_down firing>resolved recovered", "bond speed_changed inactive>pending")},
			{150, "poll | a up/down index=1 type=6 | bond up/up index=9 type=161 highspeed=1000 hc=1", one("a admin_up_oper_down inactive>pending")},
			{180, "poll | a up/down index=1 type=6 | bond up/up index=9 type=161 highspeed=1000 hc=1", nil},
			{210, "poll | a up/down index=1 type=6 | bond up/up index=9 type=161 highspeed=1000 hc=1", one("a admin_up_oper_down pending>firing")},
			{1140, "poll | a up/up index=1 type=6 | bond up/up index=9 type=161 highspeed=2000 hc=1", one("a admin_up_oper_down firing>resolved recovered", "bond speed_changed pending>resolved recovered")},
		}},
		"the speed of the air is no news": {config(), []step{
			{0, "poll | p1 up/up type=71 highspeed=300", nil}, {30, "poll | p1 up/up type=71 highspeed=100", nil}, {60, "poll | p1 up/up type=71 highspeed=100", nil},
		}},
		"a counter that is too narrow": {narrow, []step{
			{0, "poll | p1 up/up speed=4000000000", one("wraps_too_soon inactive>pending")}, // 2^32 octets in 8.6 s
			{30, "poll | p1 up/up speed=4000000000", one("wraps_too_soon pending>firing")},
			{60, "poll | p1 up/up speed=4000000000 hc=5", one("wraps_too_soon firing>resolved recovered")},
			{90, "poll | p1 up/up speed=1000000000", nil},
			{120, "poll | p1 up/up speed=1", nil}, // 2^32 octets in more than a thousand years
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
