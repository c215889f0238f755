//go:build interop

package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"walkabout/internal/interop"
)

// The engine of the agent in these tests, for which the receiver's users of traps are made.
const notifierID = "0x8000000001020304"

const (
	coldStart    = `\.1\.3\.6\.1\.6\.3\.1\.1\.4\.1\.0 = OID: \.1\.3\.6\.1\.6\.3\.1\.1\.5\.1`
	warmStart    = `\.1\.3\.6\.1\.6\.3\.1\.1\.4\.1\.0 = OID: \.1\.3\.6\.1\.6\.3\.1\.1\.5\.2`
	authFailure  = `\.1\.3\.6\.1\.6\.3\.1\.1\.4\.1\.0 = OID: \.1\.3\.6\.1\.6\.3\.1\.1\.5\.5`
	nsRestart    = `\.1\.3\.6\.1\.6\.3\.1\.1\.4\.1\.0 = OID: \.1\.3\.6\.1\.4\.1\.8072\.4\.0\.3`
	nsShutdown   = `\.1\.3\.6\.1\.6\.3\.1\.1\.4\.1\.0 = OID: \.1\.3\.6\.1\.4\.1\.8072\.4\.0\.2`
	anyUptime    = `\.1\.3\.6\.1\.2\.1\.1\.3\.0 = Timeticks: \(\d+\) \S+\s+`
	ofThisSystem = `\s+\.1\.3\.6\.1\.6\.3\.1\.1\.4\.3\.0 = OID: \.1\.3\.6\.1\.4\.1\.8072\.3\.2\.\d+`
)

// The life of the agent by each version without users, beside a receiver that is dead and one that has no name.
func TestSNMPTrapDIsTold(t *testing.T) {
	port := interop.FreeUDPPort(t)
	r := interop.StartSNMPTrapD(t, fmt.Sprintf("udp:127.0.0.1:%d", port), "authCommunity log "+hidden+"\n")
	file := func(sink string) string {
		return fmt.Sprintf("agentAddress 127.0.0.1:0\nrocommunity %s\nauthtrapenable 1\ntrapcommunity %[1]s\ninformsink 127.0.0.1:%d\ninformsink nowhere.example\n%s 127.0.0.1:%d\n",
			hidden, interop.FreeUDPPort(t), sink, port)
	}
	for _, c := range []struct{ sink, kind string }{{"trap2sink", "TRAP2, SNMP v2c"}, {"informsink", "INFORM, SNMP v2c"}} {
		t.Run(c.sink, func(t *testing.T) {
			d, addresses := launch(t, "-f", "-c", config(t, file(c.sink)))
			head := "^" + c.kind + ", community " + hidden + `\|.*\|` + anyUptime
			r.Await(head + coldStart + ofThisSystem + "$")
			interop.NetSNMP(t, "snmpget", "-v2c", "-c", "wrong", "-t", "0.1", "-r", "0", addresses[0], sysNameOID)
			r.Await(head + authFailure + ofThisSystem + "$")
			d.Signal(syscall.SIGHUP)
			r.Await(head + nsRestart + "$")
			r.Await(head + warmStart + ofThisSystem + "$")
			d.Signal(syscall.SIGTERM)
			r.Await(head + nsShutdown + "$")
			if code := d.Wait(); code != 0 {
				t.Errorf("exit code %d:\n%s", code, d.Log())
			}
			if strings.Contains(d.Log(), hidden) {
				t.Errorf("a community in the log:\n%s", d.Log())
			}
		})
	}
	t.Run("trapsink", func(t *testing.T) {
		d, _ := launch(t, "-f", "-c", config(t, file("trapsink")+"v1trapaddress 192.0.2.7\n"))
		head := "^TRAP, SNMP v1, community " + hidden + `\|192\.0\.2\.7\|`
		r.Await(head + `\.1\.3\.6\.1\.4\.1\.8072\.3\.2\.\d+ 0 0\|$`)
		d.Signal(syscall.SIGTERM)
		r.Await(head + `\.1\.3\.6\.1\.4\.1\.8072\.4 6 \.2\|$`)
	})
}

// By TCP: traps, and informs over a connection that the receiver keeps.
func TestSNMPTrapDIsToldByTCP(t *testing.T) {
	port := interop.FreeUDPPort(t) // which is as free by TCP
	r := interop.StartSNMPTrapD(t, fmt.Sprintf("tcp:127.0.0.1:%d", port), "authCommunity log "+hidden+"\n")
	for _, c := range []struct{ sink, kind string }{{"trap2sink", "TRAP2, SNMP v2c"}, {"informsink", "INFORM, SNMP v2c"}} {
		t.Run(c.sink, func(t *testing.T) {
			d, _ := launch(t, "-f", "-c", config(t, fmt.Sprintf("agentAddress 127.0.0.1:0\nrocommunity %s\ntrapcommunity %[1]s\n%s tcp:127.0.0.1:%d\n", hidden, c.sink, port)))
			head := "^" + c.kind + ", community " + hidden + `\|.*\|` + anyUptime
			r.Await(head + coldStart + ofThisSystem + "$")
			d.Signal(syscall.SIGTERM)
			r.Await(head + nsShutdown + "$")
			if code := d.Wait(); code != 0 || strings.Contains(d.Log(), "lost") {
				t.Errorf("exit code %d:\n%s", code, d.Log())
			}
		})
	}
}

