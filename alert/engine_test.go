package alert_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/alert"
	"walkabout/metric"
)

// Every pair of statuses, by the table of the design.
func TestStatusPairs(t *testing.T) {
	want := map[string]string{
		"up/down": alert.KindOperDown, "up/notPresent": alert.KindOperDown, "up/lowerLayerDown": alert.KindOperDown,
		"down/up": alert.KindOperUp,
	}
	for _, admin := range []string{"up", "down", "testing"} {
		for oper := range statuses {
			pair := admin + "/" + oper
			t.Run(pair, func(t *testing.T) {
				var transitions []string
				if kind := want[pair]; kind != "" {
					transitions = one("p1 " + kind + " inactive>pending")
				}
				play(t, config(), nil, []step{{0, "poll | p1 " + pair, transitions}})
			})
		}
	}
}

func TestForZeroNeedsOneConfirmingPoll(t *testing.T) {
	cfg := config()
	cfg.InterfaceMismatch.For = 0
	play(t, cfg, nil, []step{
		{0, "poll | p1 up/down", one(pending)},
		{2, "poll | p1 up/down", one(firing)},
		{4, "poll | p1 up/up", one(recovered)},
		{6, "poll | p1 up/down", one(pending)},
		{8, "fail timeout", one(silent)},
		{10, "poll | p1 up/down", one(hiccup, firing)},
	})
}

func TestUnreachableAfterConfiguredPolls(t *testing.T) {
	for polls, steps := range map[int][]step{
		0: {{0, "fail timeout", one("no_answer inactive>firing")}, {30, "poll", one(answered)}},
		1: {{0, "fail timeout", one("no_answer inactive>firing")}, {30, "fail timeout", nil}, {60, "poll", one(answered)}},
		3: {{0, "fail timeout", one(silent)}, {30, "fail timeout", nil}, {60, "fail timeout", one(unreachable)}, {90, "poll", one(answered)}},
	} {
		t.Run(strconv.Itoa(polls), func(t *testing.T) {
			cfg := config()
			cfg.DeviceUnreachable.Polls = polls
			play(t, cfg, nil, steps)
		})
	}
}

func TestConfigure(t *testing.T) {
	mismatchOff, unreachableOff, gone, systemOnly, longer := config(), config(), config(), config(), config()
	mismatchOff.InterfaceMismatch.Enabled = false
	unreachableOff.DeviceUnreachable.Enabled = false
	gone.Targets = nil
	systemOnly.Targets = []alert.Target{{Device: "sw1", Collect: []string{"system"}}}
	longer.InterfaceMismatch.For = time.Hour
	begin := []step{{0, "poll | p1 up/down | p2 up/down", one(pending, "p2 admin_up_oper_down inactive>pending")},
		{60, "poll | p1 up/down | p2 up/up", one("p2 admin_up_oper_down pending>resolved recovered", firing)}, {90, "fail timeout", one(silent)}}
	const notCollected, ruleOff = "p1 admin_up_oper_down firing>resolved target_removed", "p1 admin_up_oper_down firing>resolved rule_removed"
	for name, c := range map[string]struct {
		changed alert.Config
		steps   []step
	}{
		"target gone": {gone, []step{{100, "configure", one("no_answer pending>resolved target_removed", notCollected)},
			{120, "poll | p1 up/down", nil}, {150, "fail timeout", nil}}},
		"table no longer collected": {systemOnly, []step{{100, "configure", one(notCollected)}, {120, "poll partial", one(hiccup)}}},
		"mismatch rule off":         {mismatchOff, []step{{100, "configure", one(ruleOff)}, {120, "poll | p1 up/down", one(hiccup)}}},
		"unreachable rule off": {unreachableOff, []step{{100, "configure", one("no_answer pending>resolved rule_removed")},
			{120, "fail timeout", nil}, {150, "poll | p1 up/up", one(recovered)}}},
		"longer for leaves what fires": {longer, []step{{100, "configure", nil}, {120, "poll | p1 up/down", one(hiccup)},
			{150, "poll | p1 up/up", one(recovered)}}},
		"target gone over a restart": {gone, []step{{100, "restart", nil}, {101, "configure", one("no_answer pending>resolved target_removed", notCollected)}}},
	} {
		t.Run(name, func(t *testing.T) { play(t, config(), &c.changed, append(slices.Clone(begin), c.steps...)) })
	}
}

func TestOtherDevicesAndOurOwnCancelling(t *testing.T) {
	e := alert.NewEngine()
	e.Configure(start, config())
	var got []alert.Transition
	got = append(got, e.Observe(alert.Poll{Device: "other", At: start, Samples: []metric.Sample{parseRow(t, "p1 up/down", start)}})...)
	got = append(got, e.Failed(start, "other", errors.New("timeout"))...)
	for range 3 {
		got = append(got, e.Failed(start, "sw1", fmt.Errorf("poll: %w", context.Canceled))...)
	}
	if len(got)+len(e.Alerts(start)) > 0 {
		t.Errorf("transitions %v, alerts %v", brief(got), e.Alerts(start))
	}
}

