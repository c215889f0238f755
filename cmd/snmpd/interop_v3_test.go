//go:build interop

package main

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"walkabout/internal/interop"
)

// The protocols that Debian's tools are built with.
var (
	authNames = []string{"MD5", "SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512"}
	privNames = []string{"DES", "AES", "AES-192", "AES-256"}
)

// TestNetSNMPReadsUsByV3 asks by every pair of protocols.
func TestNetSNMPReadsUsByV3(t *testing.T) {
	var file strings.Builder
	file.WriteString("agentAddress 127.0.0.1:0\nsysLocation here\ncreateUser open\nrouser open noauth\n")
	pairs := map[string][]string{"open": {"-l", "noAuthNoPriv"}}
	for _, auth := range authNames {
		user := auth
		fmt.Fprintf(&file, "createUser %s %s authpassword\nrouser %s auth\n", user, auth, user)
		pairs[user] = []string{"-l", "authNoPriv", "-a", auth, "-A", "authpassword"}
		for _, priv := range privNames {
			user := auth + "/" + priv
			fmt.Fprintf(&file, "createUser %s %s authpassword %s privpassword\nrouser %s priv\n", user, auth, priv, user)
			pairs[user] = []string{"-l", "authPriv", "-a", auth, "-A", "authpassword", "-x", priv, "-X", "privpassword"}
		}
	}
	_, addresses := launch(t, "-f", "-c", config(t, file.String()))
	for user, flags := range pairs {
		t.Run(user, func(t *testing.T) {
			args := append([]string{"-v3", "-u", user, "-On"}, flags...)
			r := interop.NetSNMP(t, "snmpget", append(slices.Clone(args), "-Oqv", addresses[0], sysLocationOID)...)
			if r.Code != 0 || r.Out != "\"here\"\n" {
				t.Errorf("snmpget: %+v", r)
			}
			r = interop.NetSNMP(t, "snmpbulkwalk", append(slices.Clone(args), addresses[0], ".1.3.6.1.2.1.1")...)
			if r.Code != 0 || r.Err != "" || len(names(t, r.Out)) < 7 {
				t.Errorf("snmpbulkwalk: %+v", r)
			}
		})
	}
}

// TestNetSNMPIsRefused holds what the tools say to those who are not let in, by us and by Net-SNMP's daemon. Where want is empty that one is
// silent against the RFCs, and we are not.
func TestNetSNMPIsRefused(t *testing.T) {
	const file = `
createUser joe SHA-256 authpassword AES privpassword
createUser only SHA authpassword
createUser nogroup SHA authpassword
rouser joe priv
rouser only auth
`
	_, addresses := launch(t, "-c", config(t, file), "127.0.0.1:0")
	theirs := interop.StartNetSNMPD(t, file+"rocommunity public", "public")
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"wrong authentication password": {[]string{"-u", "joe", "-l", "authPriv", "-a", "SHA-256", "-A", "wrongpassword", "-x", "AES", "-X", "privpassword"}, "Authentication failure (incorrect password, community or key)"},
		"wrong authentication protocol": {[]string{"-u", "joe", "-l", "authPriv", "-a", "SHA", "-A", "authpassword", "-x", "AES", "-X", "privpassword"}, "Authentication failure (incorrect password, community or key)"},
		"wrong privacy password":        {[]string{"-u", "joe", "-l", "authPriv", "-a", "SHA-256", "-A", "authpassword", "-x", "AES", "-X", "wrongpassword"}, ""},
		"unknown user":                  {[]string{"-u", "jane", "-l", "authNoPriv", "-a", "SHA", "-A", "authpassword"}, "Unknown user name"},
		"level below the user's":        {[]string{"-u", "joe", "-l", "authNoPriv", "-a", "SHA-256", "-A", "authpassword"}, "authorizationError"},
		"level above the keys":          {[]string{"-u", "only", "-l", "authPriv", "-a", "SHA", "-A", "authpassword", "-x", "AES", "-X", "authpassword"}, "Unsupported security level"},
		"no group":                      {[]string{"-u", "nogroup", "-l", "authNoPriv", "-a", "SHA", "-A", "authpassword"}, "authorizationError"},
		"unknown context":               {[]string{"-u", "only", "-l", "authNoPriv", "-a", "SHA", "-A", "authpassword", "-n", "none"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"-v3", "-t", "1", "-r", "0"}, c.args...)
			ours := interop.NetSNMP(t, "snmpget", append(slices.Clone(args), addresses[0], sysNameOID)...)
			other := interop.NetSNMP(t, "snmpget", append(args, theirs, sysNameOID)...)
			if ours.Code == 0 || !strings.Contains(ours.Err, c.want) {
				t.Errorf("%+v, want %q", ours, c.want)
			}
			if got, want := reason(ours, addresses[0]), reason(other, theirs); c.want != "" && got != want {
				t.Errorf("%q, Net-SNMP's daemon: %q", got, want)
			}
		})
	}
}

