//go:build interop

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"walkabout/internal/interop"
)

const (
	sysContactOID    = ".1.3.6.1.2.1.1.4.0"
	sysNameOID       = ".1.3.6.1.2.1.1.5.0"
	sysLocationOID   = ".1.3.6.1.2.1.1.6.0"
	ifAdminStatusOID = ".1.3.6.1.2.1.2.2.1.7"
	ipForwardingOID  = ".1.3.6.1.2.1.4.1.0"
	ipDefaultTTLOID  = ".1.3.6.1.2.1.4.2.0"
	authenTrapsOID   = ".1.3.6.1.2.1.11.30.0"
	linkTrapsOID     = ".1.3.6.1.2.1.31.1.1.1.14"
	ifAliasOID       = ".1.3.6.1.2.1.31.1.1.1.18"
)

// writers is how snmpset says who writes.
var writers = map[string][]string{
	"v1":  {"-v1", "-c", "private"},
	"v2c": {"-v2c", "-c", "private"},
	"v3":  {"-v3", "-u", "admin", "-l", "authPriv", "-a", "SHA", "-A", "correct horse", "-x", "AES", "-X", "battery staple"},
}

const writersConfig = `
rocommunity public
rwcommunity private
createUser admin SHA "correct horse" AES "battery staple"
rwuser admin priv
`