func TestAlertTells(t *testing.T) {
	cfg := config()
	e := play(t, cfg, nil, []step{
		{0, "poll | p1 up/down index=3 last=500 alias=up\x1blink | p2 up/down in=0 last=0", one(pending)},
		{30, "poll | p1 up/down index=4 last=500 alias=core | p2 up/down in=0 last=0", nil},
		{60, "poll | p1 up/down index=4 last=500 alias=core | p2 up/down in=0 last=0", one(firing)},
		{90, "poll | p1 up/lowerLayerDown index=4 last=500 alias=core | p2 up/down in=0 last=0", nil},
		{120, "fail read udp 192.0.2.1:161: i/o\ntimeout", one(silent)},
	})
	labels := func(port, alias string) map[string]string {
		l := map[string]string{"agent_host": "192.0.2.1", "device": "sw1", "hostname": "sw1.example", "site": "paris"}
		if port != "" {
			l["ifName"], l["ifDescr"] = port, "descr "+port
		}
		if alias != "" {
			l["ifAlias"] = alias
		}
		return l
	}
	silentAt := start.Add(2 * time.Minute)
	want := []alert.Alert{
		{
			Device: "sw1", Rule: "device_unreachable", Kind: "no_answer", State: alert.Pending, Severity: alert.Critical,
			Since: silentAt, Polls: 1, Labels: labels("", ""),
			Values:  map[string]string{"error": "read udp 192.0.2.1:161: i/o\ntimeout", "failedPolls": "1"},
			Summary: "sw1 (192.0.2.1): no answer to 1 poll: read udp 192.0.2.1:161: i/o\ufffdtimeout",
		},
		{
			Device: "sw1", Rule: "interface_mismatch", Kind: "admin_up_oper_down", Key: "p1", State: alert.Firing, Severity: alert.Critical,
			Since: start, FiredAt: start.Add(time.Minute), Observed: 90 * time.Second, Polls: 4, Frozen: alert.Unreachable, Labels: labels("p1", "core"),
			Values:  map[string]string{"ifAdminStatus": "up", "ifOperStatus": "lowerLayerDown", "ifIndex": "4", "ifLastChange": "500"},
			Summary: "sw1 p1 (core): admin up, oper lowerLayerDown",
		},
	}
	wantNeverUp := []alert.Alert{{
		Device: "sw1", Rule: "interface_mismatch", Kind: "never_up", Key: "p2", State: alert.Listed, Severity: alert.Critical, Since: start, Polls: 4,
		Frozen: alert.Unreachable, Labels: labels("p2", ""),
		Values:  map[string]string{"ifAdminStatus": "up", "ifOperStatus": "down", "ifLastChange": "0"},
		Summary: "sw1 p2: admin up, oper down",
	}}
	noPrints := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Fingerprint" }, cmp.Ignore())
	if diff := cmp.Diff(want, e.Alerts(start), noPrints); diff != "" {
		t.Errorf("Alerts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(wantNeverUp, e.NeverUp(), noPrints); diff != "" {
		t.Errorf("NeverUp (-want +got):\n%s", diff)
	}
}

func TestSummaries(t *testing.T) {
	e := alert.NewEngine()
	e.Configure(start, config())
	var got []string
	for i, pair := range []string{"up/down", "up/down", "up/down", "up/up"} {
		at := start.Add(time.Duration(i) * 30 * time.Second)
		for _, tr := range e.Observe(parsePoll(t, "| p1 "+pair+" alias=core", at)) {
			got = append(got, tr.Summary)
		}
	}
	for i := range 2 {
		for _, tr := range e.Failed(start.Add(time.Duration(120+30*i)*time.Second), "sw1", errors.New("request timeout")) {
			got = append(got, tr.Summary)
		}
	}
	for _, tr := range e.Observe(parsePoll(t, "", start.Add(200*time.Second))) {
		got = append(got, tr.Summary)
	}
	for _, tr := range e.Configure(start.Add(210*time.Second), alert.Config{}) {
		got = append(got, tr.Summary)
	}
	want := []string{
		"sw1 p1 (core): admin up, oper down",
		"sw1 p1 (core): admin up, oper down, seen for 1m0s",
		"sw1 p1 (core): admin up, oper up; recovered after 1m30s",
		"sw1 (192.0.2.1): no answer to 1 poll: request timeout",
		"sw1 (192.0.2.1): no answer to 2 polls: request timeout",
		"sw1: answers again; recovered after 1m20s",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFrozenAndResolvedAreListed(t *testing.T) {
	frozen := func(e *alert.Engine) (out []string) {
		for _, a := range e.Alerts(start) {
			out = append(out, fmt.Sprintf("%s %v %s", a.Key, a.State, a.Frozen))
		}
		return out
	}
	begin := []step{
		{0, "poll | p1 up/down | p2 up/down", one(pending, "p2 admin_up_oper_down inactive>pending")},
		{60, "poll | p1 up/down | p2 up/down", one(firing, "p2 admin_up_oper_down pending>firing")},
	}
	for name, c := range map[string]struct {
		steps []step
		want  []string
	}{
		"moving":       {nil, []string{"p1 firing ", "p2 firing "}},
		"partial walk": {[]step{{90, "poll partial | p2 up/down", nil}}, []string{"p1 firing not_seen", "p2 firing "}},
		"rebooting":    {[]step{{90, "poll reset | p1 up/down | p2 up/down", nil}}, []string{"p1 firing rebooting", "p2 firing rebooting"}},
		"restarted":    {[]step{{90, "restart", nil}}, []string{"p1 firing ", "p2 firing "}},
		"resolved": {[]step{{90, "poll | p1 up/up | p2 up/down", one(recovered)}, {3690, "advance", nil}},
			[]string{"p1 resolved ", "p2 firing "}},
		"resolved and back": {[]step{{90, "poll | p1 up/up | p2 up/down", one(recovered)}, {120, "poll | p1 up/down | p2 up/down", one(pending)}},
			[]string{"p1 resolved ", "p1 pending ", "p2 firing "}},
		"resolved and restarted": {[]step{{90, "poll | p1 up/up | p2 up/down", one(recovered)}, {91, "restart", nil}}, []string{"p1 resolved ", "p2 firing "}},
		"resolved long ago":      {[]step{{90, "poll | p1 up/up | p2 up/down", one(recovered)}, {3691, "advance", nil}}, []string{"p2 firing "}},
	} {
		t.Run(name, func(t *testing.T) {
			e := play(t, config(), nil, append(slices.Clone(begin), c.steps...))
			if diff := cmp.Diff(c.want, frozen(e)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// An identity may hold any octets; the state file cannot, and the alert must be found again all the same.
func TestIdentitySurvivesTheStateFile(t *testing.T) {
	for _, tags := range [][]metric.Tag{
		{{Name: "ifName", Value: "p\xff\x00|\u2028"}}, {{Name: "ifDescr", Value: "only descr"}}, nil,
	} {
		poll := func(at time.Time) alert.Poll {
			s := parseRow(t, "x up/down index=5", at)
			s.Tags = tags
			return alert.Poll{Device: "sw1", At: at, Samples: []metric.Sample{s}, Complete: []string{"interface"}}
		}
		e := alert.NewEngine()
		e.Configure(start, config())
		e.Observe(poll(start))
		if got := brief(e.Observe(poll(start.Add(time.Minute)))); len(got) != 1 {
			t.Fatalf("%q: %q", tags, got)
		}
		e = restart(t, e, start)
		e.Configure(start, config())
		if got := brief(e.Observe(poll(start.Add(2 * time.Minute)))); got != nil {
			t.Errorf("%q: after a restart: %q", tags, got)
		}
	}
}

// What was handed out must not change afterwards: receivers keep it while the engine goes on.
func TestHandedOutAlertsStay(t *testing.T) {
	e := alert.NewEngine()
	e.Configure(start, config())
	first := e.Observe(parsePoll(t, "| p1 up/down alias=a", start))[0]
	labels, values := maps.Clone(first.Labels), maps.Clone(first.Values)
	e.Observe(parsePoll(t, "| p1 up/lowerLayerDown alias=b", start.Add(time.Minute)))
	e.Observe(parsePoll(t, "| p1 up/up alias=c", start.Add(2*time.Minute)))
	if diff := cmp.Diff([]any{labels, values, alert.Pending}, []any{first.Labels, first.Values, first.State}); diff != "" {
		t.Errorf("(-then +now):\n%s", diff)
	}
}

// Receivers and state files of former versions know an alert by these.
func TestFingerprintAndIDAreForEver(t *testing.T) {
	e := alert.NewEngine()
	e.Configure(start, config())
	tr := e.Observe(parsePoll(t, "| p1 up/down", start))[0]
	const fingerprint = "a19d45e9a9c19e7e17386defeb53f826"
	if want := fingerprint + "-mm7p6yo0-pending"; tr.Fingerprint != fingerprint || tr.ID != want {
		t.Errorf("fingerprint %s, ID %s; want %s and %s", tr.Fingerprint, tr.ID, fingerprint, want)
	}
}
