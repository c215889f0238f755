package alert_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"walkabout/alert"
)

// story is what happens to two switches, read from octets: each decides one step.
type story struct {
	octets []byte
	at     time.Time
	ports  [2][4]int // of each switch: 0 up, 1 down, 2 down/up, 3 disabled, 4 gone, 5 without status
	shift  [2]int    // added to every ifIndex
	begun  [2]time.Time
}

func newStory(octets []byte) *story {
	return &story{octets: octets, at: start, begun: [2]time.Time{start, start}}
}

// step is one thing that happens. poll is nil if the switch does not answer.
type storyStep struct {
	at      time.Time
	device  string
	poll    *alert.Poll
	restart bool // of the collector, before it
	text    string
}

var portTexts = [...]string{"up/up", "up/down", "down/up", "down/down", "", "-"}

// next returns the next step; false at the end.
func (s *story) next(t *testing.T) (storyStep, bool) {
	if len(s.octets) < 2 {
		return storyStep{}, false
	}
	what, which := s.octets[0], s.octets[1]
	s.octets = s.octets[2:]
	sw := int(which & 1)
	step := storyStep{device: fmt.Sprint("sw", sw+1), restart: what&0x70 == 0x70}
	s.at = s.at.Add(15 * time.Second)
	if what&0x80 != 0 && which&0xe0 == 0 {
		s.at = s.at.Add(5 * time.Minute) // the collector was busy, or off
	}
	step.at = s.at
	head := "device=" + step.device
	switch what & 0x0f {
	case 0, 1:
		step.text = step.device + " fails"
		return step, true
	case 2:
		head += " reset"
		s.begun[sw] = s.at
	case 3:
		s.shift[sw]++
	case 4:
		head += " partial"
	case 5:
		head += " extra"
	default:
		s.ports[sw][which>>1&3] = int(which>>3) % len(portTexts)
	}
	if what&0x0f == 2 {
		s.begun[sw] = s.at
	}
	head += fmt.Sprint(" up=", int(s.at.Sub(s.begun[sw]).Seconds())*100+500)
	var text strings.Builder
	text.WriteString(head)
	for i, state := range s.ports[sw] {
		if state != 4 && (what&0x0f != 5 || i == int(which>>1&3)) {
			fmt.Fprintf(&text, " | p%d %s index=%d in=%d last=0", i, portTexts[state], 10+i+s.shift[sw], min(1, i)) // p0 may be never_up
		}
	}
	step.text = text.String()
	p := parsePoll(t, step.text, s.at)
	step.poll = &p
	return step, true
}

func storyConfig() alert.Config {
	c := alert.DefaultConfig()
	c.DeviceRebooted.Enabled = false                             // it tells the sysUpTime of the poll before, which may have been quiet
	c.Targets = []alert.Target{{Device: "sw1"}, {Device: "sw2"}} // a device behind another waits for that one after a restart
	return c
}

// happen lets step happen to e.
func happen(e *alert.Engine, step storyStep) []alert.Transition {
	var ts []alert.Transition
	if step.poll == nil {
		ts = e.Failed(step.at, step.device, errors.New("timeout"))
	} else {
		ts = e.Observe(*step.poll)
	}
	return append(ts, e.Advance(step.at)...)
}

// quietFields are fields that a poll which changes nothing does not write: the next poll that does has them.
var quietFields = cmp.Options{cmpopts.IgnoreFields(alert.SeenState{}, "Missed"), cmpopts.IgnoreFields(alert.DeviceState{}, "PollAt", "At", "UpTime", "UpTimeAt", "UpTimeBefore"),
	cmpopts.IgnoreFields(alert.Snapshot{}, "SavedAt"), cmpopts.EquateEmpty()}

