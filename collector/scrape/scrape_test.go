package scrape_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"walkabout/collector/scrape"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// agent is a session.Client that answers by itself.
type agent struct {
	vbs   []snmp.VarBind // in order
	loops bool           // its OIDs never end
	err   error
}

func newAgent(values map[string]snmp.Value) *agent {
	a := &agent{}
	for name, v := range values {
		a.vbs = append(a.vbs, snmp.VarBind{Name: oid.MustParse(name), Value: v})
	}
	slices.SortFunc(a.vbs, func(x, y snmp.VarBind) int { return x.Name.Compare(y.Name) })
	return a
}

func (a *agent) Get(ctx context.Context, dst []snmp.VarBind, names []oid.OID) ([]snmp.VarBind, error) {
	if err := errors.Join(a.err, ctx.Err()); err != nil {
		return dst, err
	}
	for _, n := range names {
		vb := snmp.VarBind{Name: n, Value: snmp.NoSuchInstance}
		for _, have := range a.vbs {
			if have.Name == n {
				vb = have
			}
		}
		dst = append(dst, vb)
	}
	return dst, nil
}

func (a *agent) Bulk(ctx context.Context, dst []snmp.VarBind, _ int, names []oid.OID, most int) ([]snmp.VarBind, error) {
	if err := errors.Join(a.err, ctx.Err()); err != nil {
		return dst, err
	}
	last := names[0]
	if a.loops {
		return append(dst, snmp.VarBind{Name: a.vbs[0].Name, Value: a.vbs[0].Value}, snmp.VarBind{Name: a.vbs[0].Name, Value: a.vbs[0].Value}), nil
	}
	for range most {
		i := slices.IndexFunc(a.vbs, func(vb snmp.VarBind) bool { return last.Less(vb.Name) })
		if i < 0 {
			return append(dst, snmp.VarBind{Name: last, Value: snmp.EndOfMibView}), nil
		}
		dst, last = append(dst, a.vbs[i]), a.vbs[i].Name
	}
	return dst, nil
}

func (a *agent) Close() error { return nil }

func text(s string) snmp.Value { return snmp.OctetString(s) }

