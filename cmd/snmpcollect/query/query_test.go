package query_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/cmd/snmpcollect/query"
	"walkabout/collector/session"
	"walkabout/collector/smi"
	"walkabout/internal/secret"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// fake is an agent in memory.
type fake struct {
	objects []snmp.VarBind // ascending
	err     error
	most    int // repetitions above it are tooBig; 0: none is
	loop    bool
	asked   int
}

func (f *fake) Close() error { return nil }

func (f *fake) Get(_ context.Context, dst []snmp.VarBind, names []oid.OID) ([]snmp.VarBind, error) {
	f.asked++
	for _, n := range names {
		v := snmp.NoSuchInstance
		for _, o := range f.objects {
			if o.Name == n {
				v = o.Value
			}
		}
		dst = append(dst, snmp.VarBind{Name: n, Value: v})
	}
	return dst, f.err
}

func (f *fake) Bulk(_ context.Context, dst []snmp.VarBind, _ int, names []oid.OID, most int) ([]snmp.VarBind, error) {
	f.asked++
	if f.err != nil {
		return dst, f.err
	}
	if f.most > 0 && most > f.most {
		return dst, &session.ResponseError{Status: snmp.TooBig}
	}
	at := names[0]
	for range most {
		i := slices.IndexFunc(f.objects, func(o snmp.VarBind) bool { return at.Less(o.Name) })
		if f.loop && i > 2 {
			i = 1
		}
		if i < 0 {
			return append(dst, snmp.VarBind{Name: at, Value: snmp.EndOfMibView}), nil
		}
		at = f.objects[i].Name
		dst = append(dst, f.objects[i])
	}
	return dst, nil
}

func vb(name string, v snmp.Value) snmp.VarBind {
	return snmp.VarBind{Name: oid.MustParse(name), Value: v}
}

// device is a fake with a bit of everything.
func device() *fake {
	return &fake{objects: []snmp.VarBind{
		vb("1.3.6.1.2.1.1.1.0", snmp.OctetString("a switch\r\nof \x1b[31m ours")),
		vb("1.3.6.1.2.1.1.2.0", snmp.ObjectID(oid.MustParse("1.3.6.1.4.1.8072.3.2.10"))),
		vb("1.3.6.1.2.1.1.3.0", snmp.TimeTicks(8640000*2+12345)),
		vb("1.3.6.1.2.1.1.5.0", snmp.OctetString("core1")),
		vb("1.3.6.1.2.1.2.2.1.1.1", snmp.Integer(1)), vb("1.3.6.1.2.1.2.2.1.1.7", snmp.Integer(7)),
		vb("1.3.6.1.2.1.2.2.1.2.1", snmp.OctetString("lo")), vb("1.3.6.1.2.1.2.2.1.2.7", snmp.OctetString("eth0")),
		vb("1.3.6.1.2.1.2.2.1.6.7", snmp.OctetString("\x00\x1b\x21\x3c\x9d\xf8")),
		vb("1.3.6.1.2.1.2.2.1.8.1", snmp.Integer(1)), vb("1.3.6.1.2.1.2.2.1.8.7", snmp.Integer(9)),
		vb("1.3.6.1.2.1.4.22.1.3.7.192.0.2.1", snmp.IPAddress(netip.MustParseAddr("192.0.2.1"))),
		vb("1.3.6.1.2.1.4.22.1.4.7.192.0.2.1", snmp.Integer(3)),
		vb("1.3.6.1.2.1.31.1.1.1.6.7", snmp.Counter64(1<<63)),
		vb("1.3.6.1.4.1.99999.1.0", snmp.OctetString("\x01\xff")),
	}}
}

// run does something with a Query and returns what it wrote.
func run(t *testing.T, f *fake, style query.Style, do func(*query.Query) error) (string, error) {
	t.Helper()
	var out strings.Builder
	err := do(&query.Query{Client: f, Names: smi.BuiltIn(), Style: style, Out: &out, Max: 4})
	return out.String(), err
}