// checkStory plays a story twice: without a restart, and with some, after which only what the lines of a journal add up to is left. The same comes of it. It
// also looks at what must hold of any story.
func checkStory(t *testing.T, octets []byte) {
	t.Helper()
	with, without := alert.NewEngine(), alert.NewEngine()
	with.Configure(start, storyConfig())
	without.Configure(start, storyConfig())
	ledger := alert.NewLedger()
	if err := ledger.Write(with, nil); err != nil {
		t.Fatal(err)
	}
	s := newStory(octets)
	var told []string
	law := newLaw()
	for {
		step, ok := s.next(t)
		if !ok {
			break
		}
		told = append(told, fmt.Sprintf("%v restart %t: %s", step.at.Sub(start), step.restart, step.text))
		if step.restart {
			with = alert.NewEngine()
			with.Restore(ledger.Snapshot())
			if ts := with.Configure(step.at, storyConfig()); len(ts) > 0 {
				t.Fatalf("%s\nthe restart causes %v", strings.Join(told, "\n"), brief(ts))
			}
		}
		want, got := happen(without, step), happen(with, step)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s\ntransitions without a restart and with (-without +with):\n%s", strings.Join(told, "\n"), diff)
		}
		if err := ledger.Write(with, got); err != nil {
			t.Fatalf("%s\n%v", strings.Join(told, "\n"), err)
		}
		if broken := law.look(step, want); broken != "" {
			t.Fatalf("%s\n%s", strings.Join(told, "\n"), broken)
		}
	}
	if alert.NoRareIsChanged() {
		t.Fatalf("%s\nwhat ports share is changed", strings.Join(told, "\n"))
	}
	want := without.Snapshot(s.at)
	if diff := cmp.Diff(want, with.Snapshot(s.at), quietFields); diff != "" {
		t.Errorf("%s\nthe state without a restart and with (-without +with):\n%s", strings.Join(told, "\n"), diff)
	}
	kept := ledger.Snapshot()
	kept.Resolved, want.Resolved, kept.Undelivered = nil, nil, nil // of the last hour
	if diff := cmp.Diff(want, kept, quietFields); diff != "" {
		t.Errorf("%s\nthe state and what is kept of it (-state +kept):\n%s", strings.Join(told, "\n"), diff)
	}
	if diff := cmp.Diff(without.Alerts(s.at), with.Alerts(s.at)); diff != "" {
		t.Errorf("%s\nthe alerts without a restart and with (-without +with):\n%s", strings.Join(told, "\n"), diff)
	}
}

// law is what must hold of all transitions.
type law struct {
	state  map[string]alert.State // by fingerprint
	ids    map[string]bool
	number uint64
	held   map[string]time.Time // by device: until when it is frozen
}

func newLaw() *law {
	return &law{state: map[string]alert.State{}, ids: map[string]bool{}, held: map[string]time.Time{}}
}

// look returns what is wrong with the transitions that a step caused.
func (l *law) look(step storyStep, ts []alert.Transition) string {
	rule := storyConfig().InterfaceMismatch
	if step.poll != nil && step.poll.Reset {
		l.held[step.device] = step.at.Add(storyConfig().RebootHold)
	}
	for _, t := range ts {
		wrong := func(what string) string { return fmt.Sprintf("%s: %v\n%+v", what, brief([]alert.Transition{t}), t) }
		l.number++
		switch {
		case t.Number != l.number:
			return wrong(fmt.Sprintf("its number is %d, want %d", t.Number, l.number))
		case l.ids[t.ID]:
			return wrong("its ID was there before")
		case l.state[t.Fingerprint] != t.From:
			return wrong(fmt.Sprintf("the alert was %v", l.state[t.Fingerprint]))
		}
		l.ids[t.ID] = true
		l.state[t.Fingerprint] = t.State
		if t.State == alert.Resolved {
			delete(l.state, t.Fingerprint)
		}
		if t.Rule != alert.RuleInterfaceMismatch {
			continue
		}
		switch {
		case step.poll == nil:
			return wrong("a poll without an answer decides something of a port")
		case t.Key == "p0" && t.Kind == alert.KindOperDown && t.State == alert.Firing && t.Since.Equal(start.Add(15*time.Second)):
			return wrong("a port that was never used fires")
		case t.Device == step.device && step.at.Before(l.held[step.device]) && t.Reason != alert.Removed:
			return wrong("it is frozen after a reboot")
		case t.State == alert.Firing && t.From == alert.Pending && !t.Flapping && (t.Polls < rule.Polls || t.Observed < rule.For):
			return wrong("it fires too soon")
		case t.State == alert.Resolved && t.From == alert.Firing && t.Reason == alert.Recovered && t.At.Sub(t.FiredAt) < rule.KeepFiringFor:
			return wrong("it is over too soon")
		}
	}
	return ""
}

// A restart between any two steps of any story changes nothing.
func TestStories(t *testing.T) {
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 7))
		octets := make([]byte, 240)
		for i := range octets {
			octets[i] = byte(random.Uint32())
		}
		if checkStory(t, octets); t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func FuzzStory(f *testing.F) {
	f.Add([]byte{0x0f, 0x08, 0x0f, 0x08, 0x7f, 0x08, 0x0f, 0x08, 0x0f, 0x08, 0x7f, 0x00, 0x02, 0x00, 0x73, 0x00})
	f.Add([]byte{0x0f, 0x08, 0x00, 0x01, 0x70, 0x00, 0x71, 0x01, 0x00, 0x00, 0x0f, 0x08, 0x0f, 0x20, 0x7f, 0x20, 0x0f, 0x20})
	f.Fuzz(func(t *testing.T, octets []byte) { checkStory(t, octets[:min(len(octets), 400)]) })
}
