package sim_test

import (
	"context"
	"log/slog"
	"math"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/agent"
	"walkabout/internal/packetnet"
	"walkabout/internal/secret"
	"walkabout/sim"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

func playing(t *testing.T, text string) *agent.Server {
	t.Helper()
	r, err := sim.ReadRecording(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Skipped()) > 0 {
		t.Fatal(r.Skipped()[0])
	}
	s, err := r.Server(sim.Playing{Boot: time.Now(), Rate: 5}, secret.New("public"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestNumericVariation holds what an object of snmpsim's module numeric is 1,000 s after the start.
func TestNumericVariation(t *testing.T) {
	at := oid.MustParse("1.3.6.1.4.1.9.1.0")
	tests := map[string]struct {
		line        string
		least, most string // the value is one of them, or a number between
	}{
		"sysUpTime":              {"67:numeric|rate=100,initial=123999999", "124099999", "124099999"},
		"the default rate":       {"66:numeric|initial=7", "1007", "1007"},
		"cumulative":             {"65:numeric|rate=200,initial=5,deviation=10,cumulative=1", "200005", "200005"},
		"cumulative by offset":   {"65:numeric|scale=0.4,offset=3,function=cos,cumulative=1", "3000", "3000"},
		"cumulative wraps":       {"65:numeric|rate=4294968,cumulative=1", "704", "704"},
		"64 bits":                {"70:numeric|rate=100000000,initial=1000000000000000,cumulative=1", "1000100000000000", "1000100000000000"},
		"stops at the most":      {"66:numeric|rate=1000,max=5000", "5000", "5000"},
		"wraps":                  {"66:numeric|rate=1,max=299,wrap=1", "100", "100"},
		"never below the least":  {"2:numeric|rate=-1,min=0", "0", "0"},
		"negative":               {"2:numeric|rate=-1,min=-5000,initial=0", "-1000", "-1000"},
		"a power":                {"66:numeric|function=pow%<time>%2,scale=100,offset=100,rate=0.1", "1000100", "1000100"},
		"deviates":               {"2:numeric|rate=0,initial=500,deviation=10", "490", "510"},
		"a sine":                 {"2:numeric|scale=1000,rate=0.001,function=sin,min=0,max=900", "841", "841"},
		"the time":               {"66:numeric|atime=1", "946685800", "946685800"},
		"a number as text":       {"4:numeric|scale=15,rate=0,function=cos,min=0", "15.00", "15.00"},
		"a constant":             {"66:numeric|rate=0,initial=42", "42", "42"},
		"no number from the log": {"66:numeric|function=log,rate=-1,min=3", "3", "3"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := playing(t, at.String()+"|"+tt.line+"\n")
				time.Sleep(1000 * time.Second)
				v := answer(t, s, snmp.GetRequest, at)[0].Value
				got := v.String()
				if v.Kind() == snmp.KindOctetString {
					got = v.Octets()
				}
				inside := tt.least != tt.most && v.Kind() == snmp.KindInteger && v.Int() >= 490 && v.Int() <= 510
				if got != tt.least && !inside {
					t.Errorf("%v; want %s to %s", got, tt.least, tt.most)
				}
			})
		})
	}
}

// TestOtherVariations holds that values of notification and writecache are played, that what is refused is genErr, and what is not there is not.
func TestOtherVariations(t *testing.T) {
	s := playing(t, `1.3.6.1.2.1.1.1.0|4:notification|op=get,version=1,community=public,host=127.0.0.1,varbinds=1.3.6.1.2.1.1.1.0:s:snmpsim agent:1.3.6.1.2.1.1.3.0:i:42,value=a sender
1.3.6.1.2.1.1.4.0|4:writecache|hexvalue=49276d
1.3.6.1.2.1.2.2.1.5.1|66:writecache|value=100000000,op=get,status=noaccess
1.3.6.1.2.1.2.2.1.5.2|66:writecache|value=100000000,op=set,status=noaccess
1.3.6.1.2.1.2.2.1.6.1|4:error|op=set,status=commitfailed,hexvalue=00127962f940
1.3.6.1.2.1.2.2.1.7.1|2:error|status=noSuchInstance
1.3.6.1.2.1.2.2.1.8.1|2:error|status=genError
`)
	names := []string{"1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.4.0", "1.3.6.1.2.1.2.2.1.5.2", "1.3.6.1.2.1.2.2.1.6.1", "1.3.6.1.2.1.2.2.1.7.1"}
	want := []string{"a sender", "I'm", "100000000", "\x00\x12\x79\x62\xf9\x40", snmp.NoSuchObject.String()}
	for i, name := range names {
		v := answer(t, s, snmp.GetRequest, oid.MustParse(name))[0].Value
		got := v.Octets()
		if v.Kind() != snmp.KindOctetString {
			got = v.String()
		}
		if got != want[i] {
			t.Errorf("%s: %q; want %q", name, got, want[i])
		}
	}
	for _, refused := range []struct {
		kind snmp.PDUType
		name string
	}{
		{snmp.GetRequest, "1.3.6.1.2.1.2.2.1.5.1"}, {snmp.GetRequest, "1.3.6.1.2.1.2.2.1.8.1"},
		{snmp.GetNextRequest, "1.3.6.1.2.1.1.4.0"}, {snmp.GetNextRequest, "1.3.6.1.2.1.2.2.1.6.1"},
	} {
		q := snmp.Message{Version: snmp.V2c, Community: "public", PDU: snmp.PDU{Type: refused.kind, VarBinds: []snmp.VarBind{{Name: oid.MustParse(refused.name)}}}}
		var a agent.Answerer
		var m snmp.Message
		if err := new(snmp.Decoder).Decode(a.Answer(t.Context(), s, q.Append(nil), netip.MustParseAddr("192.0.2.9")), &m); err != nil {
			t.Fatal(err)
		}
		if m.PDU.ErrorStatus != snmp.GenErr || m.PDU.ErrorIndex != 1 {
			t.Errorf("%v of %s: %v %d; want genErr 1", refused.kind, refused.name, m.PDU.ErrorStatus, m.PDU.ErrorIndex)
		}
	}
}

// TestDelays holds how long answers are held back, for all of their objects together, and that the longest are lost.
func TestDelays(t *testing.T) {
	const text = `1.3.6.1.2.1.1.1.0|4|quick
1.3.6.1.2.1.1.4.0|4:delay|value=half a second
1.3.6.1.2.1.1.5.0|4:delay|hexvalue=6e6f77,wait=0
1.3.6.1.2.1.1.6.0|4:delay|value=two,wait=2000
1.3.6.1.2.1.1.7.0|2:delay|value=72,tlist=lt:100:7:gt:300:1000000
`
	tests := map[string]struct {
		names string
		want  time.Duration // 0: never
	}{
		"none":     {"1.3.6.1.2.1.1.1.0", 1},
		"no time":  {"1.3.6.1.2.1.1.5.0", 1},
		"half":     {"1.3.6.1.2.1.1.4.0", 500 * time.Millisecond},
		"together": {"1.3.6.1.2.1.1.4.0 1.3.6.1.2.1.1.6.0", 2500 * time.Millisecond},
		"lost":     {"1.3.6.1.2.1.1.7.0", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, err := sim.ReadRecording(text, nil)
				if err != nil || !r.IsSlow() {
					t.Fatal(err)
				}
				s, err := r.Server(sim.Playing{Boot: time.Now()}, secret.New("public"), slog.New(slog.DiscardHandler))
				if err != nil {
					t.Fatal(err)
				}
				n := packetnet.New(1, packetnet.Faults{})
				conn, err := n.Listen(netip.MustParseAddrPort("192.0.2.1:161"))
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error)
				go func() { done <- s.ServeDatagrams(ctx, r.Slow(socket{conn})) }()
				asker, err := n.Listen(netip.MustParseAddrPort("192.0.2.2:0"))
				if err != nil {
					t.Fatal(err)
				}
				q := snmp.Message{Version: snmp.V2c, Community: "public", PDU: snmp.PDU{Type: snmp.GetRequest}}
				for name := range strings.FieldsSeq(tt.names) {
					q.PDU.VarBinds = append(q.PDU.VarBinds, snmp.VarBind{Name: oid.MustParse(name)})
				}
				start := time.Now()
				if _, err := asker.WriteToAddrPort(q.Append(nil), netip.MustParseAddrPort("192.0.2.1:161")); err != nil {
					t.Fatal(err)
				}
				stop := time.AfterFunc(time.Hour, func() { _ = asker.Close() })
				_, _, err = asker.ReadFromAddrPort(make([]byte, 1500))
				took := time.Since(start)
				if stop.Stop() {
					_ = asker.Close()
				}
				if (err != nil) != (tt.want == 0) || err == nil && math.Abs(float64(took-tt.want)) > 1e6 {
					t.Errorf("%v after %v; want %v", err, took, tt.want)
				}
				cancel()
				if err := <-done; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestVariationsThatCannotBe holds what is said of lines that cannot be played.
func TestVariationsThatCannotBe(t *testing.T) {
	for line, want := range map[string]string{
		"6:numeric|rate=1":               "is no number",
		"66:numeric|rate=x":              `rate "x" is no number`,
		"66:numeric|speed=1":             `no option "speed"`,
		"66:numeric|function=system":     `unknown function "system"`,
		"66:numeric|function=pow%<time>": "unknown function",
		"66:numeric|function=pow%x%2":    "no number, nor <time>",
		"66:numeric|min=5,max=3":         "above max",
		"66:delay|wait=5":                "neither value nor hexvalue",
		"66:delay|value=5,wait=-1":       "no number of milliseconds",
		"66:delay|value=5,tlist=gt:5":    "tlist",
		"66:delay|value=5,tlist=at:5:5":  "tlist",
		"4:writecache|hexvalue=0":        "not hexadecimal",
		"66:virtualtable|table_oid=1.3":  "there are numeric",
		"4:subprocess|echo":              "there are numeric",
	} {
		_, err := sim.ReadRecording("1.3.6.1.4.1.9.1.0|"+line+"\n", nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", line, err, want)
		}
	}
}
