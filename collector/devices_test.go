package collector_test

import (
	"encoding/hex"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/collector"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

var update = flag.Bool("update", false, "write the golden files anew")

// recording reads testdata/devices/NAME.snmprec, a recording in the form of snmpsim. sysUpTime goes on from what it says.
func recording(t *testing.T, name string) *device {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "devices", name+".snmprec"))
	if err != nil {
		t.Fatal(err)
	}
	var vbs []snmp.VarBind
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), "|", 3)
		o, err := oid.Parse(parts[0])
		if err != nil || len(parts) != 3 {
			t.Fatalf("%s: %q: %v", name, line, err)
		}
		vbs = append(vbs, snmp.VarBind{Name: o, Value: recorded(t, parts[1], parts[2])})
	}
	start := time.Now()
	return &device{latency: time.Millisecond, objects: func(now time.Time) []snmp.VarBind {
		out := slices.Clone(vbs)
		for i := range out {
			if out[i].Name == system.Append(3, 0) {
				out[i].Value = snmp.TimeTicks(uint32(out[i].Value.Uint()) + uint32(now.Sub(start)/(10*time.Millisecond)))
			}
		}
		return out
	}}
}

func recorded(t *testing.T, tag, text string) snmp.Value {
	t.Helper()
	if hexTag, ok := strings.CutSuffix(tag, "x"); ok {
		octets, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if hexTag == "68" {
			return snmp.Opaque(string(octets))
		}
		return snmp.OctetString(string(octets))
	}
	number, _ := strconv.ParseInt(text, 10, 64) // 0 for what is no number
	switch tag {
	case "2":
		return snmp.Integer(int32(number))
	case "4":
		return snmp.OctetString(text)
	case "6":
		return snmp.ObjectID(oid.MustParse(text))
	case "64":
		return snmp.IPAddress(netip.MustParseAddr(text))
	case "65":
		return snmp.Counter32(uint32(number))
	case "66":
		return snmp.Gauge32(uint32(number))
	case "67":
		return snmp.TimeTicks(uint32(number))
	case "70":
		return snmp.Counter64(uint64(number))
	}
	t.Fatalf("unknown tag %q", tag)
	return snmp.Null
}

// TestRecordedDevices polls recordings of devices with the profiles that are for them; golden files hold all that comes out.
func TestRecordedDevices(t *testing.T) {
	for name, collect := range map[string][]string{
		"cisco":    {"system", "interfaces", "cisco"},
		"juniper":  {"juniper", "bgp4"},
		"arista":   {"interfaces", "arista", "host", "entity_sensors", "lldp", "bridge"},
		"mikrotik": {"mikrotik"},
		"linux":    {"host", "ucd", "snmp_engine", "system"},
		"ups":      {"ups"},
		"dns":      {"dns"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := start(t, map[string]*device{"dev": recording(t, name)}, target("dev", collect...))
				p := h.next("dev")
				if p.Err != nil {
					t.Error(p.Err)
				}
				checkGolden(t, name, strings.Join(lines(p), "\n")+"\n")
				if s := h.c.Stats()[0]; s.WrongTypes > 0 {
					t.Errorf("values of the wrong type:\n%s", h.log.String())
				}
			})
		})
	}
}

func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "devices", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Error(diff)
	}
}

// TestEveryProfileIsPolled holds that no built-in profile makes an error on a device that has nothing of it.
func TestEveryProfileIsPolled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, map[string]*device{"dev": recording(t, "ups")}, target("dev", collector.BuiltIn().Names()...))
		for range 3 {
			if p := h.next("dev"); p.Err != nil || !p.Answered {
				t.Error(p.Err)
			}
		}
	})
}
