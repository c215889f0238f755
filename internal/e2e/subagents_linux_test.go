//go:build interop

package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"walkabout/internal/interop"
)

// What Debian's daemons serve by AgentX, in the packages' own form.
const (
	bgp       = ".1.3.6.1.2.1.15" // BGP4-MIB
	ospf      = ".1.3.6.1.2.1.14" // OSPF-MIB
	lldp      = ".1.0.8802.1.1.2" // LLDP-MIB
	vrrp      = ".1.3.6.1.4.1.9586.100.5"
	agentxReg = ".1.3.6.1.2.1.74.1.4.2.1.2" // agentxRegContext
)

// router is a box with our agent as AgentX' master, and a folder in which FRR's daemons, who are user frr, may write.
type router struct {
	*box
	folder string
	agent  *interop.Process
}

func newRouter(t *testing.T, b *box) *router {
	t.Helper()
	r := &router{box: b}
	var err error
	if r.folder, err = os.MkdirTemp("", "router"); err != nil { // not the test's, in which others than its user may not look
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(r.folder) })
	frr, err := user.Lookup("frr")
	if err != nil {
		t.Fatalf("Debian's package frr makes that user: %v", err)
	}
	uid, _ := strconv.Atoi(frr.Uid)
	gid, _ := strconv.Atoi(frr.Gid)
	if err := errors.Join(os.Chmod(r.folder, 0o755), os.Chown(r.folder, uid, gid)); err != nil {
		t.Fatalf("FRR's daemons run as frr, which takes root: %v", err)
	}
	return r
}

func (r *router) path(name string) string { return filepath.Join(r.folder, name) }

