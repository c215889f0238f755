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

// Net-SNMP's daemon tells that a link went down, by a trap and an inform of SNMPv2c and of SNMPv3: each is received, decoded by name and written, and the
// interface that it names, and no other, is polled at once.
func TestLinkDownOfNetSNMP(t *testing.T) {
	t.Parallel()
	near, far := newBox(t), newBox(t)
	near.connect(t, far, "wan0", 10)
	outside := strings.TrimSuffix(near.address, "2") + "1"
	folder := t.TempDir()
	lines, conf := filepath.Join(folder, "lines"), filepath.Join(folder, "snmpcollect.yaml")
	text := fmt.Sprintf(`interval: 20s
state: %s
listen: 127.0.0.1:0
credentials:
  lab: {version: 2c, community: public}
  secure: {version: 3, user: alice, auth: SHA, auth_password: authentication, priv: AES, priv_password: privacypassword}
targets: [{name: theirs, address: %q, credential: lab, collect: [interfaces]}]
traps: {listen: [%q], credentials: [lab, secure]}
outputs: [{file: {path: %s}}]
`, filepath.Join(folder, "state"), near.address, outside+":162", lines)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	near.Do(t, func() {
		interop.StartNetSNMPDAt(t, near.address+":161", fmt.Sprintf(`rocommunity public
exactEngineID 0x80001f888001020305
createUser alice SHA authentication AES privacypassword
createUser internal
rouser internal noauth
iquerySecName internal
trap2sink %[1]s public
informsink %[1]s public
trapsess -v3 -e 0x80001f888001020305 -u alice -a SHA -A authentication -x AES -X privacypassword -l authPriv %[1]s
trapsess -v3 -Ci -u alice -a SHA -A authentication -x AES -X privacypassword -l authPriv %[1]s
notificationEvent goesDown .1.3.6.1.6.3.1.1.5.3 -o .1.3.6.1.2.1.2.2.1.1 -o .1.3.6.1.2.1.2.2.1.7 -o .1.3.6.1.2.1.2.2.1.8
monitor -r 1 -e goesDown "goes down" .1.3.6.1.2.1.2.2.1.8 == 2`, outside), "public")
	})
	p := collect(t, conf)
	p.awaitPolls(t, "theirs", 1)
	far.IP(t, "link", "set", "wan0", "down")
	written := func(pattern string) [][]string {
		b, _ := os.ReadFile(lines)
		return regexp.MustCompile(`(?m)^`+pattern+`$`).FindAllStringSubmatch(string(b), -1)
	}
	const down = `,name=linkDown,oid=1\.3\.6\.1\.6\.3\.1\.1\.5\.3,version=%s sysUpTime=\d+i,inform=%v,ifIndex=10i,ifAdminStatus=1i,ifOperStatus=2i\b.*`
	for _, version := range []string{"2c", "3"} {
		for _, inform := range []bool{false, true} {
			pattern := fmt.Sprintf("snmp_trap.*,device=theirs.*"+down, version, inform)
			interop.Eventually(t, fmt.Sprintf("linkDown, version %s, inform %v", version, inform), func() bool { return len(written(pattern)) > 0 }, p.Log)
		}
	}
	var at string
	interop.Eventually(t, "a poll of the interface", func() bool {
		for _, line := range written(`interface,.*ifName=wan0.*ifOperStatus=2i.* (\d+)`) {
			if !strings.Contains(line[0], "ifHCInOctets") { // a poll between two slots
				at = line[1]
			}
		}
		return at != ""
	}, p.Log)
	if rows := written(`interface,.* ` + at); len(rows) != 1 {
		t.Errorf("%d interfaces were polled: %v", len(rows), rows)
	}
	end(t, p.Process)
}
