package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gosnmp/gosnmp"

	"walkabout/agent/persist"
)

// askV3 gets sysName as joe, at the level of authentication with SHA, and returns what the agent says of its engine.
func askV3(t *testing.T, address, user, password string) (*gosnmp.UsmSecurityParameters, error) {
	t.Helper()
	a := netip.MustParseAddrPort(address)
	usm := &gosnmp.UsmSecurityParameters{UserName: user, AuthenticationProtocol: gosnmp.SHA, AuthenticationPassphrase: password}
	c := gosnmp.GoSNMP{
		Target: a.Addr().String(), Port: a.Port(), Version: gosnmp.Version3, SecurityModel: gosnmp.UserSecurityModel, MsgFlags: gosnmp.AuthNoPriv,
		SecurityParameters: usm, Timeout: gosnmp.Default.Timeout,
	}
	if err := c.Connect(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Conn.Close() }()
	answer, err := c.Get([]string{sysNameOID})
	if err == nil && (len(answer.Variables) != 1 || answer.Variables[0].Type != gosnmp.OctetString) {
		t.Errorf("%s: %+v", user, answer.Variables)
	}
	return usm, err
}

const v3Config = "agentAddress 127.0.0.1:0\ncreateUser joe SHA " + hidden + "\nrouser joe\n"

// startIn is start with a state folder of the test's own.
func startIn(t *testing.T, dir, text string) *daemon {
	t.Helper()
	return start(t, nil, "-c", config(t, "persistentDir "+dir+"\n"+text))
}

func TestBoots(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	id := ""
	for boots := uint32(1); boots <= 3; boots++ {
		d := startIn(t, dir, v3Config)
		address := d.ready()[0]
		state, err := persist.Load(dir)
		if err != nil || state.Boots != boots || len(state.EngineID) != 13 || !strings.HasPrefix(state.EngineID, "\x80\x00\x1f\x88\x80") {
			t.Fatalf("%+v, %v", state, err)
		}
		if id == "" {
			id = state.EngineID
		}
		usm, err := askV3(t, address, "joe", hidden)
		if err != nil || usm.AuthoritativeEngineBoots != boots || usm.AuthoritativeEngineID != id {
			t.Errorf("start %d: engine %x, boots %d, %v; want %x", boots, usm.AuthoritativeEngineID, usm.AuthoritativeEngineBoots, err, id)
		}
		d.hangup <- syscall.SIGHUP
		d.until("msg=reloaded")
		if usm, err := askV3(t, address, "joe", hidden); err != nil || usm.AuthoritativeEngineBoots != boots {
			t.Errorf("after a reload: boots %d, %v", usm.AuthoritativeEngineBoots, err)
		}
		d.finish()
	}
}

func TestEngineID(t *testing.T) {
	for line, want := range map[string]string{
		"engineID some text":            "\x80\x00\x1f\x88\x04some text",
		"exactEngineID 0x0102030405":    "\x01\x02\x03\x04\x05",
		"engineIDType 1":                "\x80\x00\x1f\x88\x01\xc0\x00\x02\x07",
		"engineIDType 2":                "\x80\x00\x1f\x88\x02\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07",
		"engineIDType 1\nengineID text": "\x80\x00\x1f\x88\x04text",
	} {
		host, err := os.Hostname()
		if err != nil {
			t.Fatal(err)
		}
		d := start(t, map[string]string{"ip4 " + host: "192.0.2.7", "ip6 " + host: "2001:db8::7"}, "-c", config(t, v3Config+line))
		if usm, err := askV3(t, d.ready()[0], "joe", hidden); err != nil || usm.AuthoritativeEngineID != want {
			t.Errorf("%s: %x, %v", line, usm.AuthoritativeEngineID, err)
		}
		d.finish()
	}
}

// Where no boots can be kept, v1 and v2c are served and v3 is not.
func TestNoState(t *testing.T) {
	corrupt := t.TempDir()
	if err := os.WriteFile(filepath.Join(corrupt, persist.FileName), []byte("engineBoots many\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"corrupt":    "persistentDir " + corrupt,
		"no folder":  "persistentDir " + file,
		"no address": "engineIDType 1",
		"no NIC":     "engineIDType 3\nengineIDNic no-such-nic",
	} {
		d := start(t, nil, "-c", config(t, v3Config+"rocommunity "+hidden+"\n"+text))
		log := d.until("msg=ready")
		if all := strings.Join(log, ""); !strings.Contains(all, "SNMPv3 is off") || !strings.Contains(all, "users=1") {
			t.Errorf("%s: no word of it:\n%s", name, all)
		}
		ask(t, listening(log)[0], sysNameOID)
		d.hangup <- syscall.SIGHUP
		d.until("SNMPv3 is off until the next start")
		d.until("msg=reloaded")
		d.finish()
	}
}

// Two daemons cannot count the same boots.
func TestStateInUse(t *testing.T) {
	dir := t.TempDir()
	first := startIn(t, dir, v3Config)
	first.ready()
	second := startIn(t, dir, v3Config)
	second.until("in use by another process")
	second.ready()
	second.finish()
	first.finish()
}

func TestReloadOfUsers(t *testing.T) {
	path := config(t, v3Config)
	d := start(t, nil, "-c", path)
	address := d.ready()[0]
	write(t, path, strings.ReplaceAll(v3Config, "joe", "jane"))
	d.hangup <- syscall.SIGHUP
	d.until("msg=reloaded")
	if _, err := askV3(t, address, "jane", hidden); err != nil {
		t.Errorf("the new user: %v", err)
	}
	if _, err := askV3(t, address, "joe", hidden); err == nil {
		t.Error("the old user is still let in")
	}
	if _, err := askV3(t, address, "jane", "not the password"); err == nil {
		t.Error("a wrong password is accepted")
	}
	write(t, path, strings.ReplaceAll(v3Config, "joe", "jane")+"engineID other\n")
	d.hangup <- syscall.SIGHUP
	d.until("take effect at the next start")
	d.until("msg=reloaded")
	d.finish()
}
