//go:build interop

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"walkabout/internal/interop"
)

func TestMain(m *testing.M) { interop.RunInNamespace(m) }

// box is a machine of its own in the network. The tests reach it over a management link; all addresses are of 198.18.0.0/15 (RFC 2544).
type box struct {
	*interop.Namespace
	name    string
	address string // of the box, on the management link mgmt
	outside string // the tests' end of the management link
}

var boxes, pairs atomic.Int32

func newBox(t *testing.T) *box {
	t.Helper()
	n := boxes.Add(1)
	b := &box{
		Namespace: interop.NewNamespace(t), name: fmt.Sprintf("box%d", n), address: fmt.Sprintf("198.18.%d.2", n), outside: fmt.Sprintf("box%d", n),
	}
	interop.IP(t, "link", "add", b.outside, "type", "veth", "peer", "name", "mgmt", "netns", b.Path())
	t.Cleanup(func() { interop.IP(t, "link", "del", b.outside) })
	interop.IP(t, "address", "add", fmt.Sprintf("198.18.%d.1/24", n), "dev", b.outside)
	interop.IP(t, "link", "set", b.outside, "up")
	b.IP(t, "address", "add", b.address+"/24", "dev", "mgmt")
	b.IP(t, "link", "set", "mgmt", "up")
	return b
}

// cable is a veth pair between two boxes.
type cable struct {
	a, b               *box
	name               string // of both ends
	aAddress, bAddress string
}

// connect lays a cable from b, where it has this ifIndex, to another box.
func (b *box) connect(t *testing.T, other *box, name string, index int) *cable {
	t.Helper()
	n := pairs.Add(1)
	c := &cable{a: b, b: other, name: name, aAddress: fmt.Sprintf("198.19.%d.1", n), bAddress: fmt.Sprintf("198.19.%d.2", n)}
	c.lay(t, index)
	return c
}

// lay makes the links of the cable, again perhaps.
func (c *cable) lay(t *testing.T, index int) {
	t.Helper()
	c.a.IP(t, "link", "add", c.name, "index", fmt.Sprint(index), "type", "veth", "peer", "name", c.name, "netns", c.b.Path())
	for _, end := range []struct {
		box     *box
		address string
	}{{c.a, c.aAddress}, {c.b, c.bAddress}} {
		end.box.IP(t, "address", "add", end.address+"/24", "dev", c.name)
		end.box.IP(t, "link", "set", c.name, "up")
	}
}

// agent starts our snmpd in the box, on its management address.
func (b *box) agent(t *testing.T) *interop.Process {
	t.Helper()
	file := filepath.Join(t.TempDir(), "snmpd.conf")
	if err := os.WriteFile(file, []byte("rocommunity public\nsysName "+b.name+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := interop.Build(t, "cmd/snmpd")
	var p *interop.Process
	b.Do(t, func() { p = interop.Start(t, path, "-f", "-c", file, b.address+":161") })
	p.Await("msg=ready")
	return p
}

// end tells a program to end and checks that it does so in peace.
func end(t *testing.T, p *interop.Process) {
	t.Helper()
	p.Signal(syscall.SIGTERM)
	if code := p.Wait(); code != 0 {
		t.Errorf("exit code %d after SIGTERM:\n%s", code, p.Log())
	}
}

// octets returns what `ip -s link` says that a link has received and sent.
func (b *box) octets(t *testing.T, link string) (in, out uint64) {
	t.Helper()
	var links []struct {
		Stats64 struct{ RX, TX struct{ Bytes uint64 } }
	}
	if err := json.NewDecoder(strings.NewReader(b.IP(t, "-s", "-j", "link", "show", "dev", link))).Decode(&links); err != nil || len(links) != 1 {
		t.Fatalf("ip -s -j link: %v, %+v", err, links)
	}
	return links[0].Stats64.RX.Bytes, links[0].Stats64.TX.Bytes
}