// By a unix socket.
func TestSNMPTrapDIsToldByUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "receiver")
	r := interop.StartSNMPTrapD(t, "unix:"+path, "authCommunity log "+hidden+"\n")
	for _, c := range []struct{ sink, kind string }{{"trap2sink", "TRAP2, SNMP v2c"}, {"informsink", "INFORM, SNMP v2c"}} {
		d, _ := launch(t, "-f", "-c", config(t, fmt.Sprintf("agentAddress 127.0.0.1:0\nrocommunity %s\ntrapcommunity %[1]s\n%s unix:%s\n", hidden, c.sink, path)))
		r.Await("^" + c.kind + ", community " + hidden + `\|.*\|` + anyUptime + coldStart + ofThisSystem + "$")
		d.Signal(syscall.SIGTERM)
		if code := d.Wait(); code != 0 || strings.Contains(d.Log(), "lost") {
			t.Errorf("exit code %d:\n%s", code, d.Log())
		}
	}
}

// By SNMPv3 with every pair of protocols: traps, for which the agent's engine is authoritative, and informs, for which the receiver's is.
func TestSNMPTrapDIsToldByV3(t *testing.T) {
	port := interop.FreeUDPPort(t)
	var theirs, ours strings.Builder
	fmt.Fprintf(&ours, "agentAddress 127.0.0.1:0\nrocommunity %s\nexactEngineID %s\n", hidden, notifierID)
	fmt.Fprintf(&theirs, "createUser open\nauthUser log open noauth\ncreateUser -e %s open\n", notifierID)
	fmt.Fprintf(&ours, "trapsess -u open 127.0.0.1:%d\ntrapsess -Ci -u open 127.0.0.1:%[1]d\n", port)
	users := []string{"open"}
	pair := func(auth, priv string) {
		user, level, keys, session := auth+priv, "auth", auth+" authpassword", "-l authNoPriv -a "+auth+" -A authpassword"
		if priv != "" {
			level, keys = "priv", keys+" "+priv+" privpassword"
			session = "-l authPriv -a " + auth + " -A authpassword -x " + priv + " -X privpassword"
		}
		users = append(users, user)
		fmt.Fprintf(&theirs, "createUser %s %s\ncreateUser -e %s %[1]s %[2]s\nauthUser log %[1]s %[4]s\n", user, keys, notifierID, level)
		fmt.Fprintf(&ours, "trapsess -v 3 -u %s %s 127.0.0.1:%d\ntrapsess -v3 -Ci -u %[1]s %[2]s udp:127.0.0.1:%[3]d\n", user, session, port)
	}
	for _, auth := range authNames {
		pair(auth, "")
		for _, priv := range privNames {
			pair(auth, priv)
		}
	}
	r := interop.StartSNMPTrapD(t, fmt.Sprintf("udp:127.0.0.1:%d", port), theirs.String())
	d, _ := launch(t, "-f", "-c", config(t, ours.String()))
	want := map[string]bool{}
	for _, u := range users {
		want["TRAP2 "+u], want["INFORM "+u] = true, true
	}
	for len(want) > 0 { // each has its own way, in no order
		m := r.Await(`^(TRAP2|INFORM), SNMP v3, user (\S+), context \|.*` + coldStart)
		delete(want, m[1]+" "+m[2])
	}
	d.Signal(syscall.SIGTERM)
	if code := d.Wait(); code != 0 {
		t.Errorf("exit code %d:\n%s", code, d.Log())
	}
	if log := d.Log(); strings.Contains(log, "lost") || strings.Contains(log, "password") {
		t.Errorf("log:\n%s", log)
	}
}

// A user of createUser, here and at the receiver (-e), serves a trapsess line without keys; a wrong password is told in the log, and
// an inform goes on being acknowledged after the receiver started anew, with another time and another engine ID.
func TestSNMPTrapDStartsAnew(t *testing.T) {
	port := interop.FreeUDPPort(t)
	address := fmt.Sprintf("udp:127.0.0.1:%d", port)
	receiver := func(id string) *interop.Process {
		return interop.StartSNMPTrapD(t, address, "exactEngineID "+id+"\ncreateUser alice SHA-256 authpassword AES privpassword\nauthUser log alice priv\n")
	}
	r := receiver("0x80000000010a0b0c")
	d, _ := launch(t, "-f", "-c", config(t, fmt.Sprintf(`agentAddress 127.0.0.1:0
rocommunity %s
createUser alice SHA-256 authpassword AES privpassword
createUser -e 0x80000000010a0b0c bob SHA-256 authpassword
trapsess -Ci -v 3 -u alice -l authPriv 127.0.0.1:%d
trapsess -Ci -v 3 -u bob -l authNoPriv -t 0.2 -r 1 127.0.0.1:%[2]d
`, hidden, port)))
	const head = `^INFORM, SNMP v3, user alice, context \|.*`
	r.Await(head + coldStart)
	d.Await("msg=\"notifications are lost.*target=internal1.*reports: USM: unknown user name")
	for _, id := range []string{"0x80000000010a0b0c", "0x80000000010a0b0d"} {
		r.Signal(syscall.SIGTERM)
		r.Wait()
		r = receiver(id)
		d.Signal(syscall.SIGHUP)
		r.Await(head + warmStart)
	}
	d.Signal(syscall.SIGTERM)
	r.Await(head + nsShutdown)
	d.Wait()
	if regexp.MustCompile("lost.*target=internal0").MatchString(d.Log()) {
		t.Errorf("log:\n%s", d.Log())
	}
}