// reason is what a tool says, without whom it asked.
func reason(r interop.Result, address string) string {
	s := strings.ReplaceAll(r.Out+r.Err, address, "AGENT")
	return strings.ReplaceAll(s, strings.TrimPrefix(address, "udp:"), "AGENT")
}

// TestRestartUnderV3 restarts the daemon under a manager that goes on with what it knows of the engine.
func TestRestartUnderV3(t *testing.T) {
	path := config(t, v3Config+"persistentDir "+t.TempDir())
	p, addresses := launch(t, "-c", path)
	address := strings.TrimPrefix(addresses[0], "udp:")
	usm, err := askV3(t, address, "joe", hidden)
	if err != nil {
		t.Fatal(err)
	}
	known := []string{"-v3", "-u", "joe", "-l", "authNoPriv", "-a", "SHA", "-A", hidden, "-Oqv", "-e", fmt.Sprintf("%x", usm.AuthoritativeEngineID),
		"-Z", fmt.Sprintf("%d,%d", usm.AuthoritativeEngineBoots, usm.AuthoritativeEngineTime)}
	get := func() interop.Result {
		t.Helper()
		return interop.NetSNMP(t, "snmpget", append(slices.Clone(known), address, sysNameOID)...)
	}
	before := get()
	if before.Code != 0 {
		t.Errorf("before: %+v", before)
	}
	p.Signal(syscall.SIGTERM)
	p.Wait()
	launch(t, "-c", path, address)
	if after := get(); after.Out != before.Out {
		t.Errorf("after: %+v, before: %+v", after, before)
	}
	again, err := askV3(t, address, "joe", hidden)
	if err != nil || again.AuthoritativeEngineBoots != usm.AuthoritativeEngineBoots+1 || again.AuthoritativeEngineID != usm.AuthoritativeEngineID {
		t.Errorf("boots %d after %d, %v", again.AuthoritativeEngineBoots, usm.AuthoritativeEngineBoots, err)
	}
	// usmStatsNotInTimeWindows: the tool's first message after the restart.
	r := interop.NetSNMP(t, "snmpget", "-v3", "-u", "joe", "-l", "authNoPriv", "-a", "SHA", "-A", hidden, "-Oqv", address, sysNameOID)
	if r.Out != before.Out {
		t.Errorf("%+v", r)
	}
}

// vacmFile uses what the files of the world use.
const vacmFile = `
sysLocation here
sysContact me
sysName host
sysServices 72
com2sec  local   127.0.0.1     secret
com2sec  far     192.0.2.0/24  farsecret
com2sec  both    default       "two words"
com2sec  nobody  default       nogroup
group    locals  v2c  local
group    ones    v1   local
group    boths   v1   both
group    boths   v2c  both
group    users   usm  member
view     all     included  .1                     80
view     some    included  .1.3.6.1.2.1.1
view     some    excluded  .1.3.6.1.2.1.1.6
view     some    included  .1.3.6.1.2.1.2.1
view     row     included  .1.3.6.1.2.1.2.2.1.0.1  ff:a0
view     few     included  .1.3.6.1.2.1.1.4
access   locals  ""  v2c  noauth  exact   all   none  none
access   ones    ""  any  noauth  exact   few   none  none
access   boths   ""  any  noauth  prefix  some  all   none
access   users   ""  usm  auth    exact   some  none  none
access   users   ""  usm  priv    exact   all   none  none
rocommunity  systemonly  default  -V some
rocommunity  onerow      default  -V row
rocommunity  subtree     default  .1.3.6.1.2.1.1.5
rocommunity  gone        default  -V notdefined
rwcommunity  inctx       default  -V all  ctx
authcommunity read       typed    127.0.0.1  -V few
createUser member SHA authpassword AES privpassword
createUser plain  SHA authpassword
createUser mixed  MD5 authpassword
createUser typed  SHA authpassword
createUser viewed SHA authpassword AES
createUser open
rouser plain
rouser mixed  noauth -V few
rwuser mixed  auth   .1.3.6.1.2.1.2
rouser viewed priv   -V some
rouser open   noauth .1.3.6.1.2.1.1
authuser read typed  auth   -V few
`