const modules = `
auths:
  public_v2: {version: 2, community: hidden}
  secure: {version: 3, username: me, security_level: authPriv, password: authsecret, auth_protocol: SHA256, priv_protocol: AES, priv_password: privsecret, context_name: ctx}
  wrong: {version: 3, username: me, security_level: authPriv}
modules:
  all:
    walk: [1.3.6.1.2.1.2.2, 1.3.6.1.9, 1.3.6.1.2.1.1.5.0, 1.3.6.1.77]
    get: [1.3.6.1.2.1.1.3.0, 1.3.6.1.2.1.1.99.0]
    max_repetitions: 3
    metrics:
    - {name: sysUpTime, oid: 1.3.6.1.2.1.1.3, type: gauge, help: up, scale: 0.01}
    - {name: sysName, oid: 1.3.6.1.2.1.1.5, type: DisplayString, help: name}
    - name: ifHCInOctets
      oid: 1.3.6.1.2.1.2.2.1.10
      type: counter
      help: octets
      indexes: &index [{labelname: ifIndex, type: gauge}]
      lookups: &lookups
      - {labels: [ifIndex], labelname: ifDescr, oid: 1.3.6.1.2.1.2.2.1.2, type: DisplayString}
      - {labels: [ifIndex], labelname: ifMissing, oid: 1.3.6.1.2.1.2.2.1.99, type: DisplayString}
    - {name: ifDescr, oid: 1.3.6.1.2.1.2.2.1.2, type: DisplayString, help: d, indexes: *index, lookups: *lookups}
    - {name: ifType, oid: 1.3.6.1.2.1.2.2.1.3, type: EnumAsInfo, help: t, indexes: *index, enum_values: {6: ethernetCsmacd}}
    - {name: ifPhysAddress, oid: 1.3.6.1.2.1.2.2.1.6, type: PhysAddress48, help: p, indexes: *index}
    - {name: ifOperStatus, oid: 1.3.6.1.2.1.2.2.1.8, type: EnumAsStateSet, help: s, indexes: *index, enum_values: {1: up, 2: down}, lookups: [{labels: [], labelname: ifIndex}]}
    - {name: bits, oid: 1.3.6.1.9.1, type: Bits, help: b, enum_values: {0: first, 1: second, 9: tenth}}
    - {name: date, oid: 1.3.6.1.9.2, type: DateAndTime, help: d}
    - {name: load, oid: 1.3.6.1.9.3, type: DisplayString, help: l, offset: 1, regex_extracts: {Value: [{regex: 'no'}, {regex: 'load ([0-9.]+)', value: $1}], Off: [{regex: '(x)'}]}}
    - {name: bytes, oid: 1.3.6.1.9.4, type: OctetString, help: o}
    - {name: ntp, oid: 1.3.6.1.9.5, type: NTPTimeStamp, help: n}
    - name: address
      oid: 1.3.6.1.9.7.1.2
      type: InetAddress
      help: a
      indexes: [{labelname: mac, type: PhysAddress48}, {labelname: where, type: InetAddress}, {labelname: kind, type: EnumAsInfo, enum_values: {1: good}}, {labelname: rest, type: DisplayString, implied: true}]
    - {name: wrapped, oid: 1.3.6.1.9.8, type: counter, help: w}
    - {name: parsed, oid: 1.3.6.1.9.10, type: ParseDateAndTime, help: p, datetime_pattern: '%a %b %d %H:%M:%S %Y'}
    - {name: negative, oid: 1.3.6.1.9.9, type: gauge, help: n}
  filtered:
    walk: [1.3.6.1.2.1.2.2.1.10, 1.3.6.1.2.1.2.2.1.2]
    filters:
    - {oid: 1.3.6.1.2.1.2.2.1.2, targets: [1.3.6.1.2.1.2.2.1.10], values: ['^eth']}
    metrics:
    - {name: ifHCInOctets, oid: 1.3.6.1.2.1.2.2.1.10, type: counter, help: octets, indexes: [{labelname: ifIndex, type: gauge}]}
  odd: {metrics: [{name: x, oid: 1.3.6, type: gauge, indexes: [{labelname: a, type: Wrong}]}]}
`

func values() map[string]snmp.Value {
	return map[string]snmp.Value{
		"1.3.6.1.2.1.1.3.0": snmp.TimeTicks(1234), "1.3.6.1.2.1.1.5.0": text("box\xff"),
		"1.3.6.1.2.1.2.2.1.2.1": text("eth0"), "1.3.6.1.2.1.2.2.1.2.2": text("lo"), "1.3.6.1.2.1.2.2.1.3.1": snmp.Integer(6), "1.3.6.1.2.1.2.2.1.3.2": snmp.Integer(24),
		"1.3.6.1.2.1.2.2.1.6.1": text("\x00\x1b\x21\x3c\x9d\xf8"), "1.3.6.1.2.1.2.2.1.8.1": snmp.Integer(2), "1.3.6.1.2.1.2.2.1.8.2": snmp.Integer(7),
		"1.3.6.1.2.1.2.2.1.10.1": snmp.Counter64(1 << 40), "1.3.6.1.2.1.2.2.1.10.2": snmp.Counter64(5),
		"1.3.6.1.9.1.0": text("\x80\x40"), "1.3.6.1.9.2.0": text("\x07\xea\x0b\x15\x0b\x23\x00\x05+\x01\x00"), "1.3.6.1.9.3.0": text("load 0.25"),
		"1.3.6.1.9.4.0": text("\x00\xff"), "1.3.6.1.9.5.0": text("\xec\xab\xcd\xef\x80\x00\x00\x00"),
		"1.3.6.1.9.7.1.1.0.27.33.60.157.248.1.4.192.0.2.7.1.97.98": snmp.Integer(1), "1.3.6.1.9.7.1.2.0.27.33.60.157.248.1.4.192.0.2.7.1.97.98": text("\xc0\x00\x02\x09"),
		"1.3.6.1.9.8.0": snmp.Counter64(1<<53 + 3), "1.3.6.1.9.9.0": snmp.Integer(-7),
		"1.3.6.1.9.10.0": text("Sat Nov 21 09:30:00 2026"), "1.3.6.1.9.10.1": text("soon"),
	}
}