func (r *router) write(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.WriteFile(r.path(name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return r.path(name)
}

func (r *router) start(t *testing.T, env []string, path string, args ...string) (p *interop.Process) {
	t.Helper()
	r.Do(t, func() { p = interop.StartWith(t, env, path, args...) })
	return p
}

// master starts our agent, whose notifications go to an address.
func (r *router) master(t *testing.T, receiver string) {
	t.Helper()
	conf := r.write(t, "snmpd.conf", fmt.Sprintf("rocommunity public\nmaster agentx\nagentXSocket %s\nagentXPerms 777 755\ntrap2sink %s public\n", r.path("master"), receiver))
	path := interop.Build(t, "cmd/snmpd")
	r.agent = r.start(t, nil, path, "-f", "-c", conf, r.address+":161")
	r.agent.Await("msg=ready")
	r.write(t, "frr.conf", "agentXSocket unix:"+r.path("master")+"\n") // what FRR's copy of Net-SNMP's library reads
}

// daemon starts one of FRR's, with its SNMP module if there is a master.
func (r *router) daemon(t *testing.T, name, conf string, args ...string) *interop.Process {
	t.Helper()
	if r.agent != nil {
		conf, args = "agentx\n"+conf, append(args, "-M", name+"_snmp")
	}
	args = append(args, "-f", r.write(t, name+".conf", conf), "-i", r.path(name+".pid"), "-z", r.path("zserv"), "--vty_socket", r.folder, "-P", "0", "--log", "stdout")
	p := r.start(t, []string{"SNMPCONFPATH=" + r.folder, "MIBS="}, "/usr/lib/frr/"+name, args...)
	if r.agent != nil {
		r.agent.Await(`msg="a sub-agent is here"`)
	}
	return p
}

// walk walks a subtree until it holds every one of these texts.
func (r *router) walk(t *testing.T, object string, want ...string) {
	t.Helper()
	var got string
	interop.Eventually(t, fmt.Sprintf("a walk of %s with %q", object, want), func() bool {
		got = interop.NetSNMP(t, "snmpbulkwalk", "-v2c", "-c", "public", "-On", "-t", "5", r.address, object).Out
		return !slices.ContainsFunc(want, func(text string) bool { return !strings.Contains(got, text) })
	}, func() string { return got + r.agent.Log() })
}

// outsideAddress is where the box sees the tests.
func (b *box) outsideAddress() string { return strings.TrimSuffix(b.address, "2") + "1" }

// TestFRR: FRR's daemons serve BGP4-MIB and OSPF-MIB through our agent, and bgpd's notification of a peer that is lost goes to our receivers.
func TestFRR(t *testing.T) {
	t.Parallel()
	near, far := newRouter(t, newBox(t)), newRouter(t, newBox(t))
	link := near.connect(t, far.box, "wan0", 10)
	receiver := interop.StartSNMPTrapD(t, "udp:"+near.outsideAddress()+":162", "authCommunity log public\n")
	near.master(t, near.outsideAddress())
	near.daemon(t, "zebra", "")
	near.daemon(t, "bgpd", fmt.Sprintf("router bgp 65001\n bgp router-id %s\n no bgp ebgp-requires-policy\n neighbor %s remote-as 65002\n neighbor %[2]s timers 1 3\n", link.aAddress, link.bAddress))
	near.daemon(t, "ospfd", fmt.Sprintf("router ospf\n ospf router-id %s\n network %[1]s/24 area 0\n", link.aAddress))
	near.walk(t, ospf, ospf+".1.1.0 = IpAddress: "+link.aAddress, ospf+".7.1.1."+link.aAddress+".0 = IpAddress: "+link.aAddress)
	near.walk(t, bgp, bgp+".2.0 = INTEGER: 65001", bgp+".3.1.9."+link.bAddress+" = INTEGER: 65002")

	far.daemon(t, "zebra", "")
	peer := far.daemon(t, "bgpd", fmt.Sprintf("router bgp 65002\n no bgp ebgp-requires-policy\n neighbor %s remote-as 65001\n neighbor %[1]s timers connect 1\n", link.aAddress))
	near.walk(t, bgp, bgp+".3.1.2."+link.bAddress+" = INTEGER: 6", bgp+".3.1.7."+link.bAddress+" = IpAddress: "+link.bAddress) // established
	peer.Signal(os.Kill)
	receiver.Await(`community public.*OID: \.1\.3\.6\.1\.2\.1\.15(\.7|\.0)?\.2\s.*\.1\.3\.6\.1\.2\.1\.15\.3\.1\.2\.` + link.bAddress) // bgpBackwardTransition
	near.walk(t, bgp, bgp+".3.1.16."+link.bAddress)                                                                                   // still there
	end(t, near.agent)
}

// TestLLDPd: lldpd serves LLDP-MIB through our agent, its neighbour's name among it.
func TestLLDPd(t *testing.T) {
	t.Parallel()
	near, far := newRouter(t, newBox(t)), newRouter(t, newBox(t))
	near.connect(t, far.box, "wan0", 10)
	near.master(t, near.outsideAddress())
	for _, r := range []*router{near, far} {
		args := []string{"-d", "-u", r.path("lldpd.sock"), "-I", "wan0", "-S", "the description of " + r.name}
		if r.agent != nil {
			args = append(args, "-x", "-X", r.path("master"))
		}
		r.start(t, nil, interop.Find(t, "lldpd", "lldpd"), args...)
	}
	near.walk(t, lldp, "the description of "+near.name, "the description of "+far.name)
	end(t, near.agent)
}

// TestKeepalived: keepalived serves KEEPALIVED-MIB through our agent.
func TestKeepalived(t *testing.T) {
	t.Parallel()
	near, far := newRouter(t, newBox(t)), newBox(t)
	near.connect(t, far, "wan0", 10)
	near.master(t, near.outsideAddress())
	conf := near.write(t, "keepalived.conf", "vrrp_instance first {\n interface wan0\n virtual_router_id 51\n priority 100\n virtual_ipaddress {\n 192.0.2.51/24\n }\n}\n")
	p := near.start(t, nil, interop.Find(t, "keepalived", "keepalived"), "-n", "-l", "-P", "-f", conf, "-p", near.path("k.pid"), "-r", near.path("v.pid"), "-x", "-A", "unix:"+near.path("master"))
	p.Await(`\(first\) Entering MASTER STATE`)                       // who asks while it begins may find it gone
	near.walk(t, vrrp, `STRING: "first"`, ".2.3.1.4.1 = INTEGER: 2") // vrrpInstanceState: master
	near.walk(t, agentxReg)
	end(t, near.agent)
}