// start starts our snmpd in the box with a configuration and a folder for its state.
func (b *box) start(t *testing.T, config, state string) *interop.Process {
	t.Helper()
	file := filepath.Join(t.TempDir(), "snmpd.conf")
	if err := os.WriteFile(file, []byte(config+"\npersistentDir "+state+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := interop.Build(t, "cmd/snmpd")
	var p *interop.Process
	b.Do(t, func() { p = interop.Start(t, path, "-f", "-c", file, b.address+":161") })
	p.Await("msg=ready")
	return p
}

// set runs snmpset and returns its reason, "" if there was no error.
func (b *box) set(t *testing.T, who []string, assignments ...string) string {
	t.Helper()
	args := append(append([]string{"-On"}, who...), b.address)
	r := interop.NetSNMP(t, "snmpset", append(args, assignments...)...)
	if r.Code == 0 {
		return ""
	}
	reason := reasonOf.FindStringSubmatch(r.Err)
	if reason == nil {
		t.Fatalf("snmpset %q: %+v", assignments, r)
	}
	return reason[1]
}

// reasonOf finds the error-status in what Net-SNMP's tools print.
var reasonOf = regexp.MustCompile(`Reason: \(?(\w+)`)

func (b *box) get(t *testing.T, names ...string) string {
	t.Helper()
	r := interop.NetSNMP(t, "snmpget", append([]string{"-v2c", "-c", "public", "-Oqve", b.address}, names...)...)
	if r.Code != 0 {
		t.Fatalf("snmpget %q: %+v", names, r)
	}
	return strings.Join(strings.Fields(r.Out), " ")
}

// sysctls returns ip_forward and ip_default_ttl of the box.
func (b *box) sysctls(t *testing.T) string {
	t.Helper()
	var s string
	b.Do(t, func() {
		for _, name := range []string{"ip_forward", "ip_default_ttl"} {
			text, err := os.ReadFile("/proc/sys/net/ipv4/" + name)
			if err != nil {
				t.Fatal(err)
			}
			s += strings.TrimSpace(string(text)) + " "
		}
	})
	return strings.TrimSpace(s)
}

// link returns what `ip link` says of wan0: "up" or "down", and its alias.
func (b *box) link(t *testing.T) string {
	t.Helper()
	out := b.IP(t, "link", "show", "dev", "wan0")
	state := "down"
	if flags, _, _ := strings.Cut(out, ">"); strings.Contains(flags, ",UP") || strings.Contains(flags, "<UP") {
		state = "up"
	}
	_, alias, _ := strings.Cut(out, "alias ")
	return strings.TrimSpace(state + " " + strings.TrimSpace(alias))
}

// Each object that can be written is, by each version, and the kernel says so too.
func TestSnmpset(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.IP(t, "link", "add", "wan0", "index", "10", "type", "veth", "peer", "name", "far0")
	p := b.start(t, writersConfig, t.TempDir())
	for _, version := range []string{"v1", "v2c", "v3"} {
		who := writers[version]
		for _, c := range []struct{ name, kind, value, link, sysctls string }{
			{sysContactOID, "s", "me-" + version, "", ""},
			{sysNameOID, "s", "box-" + version, "", ""},
			{sysLocationOID, "s", "rack-" + version, "", ""},
			{authenTrapsOID, "i", "1", "", ""},
			{authenTrapsOID, "i", "2", "", ""},
			{linkTrapsOID + ".10", "i", "2", "", ""},
			{linkTrapsOID + ".10", "i", "1", "", ""},
			{ifAliasOID + ".10", "s", "to-" + version, "down to-" + version, ""},
			{ifAdminStatusOID + ".10", "i", "1", "up to-" + version, ""},
			{ifAdminStatusOID + ".10", "i", "2", "down to-" + version, ""},
			{ifAliasOID + ".10", "s", "", "down", ""},
			{ipForwardingOID, "i", "1", "", "1 64"},
			{ipDefaultTTLOID, "i", "33", "", "1 33"},
			{ipForwardingOID, "i", "2", "", "0 33"},
			{ipDefaultTTLOID, "i", "64", "", "0 64"},
		} {
			if reason := b.set(t, who, c.name, c.kind, c.value); reason != "" {
				t.Errorf("%s: %s = %q: %s", version, c.name, c.value, reason)
			}
			if got := strings.Trim(b.get(t, c.name), `"`); got != c.value {
				t.Errorf("%s: %s = %q afterwards, want %q", version, c.name, got, c.value)
			}
			if c.link != "" && b.link(t) != c.link {
				t.Errorf("%s: the link is %q, want %q", version, b.link(t), c.link)
			}
			if c.sysctls != "" && b.sysctls(t) != c.sysctls {
				t.Errorf("%s: the sysctls are %s, want %s", version, b.sysctls(t), c.sysctls)
			}
		}
	}
	p.Await(`msg=set name=1\.3\.6\.1\.2\.1\.31\.1\.1\.1\.18\.10 value=to-v3 was="" principal=admin level=authPriv from=198\.18\.\d+\.1$`)
	p.Await(`msg=set name=1\.3\.6\.1\.2\.1\.2\.2\.1\.7\.10 value=1 was=2 principal=admin`)
	end(t, p)
}

// What cannot be is answered by the error that the RFC wants, as snmpset names it, and changes nothing.
func TestSnmpsetRefused(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.IP(t, "link", "add", "wan0", "index", "10", "type", "veth", "peer", "name", "far0")
	p := b.start(t, writersConfig+"\nsysLocation fixed\n", t.TempDir())
	before := b.get(t, sysContactOID, sysNameOID, ifAdminStatusOID+".10", ifAliasOID+".10", ipDefaultTTLOID)
	for _, c := range []struct {
		assignments []string
		v1, v2c     string
	}{
		{[]string{sysLocationOID, "s", "x"}, "noSuchName", "notWritable"},
		{[]string{".1.3.6.1.2.1.1.1.0", "s", "x"}, "noSuchName", "notWritable"},
		{[]string{".1.3.6.1.2.1.2.2.1.4.10", "i", "9000"}, "noSuchName", "notWritable"},
		{[]string{".1.3.6.1.2.1.31.1.1.1.16.10", "i", "1"}, "noSuchName", "notWritable"},
		{[]string{".1.3.6.1.2.1.6.13.1.1.0.0.0.0.1.0.0.0.0.1", "i", "12"}, "noSuchName", "notWritable"},
		{[]string{ifAliasOID + ".99", "s", "x"}, "noSuchName", "noCreation"},
		{[]string{sysContactOID, "i", "1"}, "badValue", "wrongType"},
		{[]string{sysContactOID, "n", "0"}, "badValue", "wrongType"},
		{[]string{ipDefaultTTLOID, "u", "64"}, "badValue", "wrongType"},
		{[]string{sysNameOID, "s", strings.Repeat("x", 256)}, "badValue", "wrongLength"},
		{[]string{ifAliasOID + ".10", "s", strings.Repeat("x", 65)}, "badValue", "wrongLength"},
		{[]string{ifAdminStatusOID + ".10", "i", "3"}, "badValue", "wrongValue"},
		{[]string{ipDefaultTTLOID, "i", "256"}, "badValue", "wrongValue"},
		{[]string{sysContactOID, "x", "ff"}, "badValue", "wrongValue"},
		{[]string{sysContactOID, "s", "a", sysContactOID, "s", "b"}, "badValue", "inconsistentValue"},
		{[]string{sysContactOID, "s", "changed", ifAdminStatusOID + ".10", "i", "1", ifAliasOID + ".10", "s", "changed", ipDefaultTTLOID, "i", "0"}, "badValue", "wrongValue"},
	} {
		for version, want := range map[string]string{"v1": c.v1, "v2c": c.v2c, "v3": c.v2c} {
			if got := b.set(t, writers[version], c.assignments...); got != want {
				t.Errorf("%s %q: %s, want %s", version, c.assignments, got, want)
			}
		}
	}
	if after := b.get(t, sysContactOID, sysNameOID, ifAdminStatusOID+".10", ifAliasOID+".10", ipDefaultTTLOID); after != before {
		t.Errorf("changed from %s to %s", before, after)
	}
	if got := b.set(t, []string{"-v2c", "-c", "public"}, sysContactOID, "s", "x"); got != "noAccess" {
		t.Errorf("by who may only read: %s", got)
	}
	end(t, p)
}

// Where the kernel refuses the second of two, the first is as it was.
func TestSnmpsetTakenBack(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	// The kernel brings no macvlan up whose address is taken.
	const address = "02:00:00:00:00:01"
	b.IP(t, "link", "add", "lower0", "address", address, "type", "veth", "peer", "name", "far0")
	b.IP(t, "link", "add", "link", "lower0", "name", "wan0", "index", "10", "address", address, "type", "macvlan")
	b.IP(t, "link", "set", "wan0", "alias", "former")
	p := b.start(t, writersConfig, t.TempDir())
	values := []string{sysContactOID, ifAliasOID + ".10", ipForwardingOID, ipDefaultTTLOID, ifAdminStatusOID + ".10"}
	before, sysctls := b.get(t, values...), b.sysctls(t)
	for version, want := range map[string]string{"v1": "genError", "v2c": "commitFailed", "v3": "commitFailed"} {
		got := b.set(t, writers[version], sysContactOID, "s", "new", ifAliasOID+".10", "s", "new", ipForwardingOID, "i", "1",
			ipDefaultTTLOID, "i", "9", ifAdminStatusOID+".10", "i", "1")
		if got != want {
			t.Errorf("%s: %s, want %s", version, got, want)
		}
		if after := b.get(t, values...); after != before || b.sysctls(t) != sysctls || b.link(t) != "down former" {
			t.Errorf("%s: %s, was %s; sysctls %s, link %s", version, after, before, b.sysctls(t), b.link(t))
		}
	}
	p.Await(`status=commitFailed err="set link 10 up: netlink: address already in use"`)
	end(t, p)
}

// An agent without the right says which one it lacks.
func TestSnmpsetWithoutTheRight(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.IP(t, "link", "add", "wan0", "index", "10", "type", "veth", "peer", "name", "far0")
	config, state := filepath.Join(t.TempDir(), "snmpd.conf"), t.TempDir()
	if err := os.WriteFile(config, []byte(writersConfig+"persistentDir "+state+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := interop.Build(t, "cmd/snmpd")
	var p *interop.Process
	b.Do(t, func() {
		p = interop.Start(t, "setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin", "--", path, "-f", "-c", config, b.address+":161")
	})
	p.Await("msg=ready")
	for _, assignment := range [][]string{{ifAdminStatusOID + ".10", "i", "1"}, {ifAliasOID + ".10", "s", "x"}, {ipForwardingOID, "i", "1"}} {
		if got := b.set(t, writers["v3"], assignment...); got != "commitFailed" {
			t.Errorf("%q: %s", assignment, got)
		}
		p.Await("it takes the capability CAP_NET_ADMIN")
	}
	if got := b.link(t) + ", " + b.sysctls(t); got != "down, 0 64" {
		t.Errorf("changed: %s", got)
	}
	if got := b.set(t, writers["v3"], sysContactOID, "s", "me"); got != "" {
		t.Errorf("what needs no right: %s", got)
	}
	end(t, p)
}

// What was SET outlives the agent; a line of snmpd.conf hides it, for as long as it is there.
func TestSnmpsetOutlives(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.IP(t, "link", "add", "wan0", "index", "10", "type", "veth", "peer", "name", "far0")
	state := t.TempDir()
	p := b.start(t, writersConfig, state)
	if got := b.set(t, writers["v3"], sysContactOID, "s", `A "quoted" \ name`, sysNameOID, "s", "", sysLocationOID, "s", "Rack 4",
		authenTrapsOID, "i", "1", linkTrapsOID+".10", "i", "2"); got != "" {
		t.Fatal(got)
	}
	end(t, p)
	b.IP(t, "link", "del", "wan0")
	b.IP(t, "link", "add", "wan0", "index", "20", "type", "veth", "peer", "name", "far0")
	values := []string{sysContactOID, sysNameOID, sysLocationOID, authenTrapsOID, linkTrapsOID + ".20"}
	const kept = `"A \"quoted\" \\ name" "" %s 1 2`
	for _, c := range []struct{ config, location, reason string }{
		{"", `"Rack 4"`, ""},
		{"sysLocation elsewhere", `"elsewhere"`, "notWritable"},
		{"", `"Rack 4"`, ""},
	} {
		p := b.start(t, writersConfig+c.config, state)
		if got, want := b.get(t, values...), fmt.Sprintf(kept, c.location); got != want {
			t.Errorf("after a restart: %s, want %s", got, want)
		}
		if got := b.set(t, writers["v2c"], sysLocationOID, "s", "Rack 4"); got != c.reason {
			t.Errorf("sysLocation with %q: %s", c.config, got)
		}
		end(t, p)
	}
}

// What cannot be kept is not changed, nor is what was SET with it; what needs no keeping is.
func TestSnmpsetNotKept(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.IP(t, "link", "add", "wan0", "index", "10", "type", "veth", "peer", "name", "far0")
	state := filepath.Join(t.TempDir(), "state")
	p := b.start(t, writersConfig, state)
	if err := os.RemoveAll(state); err != nil {
		t.Fatal(err)
	}
	if got := b.set(t, writers["v2c"], ifAliasOID+".10", "s", "new", ifAdminStatusOID+".10", "i", "1", sysContactOID, "s", "me"); got != "commitFailed" {
		t.Errorf("together: %s", got)
	}
	if got := b.link(t) + " " + b.get(t, sysContactOID); got != `down ""` {
		t.Errorf("changed: %s", got)
	}
	if got := b.set(t, writers["v2c"], ifAliasOID+".10", "s", "new", ifAdminStatusOID+".10", "i", "1"); got != "" || b.link(t) != "up new" {
		t.Errorf("the kernel's alone: %s, %s", got, b.link(t))
	}
	end(t, p)
}