func TestGet(t *testing.T) {
	all := []string{"sysDescr", "SNMPv2-MIB::sysObjectID.0", "ifOperStatus.1", "ifOperStatus[7]", "ifPhysAddress.7", "ifHCInOctets.7", "ifName.1", ".1.3.6.1.4.1.99999.1.0"}
	tests := []struct {
		letters, want string
	}{
		{"", `SNMPv2-MIB::sysDescr.0 = STRING: a switch  of  [31m ours
SNMPv2-MIB::sysObjectID.0 = OID: NET-SNMP-MIB::netSnmpAgentOIDs.10
IF-MIB::ifOperStatus.1 = INTEGER: up(1)
IF-MIB::ifOperStatus.7 = INTEGER: 9
IF-MIB::ifPhysAddress.7 = STRING: 00:1b:21:3c:9d:f8
IF-MIB::ifHCInOctets.7 = Counter64: 9223372036854775808
IF-MIB::ifName.1 = No Such Instance currently exists at this OID
SNMPv2-SMI::enterprises.99999.1.0 = STRING: 0x01ff
`},
		{"nq", `.1.3.6.1.2.1.1.1.0 a switch  of  [31m ours
.1.3.6.1.2.1.1.2.0 .1.3.6.1.4.1.8072.3.2.10
.1.3.6.1.2.1.2.2.1.8.1 up
.1.3.6.1.2.1.2.2.1.8.7 9
.1.3.6.1.2.1.2.2.1.6.7 00:1b:21:3c:9d:f8
.1.3.6.1.2.1.31.1.1.1.6.7 9223372036854775808
.1.3.6.1.2.1.31.1.1.1.1.1 No Such Instance currently exists at this OID
.1.3.6.1.4.1.99999.1.0 0x01ff
`},
		{"se", `sysDescr.0 = STRING: a switch  of  [31m ours
sysObjectID.0 = OID: netSnmpAgentOIDs.10
ifOperStatus.1 = INTEGER: 1
ifOperStatus.7 = INTEGER: 9
ifPhysAddress.7 = STRING: 00:1b:21:3c:9d:f8
ifHCInOctets.7 = Counter64: 9223372036854775808
ifName.1 = No Such Instance currently exists at this OID
enterprises.99999.1.0 = STRING: 0x01ff
`},
	}
	for _, tt := range tests {
		style, err := query.ParseStyle(tt.letters)
		if err != nil {
			t.Fatal(err)
		}
		got, err := run(t, device(), style, func(q *query.Query) error { return q.Get(t.Context(), all) })
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("-O %s: %v (-want +got):\n%s", tt.letters, err, diff)
		}
	}
	got, err := run(t, device(), query.Style{JSON: true}, func(q *query.Query) error {
		return q.Get(t.Context(), []string{"ifOperStatus.1", "ifPhysAddress.7", "ifHCInOctets.7", "ifName.1", "sysDescr"})
	})
	want := `{"oid":"1.3.6.1.2.1.2.2.1.8.1","name":"IF-MIB::ifOperStatus.1","type":"INTEGER","value":1,"text":"up"}
{"oid":"1.3.6.1.2.1.2.2.1.6.7","name":"IF-MIB::ifPhysAddress.7","type":"OCTET STRING","value":"0x001b213c9df8","hex":"001b213c9df8","text":"00:1b:21:3c:9d:f8"}
{"oid":"1.3.6.1.2.1.31.1.1.1.6.7","name":"IF-MIB::ifHCInOctets.7","type":"Counter64","value":9223372036854775808,"text":"9223372036854775808"}
{"oid":"1.3.6.1.2.1.31.1.1.1.1.1","name":"IF-MIB::ifName.1","type":"noSuchInstance","value":null,"text":"No Such Instance currently exists at this OID"}
{"oid":"1.3.6.1.2.1.1.1.0","name":"SNMPv2-MIB::sysDescr.0","type":"OCTET STRING","value":"0x6120737769746368`
	if err != nil || !strings.HasPrefix(got, want) {
		t.Errorf("%v (-want +got):\n%s", err, cmp.Diff(want, got))
	}
	for name, fault := range map[string]string{"ifDescr": "ifDescr is a column", "ifTable": "ifTable is a table", "ifEntry": "ifEntry is a table", "sysNam": "did you mean sysName?", "": "the name is empty"} {
		if _, err := run(t, device(), query.Style{}, func(q *query.Query) error { return q.Get(t.Context(), []string{name}) }); err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%q: %v, want %q", name, err, fault)
		}
	}
	if _, err := query.ParseStyle("nz"); err == nil || !strings.Contains(err.Error(), "'z' is not known; known are n") {
		t.Errorf("-O nz: %v", err)
	}
	f := device()
	if _, err := run(t, f, query.Style{}, func(q *query.Query) error { return q.Get(t.Context(), slices.Repeat([]string{"sysName"}, 45)) }); err != nil || f.asked != 3 {
		t.Errorf("45 names took %d requests, %v", f.asked, err)
	}
}

