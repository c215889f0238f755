package alert_test

import (
	"testing"
)

const (
	pending   = "p1 admin_up_oper_down inactive>pending"
	firing    = "p1 admin_up_oper_down pending>firing"
	recovered = "p1 admin_up_oper_down firing>resolved recovered"
	cancelled = "p1 admin_up_oper_down pending>resolved recovered"

	silent      = "no_answer inactive>pending"
	unreachable = "no_answer pending>firing"
	answered    = "no_answer firing>resolved recovered"
	hiccup      = "no_answer pending>resolved recovered"
)

func one(s ...string) []string { return s }

// transitionTable plays each rule of the design, and what may happen in the middle of it.
var transitionTable = map[string][]step{
	"a mismatch fires after 60 s and resolves": {
		{0, "poll | p1 up/up | p2 up/up", nil},
		{30, "poll | p1 up/down | p2 up/up", one(pending)},
		{60, "poll | p1 up/down | p2 up/up", nil},
		{90, "poll | p1 up/down | p2 up/up", one(firing)},
		{120, "poll | p1 up/down | p2 up/up", nil},
		{150, "poll | p1 up/up | p2 up/up", one(recovered)},
		{180, "poll | p1 up/up | p2 up/up", nil},
	},
	"polls that begin late count as the intervals that they are": {
		{2, "poll | p1 up/down", one(pending)},
		{31, "poll | p1 up/down", nil},
		{60, "poll | p1 up/down", one(firing)},
		{104, "fail request timeout", one(silent)},
		{134, "poll | p1 up/up", one(hiccup, recovered)},
	},
	"a short one is never told": {
		{0, "poll | p1 up/down", one(pending)},
		{30, "poll | p1 up/up", one(cancelled)},
		{60, "poll | p1 up/down", one(pending)},
		{90, "poll | p1 up/down", nil},
		{120, "poll | p1 up/down", one(firing)},
	},
	"disabling the port resolves": {
		{0, "poll | p1 up/down", one(pending)},
		{60, "poll | p1 up/down", one(firing)},
		{90, "poll | p1 down/down", one(recovered)},
	},
	"two ports go their own ways": {
		{0, "poll | p1 up/down | p2 up/up", one(pending)},
		{30, "poll | p1 up/down | p2 up/down", one("p2 admin_up_oper_down inactive>pending")},
		{60, "poll | p1 up/down | p2 up/down", one(firing)},
		{90, "poll | p1 up/up | p2 up/down", one(recovered, "p2 admin_up_oper_down pending>firing")},
	},
	"the one kind ends as the other begins": {
		{0, "poll | p1 up/down", one(pending)},
		{60, "poll | p1 up/down", one(firing)},
		{90, "poll | p1 down/up", one(recovered, "p1 admin_down_oper_up inactive>pending")},
		{150, "poll | p1 down/up", one("p1 admin_down_oper_up pending>firing")},
		{180, "poll | p1 up/up", one("p1 admin_down_oper_up firing>resolved recovered")},
	},
	"one oper status for another of the mismatches goes on": {
		{0, "poll | p1 up/down", one(pending)},
		{30, "poll | p1 up/lowerLayerDown", nil},
		{60, "poll | p1 up/notPresent", one(firing)},
	},

	"a silent device freezes its interfaces": {
		{0, "poll | p1 up/down", one(pending)},
		{30, "poll | p1 up/down", nil},
		{60, "fail request timeout", one(silent)},
		{90, "fail request timeout", one(unreachable)},
		{120, "fail request timeout", nil},
		{600, "poll | p1 up/down", one(answered)}, // the time without an answer is not observed
		{630, "poll | p1 up/down", one(firing)},
		{660, "fail request timeout", one(silent)},
		{690, "poll | p1 up/down", one(hiccup)},
		{720, "poll | p1 up/up", one(recovered)},
	},
	"a single lost poll pauses too": {
		{0, "poll | p1 up/down", one(pending)},
		{30, "fail request timeout", one(silent)},
		{60, "poll | p1 up/down", one(hiccup)},
		{90, "poll | p1 up/down", nil},
		{120, "poll | p1 up/down", one(firing)},
	},
	"a resolution that happened in the dark is told with the answer": {
		{0, "poll | p1 up/down", one(pending)},
		{60, "poll | p1 up/down", one(firing)},
		{90, "fail refused", one(silent)},
		{120, "fail refused", one(unreachable)},
		{150, "poll | p1 up/up", one(answered, recovered)},
	},
	"time that we slept through is not observed": {
		{0, "poll | p1 up/down", one(pending)},
		{3600, "poll | p1 up/down", nil},
		{3630, "poll | p1 up/down", nil},
		{3660, "poll | p1 up/down", one(firing)},
	},
	"a clock that is set back": {
		{600, "poll | p1 up/down", one(pending)},
		{30, "poll | p1 up/down", nil},
		{60, "poll | p1 up/down", nil},
		{90, "poll | p1 up/down", one(firing)},
	},

	"five minutes after a reset": {
		{0, "poll | p1 up/down", one(pending)},
		{30, "poll reset | p1 up/down", nil},
		{300, "poll | p1 up/down", nil},
		{330, "poll | p1 up/down", nil}, // held no more; the first to observe again
		{360, "poll | p1 up/down", nil},
		{390, "poll | p1 up/down", one(firing)},
		{420, "poll reset | p1 up/up", nil},
		{450, "poll | p1 up/up", nil},
		{720, "poll | p1 up/up", one(recovered)},
	},
	"rows that are missing while it boots are not removed": {
		{0, "poll | p1 up/down | p2 up/up", one(pending)},
		{60, "poll | p1 up/down | p2 up/up", one(firing)},
		{90, "poll reset | p2 up/up", nil},
		{120, "poll | p2 up/up", nil},
		{150, "poll | p2 up/up", nil},
		{390, "poll | p1 up/down | p2 up/up", nil},
		{420, "poll | p1 up/up | p2 up/up", one(recovered)},
	},
	"sysUpTime tells of a reset": {
		{0, "poll up=100000 | p1 up/down", one(pending)},
		{30, "poll up=103000 | p1 up/down", nil},
		{60, "poll up=500 | p1 up/down", nil},
		{90, "poll up=3500 | p1 up/down", nil},
		{360, "poll up=30500 | p1 up/down", nil},
		{390, "poll up=33500 | p1 up/down", one(firing)},
	},
	"sysUpTime tells of a reset over polls that lack it": {
		{0, "poll up=100000 | p1 up/down", one(pending)},
		{30, "poll partial | p1 up/down", nil},
		{60, "poll up=500 | p1 up/down", nil},
		{90, "poll up=3500 | p1 up/down", nil},
	},
	"sysUpTime that wraps is no reset": {
		{0, "poll up=4294966296 | p1 up/down", one(pending)},
		{30, "poll up=2000 | p1 up/down", nil},
		{60, "poll up=5000 | p1 up/down", one(firing)},
	},
	"sysUpTime that is near its wrap and a little late is no reset": {
		{0, "poll up=4294964296 | p1 up/down", one(pending)},
		{30, "poll up=4294967250 | p1 up/down", nil}, // 46 ticks before the wrap
		{60, "poll up=2900 | p1 up/down", one(firing)},
	},
	"sysUpTime that is near its wrap and a little early is no reset": {
		{0, "poll up=4294964246 | p1 up/down", one(pending)},
		{30, "poll up=10 | p1 up/down", nil}, // expected 50 ticks before the wrap
		{60, "poll up=3010 | p1 up/down", one(firing)},
	},
	"a reset after more than half of sysUpTime's range": {
		{0, "poll up=4000000000 | p1 up/down", one(pending)},
		{30, "poll up=500 | p1 up/down", nil},
		{60, "poll up=3500 | p1 up/down", nil},
		{90, "poll up=6500 | p1 up/down", nil},
	},
	"counters that are all reset tell of it where sysUpTime does not": {
		{0, "poll | p1 up/down | p2 up/up", one(pending)},
		{30, "poll | p1 up/down verdict=reset | p2 up/up verdict=reset", nil},
		{60, "poll | p1 up/down | p2 up/up", nil},
		{90, "poll | p1 up/down | p2 up/up", nil},
		{330, "poll | p1 up/down | p2 up/up", nil},
		{390, "poll | p1 up/down | p2 up/up", one(firing)},
	},
	"and a new port among them says nothing": {
		{0, "poll | p1 up/down", one(pending)},
		{30, "poll | p1 up/down verdict=reset | p2 up/up verdict=first", nil},
		{60, "poll | p1 up/down | p2 up/up", nil},
		{90, "poll | p1 up/down | p2 up/up", nil},
	},
	"first readings are no reset": {
		{0, "poll | p1 up/down verdict=first", one(pending)},
		{30, "poll | p1 up/down verdict=first", nil},
		{60, "poll | p1 up/down", one(firing)},
	},
	"one port whose counters were cleared is no reboot": {
		{0, "poll | p1 up/down | p2 up/up", one(pending)},
		{30, "poll | p1 up/down verdict=reset | p2 up/up", nil},
		{60, "poll | p1 up/down | p2 up/up", one(firing)},
	},
	"all counters cleared while sysUpTime runs on is no reboot": {
		{0, "poll up=100000 | p1 up/down", one(pending)},
		{30, "poll up=103000 | p1 up/down verdict=reset", nil},
		{60, "poll up=106000 | p1 up/down", one(firing)},
	},
	"the identity survives renumbering": {
		{0, "poll | p1 up/down index=1 | p2 up/up index=2", one(pending)},
		{30, "poll reset | p2 up/up index=1 | p1 up/down index=2", nil},
		{330, "poll | p2 up/up index=1 | p1 up/down index=2", nil},
		{390, "poll | p2 up/up index=1 | p1 up/down index=2", one(firing)},
		{420, "poll | p1 up/up index=7", one(recovered)},
	},

	"two complete walks without it remove it": {
		{0, "poll | p1 up/down | p2 up/up", one(pending)},
		{60, "poll | p1 up/down | p2 up/up", one(firing)},
		{90, "poll | p2 up/up", nil},
		{120, "poll | p2 up/up", one("p1 admin_up_oper_down firing>resolved removed")},
		{150, "poll | p2 up/up", nil},
		{180, "poll | p1 up/down | p2 up/up", one(pending)}, // back, and used before
	},
	"the walks that lack it must follow each other": {
		{0, "poll | p1 up/down", one(pending)},
		{30, "poll", nil},
		{60, "poll | p1 up/down", nil},
		{90, "poll", nil},
		{120, "poll", one("p1 admin_up_oper_down pending>resolved removed")},
	},
	"partial walks freeze it": {
		{0, "poll | p1 up/down | p2 up/up", one(pending)},
		{30, "poll | p1 up/down | p2 up/up", nil},
		{60, "poll partial | p2 up/up", nil},
		{90, "poll partial | p2 up/up", nil},
		{120, "poll partial | p2 up/up", nil},
		{150, "poll | p1 up/down | p2 up/up", nil}, // since 30 s it was not observed
		{180, "poll partial | p1 up/down", one(firing)},
		{210, "poll partial | p1 -", nil},
		{240, "poll partial", nil},
		{270, "poll | p1 up/up", one(recovered)},
	},
	"a partial or lost walk between two that lack it": {
		{0, "poll | p1 up/down", one(pending)},
		{60, "poll | p1 up/down", one(firing)},
		{90, "poll", nil},
		{120, "poll partial", nil},
		{150, "fail timeout", one(silent)},
		{180, "poll", one(hiccup, "p1 admin_up_oper_down firing>resolved removed")},
	},
	"several that go at once go in order": {
		{0, "poll | p2 up/down | p1 up/down | p3 down/up", one("p2 admin_up_oper_down inactive>pending", pending, "p3 admin_down_oper_up inactive>pending")},
		{30, "poll", nil},
		{60, "poll", one("p1 admin_up_oper_down pending>resolved removed", "p2 admin_up_oper_down pending>resolved removed",
			"p3 admin_down_oper_up pending>resolved removed")},
	},

	"never_up raises nothing until it counts traffic": {
		{0, "poll | p1 up/down in=0 last=0", nil},
		{30, "poll | p1 up/down in=0 last=0", nil},
		{600, "poll | p1 up/notPresent in=0 last=30000", nil},
		{630, "poll | p1 up/down in=64 last=30000", one(pending)},
		{660, "poll | p1 up/down in=64 last=30000", nil},
		{690, "poll | p1 up/down in=64 last=30000", one(firing)},
	},
	"a port that was seen up is not never_up": {
		{0, "poll | p1 up/down in=0 last=0", nil},
		{30, "poll | p1 up/up in=0 last=0", nil},
		{60, "poll | p1 up/down in=0 last=0", one(pending)},
	},
	"nor one that changed later than five minutes after the boot": {
		{0, "poll | p1 up/down in=0 last=30001", one(pending)},
	},
	"nor one whose 64-bit counter alone moved, or does not move": {
		{0, "poll | p1 up/down hc=0 in=5 last=0 | p2 up/down hc=5 in=0 last=0", one(pending, "p2 admin_up_oper_down inactive>pending")},
	},
	"nor one without any counter of octets": {
		{0, "poll | p1 up/down in=- last=0", one(pending)},
	},
	"but that is known only at the end of a walk": {
		{0, "poll partial | p1 up/down in=-", nil},
		{30, "poll partial | p1 up/down in=-", nil},
		{60, "poll | p1 up/down in=0 last=0", nil},
		{90, "poll partial | p1 up/down in=-", nil},
	},
	"a reboot that zeroes everything makes no used port never_up": {
		{0, "poll | p1 up/up in=99 last=400000", nil},
		{30, "poll reset | p1 up/down in=0 last=0", nil},
		{330, "poll | p1 up/down in=0 last=0", one(pending)},
		{390, "poll | p1 up/down in=0 last=0", one(firing)},
	},
	"disabled and up needs no history": {
		{0, "poll | p1 down/up in=0 last=0", one("p1 admin_down_oper_up inactive>pending")},
	},
	"unknown proves no use": {
		{0, "poll | p1 up/unknown in=0 last=0", nil},
		{30, "poll | p1 up/down in=0 last=0", nil},
	},

	"rows that share a name are told apart by index": {
		{0, "poll | eth up/up index=1 | eth up/down index=2", one("eth (ifIndex 2) admin_up_oper_down inactive>pending")},
		{60, "poll | eth up/up index=1 | eth up/down index=2", one("eth (ifIndex 2) admin_up_oper_down pending>firing")},
		{90, "poll | eth up/down index=1 | eth up/up index=2", one("eth (ifIndex 1) admin_up_oper_down inactive>pending",
			"eth (ifIndex 2) admin_up_oper_down firing>resolved recovered")},
	},
	"rows that nothing tells apart": {
		{0, "poll | eth up/down | eth up/up", one("eth (ifIndex 0) admin_up_oper_down inactive>pending")},
		{60, "poll | eth up/down | eth up/up", one("eth (ifIndex 0) admin_up_oper_down pending>firing")},
	},

	"a restart neither repeats nor forgets a firing alert": {
		{0, "poll | p1 up/down", one(pending)},
		{60, "poll | p1 up/down", one(firing)},
		{70, "restart", nil},
		{90, "poll | p1 up/down", nil},
		{100, "restart", nil},
		{120, "poll | p1 up/up", one(recovered)},
	},
	"a restart between two polls changes nothing": {
		{0, "poll | p1 up/down", one(pending)},
		{30, "poll | p1 up/down", nil},
		{31, "restart", nil},
		{60, "poll | p1 up/down", one(firing)},
	},
	"a restart that takes long is not observed": {
		{0, "poll | p1 up/down", one(pending)},
		{30, "poll | p1 up/down", nil},
		{31, "restart", nil},
		{210, "poll | p1 up/down", nil},
		{240, "poll | p1 up/down", one(firing)},
	},
	"a restart between the walks that lack a port": {
		{0, "poll | p1 up/down", one(pending)},
		{30, "poll", nil},
		{31, "restart", nil},
		{60, "poll", one("p1 admin_up_oper_down pending>resolved removed")},
		{61, "restart", nil},
		{90, "poll | p1 up/down in=0 last=0", one(pending)}, // still known to have been used
	},
	"a restart while a device is silent": {
		{0, "poll | p1 up/down", one(pending)},
		{30, "fail timeout", one(silent)},
		{31, "restart", nil},
		{60, "fail timeout", one(unreachable)},
		{61, "restart", nil},
		{90, "fail timeout", nil},
		{120, "poll | p1 up/down", one(answered)},
	},
	"a restart while a device reboots": {
		{0, "poll | p1 up/down", one(pending)},
		{30, "poll reset | p1 up/down", nil},
		{31, "restart", nil},
		{60, "poll | p1 up/down", nil},
		{90, "poll | p1 up/down", nil},
		{120, "poll | p1 up/down", nil},
		{330, "poll | p1 up/down", nil},
		{390, "poll | p1 up/down", one(firing)},
	},
	"a clock that is set back does not prolong a reboot": {
		{7200, "poll | p1 up/down", one(pending)},
		{7230, "poll reset | p1 up/down", nil},
		{10, "restart", nil},
		{40, "poll | p1 up/down", nil}, // which holds until 340
		{340, "poll | p1 up/down", nil},
		{400, "poll | p1 up/down", one(firing)},
	},
	"a reboot during our restart": {
		{0, "poll up=100000 | p1 up/up in=5", nil},
		{31, "restart", nil},
		{60, "poll up=1000 | p1 up/down in=0 last=0", nil},
		{90, "poll up=4000 | p1 up/down in=0 last=0", nil},
		{360, "poll up=31000 | p1 up/down in=0 last=0", one(pending)},
	},
	"a restart keeps never_up": {
		{0, "poll | p1 up/down in=0 last=0", nil},
		{1, "restart", nil},
		{30, "poll | p1 up/down in=0 last=0", nil},
		{60, "poll | p1 up/down in=0 last=0", nil},
	},
	"what long is gone is forgotten": {
		{0, "poll | p1 up/up in=5", nil},
		{30, "poll", nil},
		{60, "poll", nil},
		{3660, "advance", nil},
		{3690, "poll", nil},
		{90000, "advance", nil},
		{90030, "poll | p1 up/down in=0 last=0", nil}, // a new port, as far as anybody knows
	},
}

func TestTransitions(t *testing.T) {
	for name, steps := range transitionTable {
		t.Run(name, func(t *testing.T) { play(t, config(), nil, steps) })
	}
}