// TestDecidesAsNetSNMP asks our daemon and Net-SNMP's, which read the same file, for the same objects by the same names.
func TestDecidesAsNetSNMP(t *testing.T) {
	theirs := interop.StartNetSNMPD(t, vacmFile+"rocommunity letmein", "letmein")
	_, addresses := launch(t, "-c", config(t, vacmFile), "127.0.0.1:0")
	askers := [][]string{}
	for _, community := range []string{"secret", "farsecret", "two words", "nogroup", "systemonly", "onerow", "subtree", "gone", "inctx", "typed"} {
		askers = append(askers, []string{"-v1", "-c", community}, []string{"-v2c", "-c", community})
	}
	for _, user := range []string{"member", "plain", "mixed", "typed", "viewed", "open"} {
		auth := "SHA"
		if user == "mixed" {
			auth = "MD5"
		}
		privPassword := "authpassword"
		if user == "member" {
			privPassword = "privpassword"
		}
		askers = append(askers, []string{"-v3", "-u", user, "-l", "noAuthNoPriv"}, []string{"-v3", "-u", user, "-l", "authNoPriv", "-a", auth, "-A", "authpassword"},
			[]string{"-v3", "-u", user, "-l", "authPriv", "-a", auth, "-A", "authpassword", "-x", "AES", "-X", privPassword})
	}
	var answers atomic.Int32
	t.Run("all", func(t *testing.T) { // returns when its parallel subtests have
		for _, asker := range askers {
			t.Run(strings.Join(asker, " "), func(t *testing.T) {
				t.Parallel()
				answers.Add(compareAnswers(t, asker, addresses[0], theirs))
			})
		}
	})
	if answers.Load() < 60 { // of 266 questions: a file that lets nobody in compares nothing
		t.Errorf("%d answers", answers.Load())
	}
}

// compareAnswers asks both daemons as asker, demands the same answers, and returns how many had a value.
func compareAnswers(t *testing.T, asker []string, ours, theirs string) (answers int32) {
	for _, what := range []struct{ tool, object string }{
		{"snmpget", systemOID + ".4.0"}, {"snmpget", systemOID + ".5.0"}, {"snmpget", systemOID + ".6.0"}, {"snmpget", ".1.3.6.1.2.1.2.1.0"},
		{"snmpget", ".1.3.6.1.2.1.2.2.1.4.1"}, {"snmpgetnext", systemOID + ".5.0"}, {"snmpgetnext", ".1.3.6.1.2.1.2"},
	} {
		args := append(slices.Clone(asker), "-On", "-t", "0.5", "-r", "0")
		got := told(interop.NetSNMP(t, what.tool, append(slices.Clone(args), ours, what.object)...))
		want := told(interop.NetSNMP(t, what.tool, append(args, theirs, what.object)...))
		if got != want {
			t.Errorf("%s %s: %q, Net-SNMP's daemon: %q", what.tool, what.object, got, want)
		}
		if got != "" {
			answers++
		}
	}
	return answers
}

// told is the value that a tool got, "" if none: Net-SNMP's daemon is silent, or says that there is no such object, in some cases where the RFCs
// have an error.
func told(r interop.Result) string {
	if r.Code != 0 || strings.Contains(r.Out, "= No ") {
		return ""
	}
	return r.Out
}