func TestWalk(t *testing.T) {
	walk := func(f *fake, names ...string) (string, error) {
		return run(t, f, query.Style{Numeric: true, Quick: true}, func(q *query.Query) error { return q.Walk(t.Context(), names) })
	}
	const descrs = ".1.3.6.1.2.1.2.2.1.2.1 lo\n.1.3.6.1.2.1.2.2.1.2.7 eth0\n"
	tooBig, timeout, refused := device(), device(), device()
	tooBig.most, timeout.err, refused.err = 1, session.ErrTimeout, &session.ResponseError{Status: snmp.NoSuchName, Index: 1}
	for _, tt := range []struct {
		name  string
		f     *fake
		names []string
		want  string
		fault error
	}{
		{"a column", device(), []string{"ifDescr"}, descrs, nil},
		{"two names", device(), []string{"sysName", "ifDescr"}, ".1.3.6.1.2.1.1.5.0 core1\n" + descrs, nil},
		{"an instance", device(), []string{"ifDescr.7"}, ".1.3.6.1.2.1.2.2.1.2.7 eth0\n", nil},
		{"nothing", device(), []string{"tcp"}, ".1.3.6.1.2.1.6 No Such Instance currently exists at this OID\n", nil},
		{"the end", device(), []string{".1.3.6.1.4.1.99999"}, ".1.3.6.1.4.1.99999.1.0 0x01ff\n", nil},
		{"tooBig", tooBig, []string{"ifDescr"}, descrs, nil},
		{"silence", timeout, []string{"ifDescr"}, "", session.ErrTimeout},
		{"no name", device(), []string{"ifDesc"}, "", smi.ErrUnknown},
	} {
		got, err := walk(tt.f, tt.names...)
		if got != tt.want || !errors.Is(err, tt.fault) || (err != nil) != (tt.fault != nil) {
			t.Errorf("%s: %v\n%s", tt.name, err, got)
		}
	}
	for _, name := range []string{"internet", ".1", "iso"} {
		all, err := walk(device(), name)
		if n := strings.Count(all, "\n"); n != 15 || err != nil {
			t.Errorf("%s: %d variables, %v", name, n, err)
		}
	}
	if got, err := walk(device(), "2"); got != ".2.0 No Such Instance currently exists at this OID\n" || err != nil {
		t.Errorf("nothing below 2: %v\n%s", err, got)
	}
	looping := device()
	looping.loop = true
	var loop *query.NotIncreasingError
	if got, err := walk(looping, "internet"); !errors.As(err, &loop) || !strings.Contains(err.Error(), "after 3 variables") {
		t.Errorf("a loop: %v\n%s", err, got)
	}
	if got, err := run(t, refused, query.Style{}, func(q *query.Query) error { return q.Walk(t.Context(), []string{"tcp"}) }); !errors.As(err, new(*session.ResponseError)) || got != "" {
		t.Errorf("noSuchName everywhere: %v\n%s", err, got)
	}
}

func TestTable(t *testing.T) {
	table := func(style query.Style, name string, width int, columns ...string) (string, error) {
		return run(t, device(), style, func(q *query.Query) error { return q.Table(t.Context(), name, columns, width) })
	}
	for _, tt := range []struct {
		name, table string
		style       query.Style
		width       int
		columns     []string
		want        string
	}{
		{"whole", "ifTable", query.Style{}, 0, nil, `
ifIndex  ifDescr  ifPhysAddress      ifOperStatus
1        lo       -                  up
7        eth0     00:1b:21:3c:9d:f8  9
`},
		{"narrow", "IF-MIB::ifEntry", query.Style{}, 40, nil, `
ifIndex  ifDescr  ifPhysAddress
1        lo       -
7        eth0     00:1b:21:3c:9d:f8

ifIndex  ifOperStatus
1        up
7        9
`},
		{"columns", "ifTable", query.Style{Enum: true}, 0, []string{"ifOperStatus", "ifDescr"}, `
ifIndex  ifOperStatus  ifDescr
1        1             lo
7        9             eth0
`},
		{"an index of two parts", "ipNetToMediaTable", query.Style{}, 0, nil, `
ipNetToMediaIfIndex  ipNetToMediaNetAddress  ipNetToMediaType
7                    192.0.2.1               dynamic
`},
		{"JSON", "ifTable", query.Style{JSON: true}, 0, nil, `
{"ifIndex":1,"ifDescr":"lo","ifOperStatus":"up"}
{"ifIndex":7,"ifDescr":"eth0","ifPhysAddress":"00:1b:21:3c:9d:f8","ifOperStatus":"9"}
`},
		{"JSON with another's index", "ifXTable", query.Style{JSON: true}, 0, nil, `
{"ifIndex":"7","ifHCInOctets":9223372036854775808}
`},
		{"no rows", "tcpConnTable", query.Style{}, 0, nil, "\nTCP-MIB::tcpConnTable has no rows\n"},
	} {
		got, err := table(tt.style, tt.table, tt.width, tt.columns...)
		if diff := cmp.Diff(strings.TrimPrefix(tt.want, "\n"), got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", tt.name, err, diff)
		}
	}
	for name, columns := range map[string][]string{"system": nil, "ifDescr.1": nil, "nothing": nil, "ifTable": {"sysName"}, "ifXTable": {"ifDescr"}} {
		if got, err := table(query.Style{}, name, 0, columns...); err == nil {
			t.Errorf("table %s %v: no error\n%s", name, columns, got)
		}
	}
}