func show(r scrape.Result) string {
	var lines []string
	for _, s := range r.Metrics {
		kind := "gauge"
		if s.Counter {
			kind = "counter"
		}
		lines = append(lines, fmt.Sprintf("%s %v %v %s %q\n", s.Name, s.Labels, s.Value, kind, s.Help))
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

const want = `address [{mac 00:1B:21:3C:9D:F8} {where 192.0.2.7} {kind good} {rest ab} {address 192.0.2.9}] 1 gauge "a"
bits [{bits first}] 1 gauge "b (Bits)"
bits [{bits second}] 0 gauge "b (Bits)"
bits [{bits tenth}] 1 gauge "b (Bits)"
bytes [{bytes 0x00FF}] 1 gauge "o"
date [] 1.7952573e+09 gauge "d"
ifDescr [{ifIndex 1} {ifDescr eth0} {ifMissing }] 1 gauge "d"
ifDescr [{ifIndex 2} {ifDescr lo} {ifMissing }] 1 gauge "d"
ifHCInOctets [{ifIndex 1} {ifDescr eth0} {ifMissing }] 1.099511627776e+12 counter "octets"
ifHCInOctets [{ifIndex 2} {ifDescr lo} {ifMissing }] 5 counter "octets"
ifOperStatus [{ifOperStatus 7}] 1 gauge "s (EnumAsStateSet)"
ifOperStatus [{ifOperStatus down}] 0 gauge "s (EnumAsStateSet)"
ifOperStatus [{ifOperStatus down}] 1 gauge "s (EnumAsStateSet)"
ifOperStatus [{ifOperStatus up}] 0 gauge "s (EnumAsStateSet)"
ifOperStatus [{ifOperStatus up}] 0 gauge "s (EnumAsStateSet)"
ifPhysAddress [{ifIndex 1} {ifPhysAddress 00:1B:21:3C:9D:F8}] 1 gauge "p"
ifType_info [{ifIndex 1} {ifType ethernetCsmacd}] 1 gauge "t (EnumAsInfo)"
ifType_info [{ifIndex 2} {ifType 24}] 1 gauge "t (EnumAsInfo)"
loadValue [] 1.25 gauge "l (regex extracted)"
negative [] -7 gauge "n"
ntp [] 1.761693551e+09 gauge "n"
parsed [] 1.7952534e+09 gauge "p"
sysName [{sysName box�}] 1 gauge "name"
sysUpTime [] 12.34 gauge "up"
wrapped [] 3 counter "w"
`

func parse(t *testing.T, text string) (scrape.Config, map[string]error) {
	t.Helper()
	c, broken, err := scrape.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c, broken
}

func TestScrape(t *testing.T) {
	c, _ := parse(t, modules)
	r, err := c.Modules["all"].Scrape(t.Context(), newAgent(values()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, show(r)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if r.PDUs != len(values()) {
		t.Errorf("%d PDUs, want %d", r.PDUs, len(values()))
	}
	r, err = c.Modules["filtered"].Scrape(t.Context(), newAgent(values()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("ifHCInOctets [{ifIndex 1}] 1.099511627776e+12 counter \"octets\"\n", show(r)); diff != "" {
		t.Errorf("filtered (-want +got):\n%s", diff)
	}
}

func TestErrors(t *testing.T) {
	c, _ := parse(t, modules)
	away := errors.New("away")
	for name, a := range map[string]*agent{"away": {err: away}, "do not increase": {vbs: newAgent(map[string]snmp.Value{"1.3.6.1.2.1.2.2.1.2.1": text("x")}).vbs, loops: true}} {
		if _, err := c.Modules["all"].Scrape(t.Context(), a); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Modules["filtered"].Scrape(ctx, newAgent(values())); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

func TestParse(t *testing.T) {
	c, broken := parse(t, modules)
	if len(c.Modules) != 2 || len(c.Auths) != 2 || broken["odd"] == nil || broken["wrong"] == nil || strings.Contains(fmt.Sprint(broken, c), "authsecret") {
		t.Errorf("%v %v", c, broken)
	}
	s := c.Auths["secure"]
	if s.Version != snmp.V3 || s.User != "me" || s.Auth != "SHA-256" || s.Priv != "AES" || s.Context != "ctx" || s.AuthPassword.Reveal() != "authsecret" || s.PrivPassword.Reveal() != "privsecret" {
		t.Errorf("%+v", s)
	}
	if m := c.Modules["filtered"]; m.MaxRepetitions != 25 || m.Retries != 3 || m.Timeout.Seconds() != 5 || m.Credential != nil {
		t.Errorf("%+v", m)
	}
	old, broken := parse(t, "one: {metrics: [], walk: [1.3.6], version: 1, auth: {community: hidden}}\ntwo: {metrics: []}\nthree: {version: 9}\n")
	if one, two := old.Modules["one"].Credential, old.Modules["two"].Credential; one.Version != snmp.V1 || one.Community.Reveal() != "hidden" || two.Version != snmp.V2c || two.Community.Reveal() != "public" || broken["three"] == nil {
		t.Errorf("%+v %v", old, broken)
	}
	for _, text := range []string{"[", "- a", "modules: 5", "auths: {a: {version: secret}}\nmodules: {}"} {
		if _, _, err := scrape.Parse([]byte(text)); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// every is a module with an index and a lookup of every type.
func every() string {
	var b strings.Builder
	b.WriteString("modules:\n  every:\n    walk: [1.3.6.1.9]\n    metrics:\n")
	for i, typ := range []string{"gauge", "PhysAddress48", "OctetString", "DisplayString", "InetAddressIPv4", "InetAddressIPv6", "InetAddress", "InetAddressMissingSize", "LldpPortId", "LldpChassisId", "EnumAsInfo"} {
		fmt.Fprintf(&b, "    - {name: m%d, oid: 1.3.6.1.9.%d, type: %s, help: h, indexes: [{labelname: a, type: %s}, {labelname: b, type: DisplayString}], lookups: [{labels: [a, b], labelname: c, oid: 1.3.6.1.9.%d, type: %[3]s}]}\n", i, i+1, typ, typ, i+1)
	}
	return b.String()
}

// FuzzScrape has an agent serve indexes and values of any kind.
func FuzzScrape(f *testing.F) {
	f.Add([]byte{1, 4, 192, 0, 2, 7, 2, 97, 98}, []byte{192, 0, 2, 9})
	f.Add([]byte{255, 255}, []byte(nil))
	f.Add([]byte{6, 0, 27, 33, 60, 157, 248, 0}, []byte{0, 27, 33, 60, 157, 248})
	c, _, err := scrape.Parse([]byte(every()))
	if err != nil || c.Modules["every"] == nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, index, value []byte) {
		if len(index) > 100 {
			return
		}
		values := map[string]snmp.Value{}
		for column := uint32(1); column <= 11; column++ {
			name := oid.New(1, 3, 6, 1, 9, column)
			for _, arc := range index {
				if arc == 255 {
					name = name.Append(1<<32 - 1)
				} else {
					name = name.Append(uint32(arc))
				}
			}
			values[name.String()] = snmp.OctetString(string(value))
			values[name.Append(1).String()] = snmp.Integer(int32(len(value)))
		}
		r, err := c.Modules["every"].Scrape(t.Context(), newAgent(values))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range r.Metrics {
			for _, l := range s.Labels {
				if !utf8.ValidString(l.Value) || len(l.Value) > 10_000 {
					t.Errorf("%s: %q", s.Name, l)
				}
			}
		}
	})
}