// TestExplain: every way to fail says what to do.
func TestExplain(t *testing.T) {
	v2c := session.Options{Host: "192.0.2.1", Port: 161, Timeout: time.Second, Credential: session.Credential{Version: snmp.V2c, Community: secret.New("s3cret")}}
	v3 := session.Options{Host: "192.0.2.1", Port: 161, Credential: session.Credential{Version: snmp.V3, User: "me", Auth: session.SHA, AuthPassword: secret.New("s3cret-s3cret")}}
	context7 := v3
	context7.Credential.Context = "vlan-7"
	private := v3
	private.Credential.Priv, private.Credential.PrivPassword = session.AES, secret.New("s3cret-s3cret")
	silent := func(context.Context, session.Options) (session.Client, error) {
		return &fake{err: session.ErrTimeout}, nil
	}
	speaking := func(_ context.Context, o session.Options) (session.Client, error) {
		if o.Credential.Version != snmp.V3 || o.Credential.User == "" {
			t.Errorf("asked with %v", o.Credential.Version)
		}
		return &fake{err: session.ErrUnknownUser}, nil
	}
	broken := func(context.Context, session.Options) (session.Client, error) { return nil, errors.New("no sockets") }
	for _, tt := range []struct {
		err  error
		o    session.Options
		dial func(context.Context, session.Options) (session.Client, error)
		want string
	}{
		{session.ErrTimeout, v2c, silent, "Nobody is at 192.0.2.1:161, or a firewall"},
		{session.ErrTimeout, v2c, broken, "Nobody is at 192.0.2.1:161, or a firewall"},
		{session.ErrTimeout, v2c, speaking, "An agent is there: it answers SNMPv3. So the community is wrong"},
		{session.ErrTimeout, private, speaking, "the privacy password (-X) or protocol (-x, now AES)"},
		{session.ErrTimeout, private, silent, "Not even"},
		{session.ErrTimeout, v3, silent, "Not even the first question of SNMPv3"},
		{session.ErrTimeout, v3, speaking, "answers SNMPv3, but not this request. It may need more time"},
		{session.ErrTimeout, context7, speaking, `no context "vlan-7" (-n)`},
		{session.ErrContext, context7, silent, `no context "vlan-7" (-n CONTEXT`},
		{session.ErrUnreachable, v2c, silent, "no agent listens on UDP port 161"},
		{session.ErrUnknownUser, v3, silent, `has no user "me"`},
		{session.ErrWrongDigest, v3, silent, "the authentication password (-A) or protocol (-a, now SHA)"},
		{session.ErrDecryption, v3, silent, "the privacy password (-X)"},
		{session.ErrSecurityLevel, v3, silent, "with other protection"},
		{&session.ResponseError{Status: snmp.AuthorizationError}, v3, silent, "may want authentication (-a, -A) and privacy (-x, -X)"},
		{&session.ResponseError{Status: snmp.AuthorizationError}, private, silent, "The credential is right, and the agent does not let it see this"},
		{&net.DNSError{Err: "no such host"}, v2c, silent, "cannot be resolved"},
		{smi.ErrUnknown, v2c, silent, "need their MIB files"},
	} {
		err := query.Explain(t.Context(), tt.err, tt.dial, tt.o)
		if !errors.Is(err, tt.err) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%v: %v, want %q", tt.err, err, tt.want)
		}
	}
	if err := query.Explain(t.Context(), nil, silent, v2c); err != nil {
		t.Error(err)
	}
}
