package mib2_test

import (
	"testing"

	"walkabout/machine"
	"walkabout/mib/mib2"
	"walkabout/mib/mibtest"
)

// TestEndpoints checks the tables that hold both versions of IP.
func TestEndpoints(t *testing.T) {
	const listen, established = machine.TCPListen, machine.TCPEstablished
	d := &device{
		tcp: []machine.TCPSocket{
			{Local: endpoint("[2001:db8::1]:443"), Remote: endpoint("[2001:db8::9]:5000"), State: established, Inode: 3},
			{Local: endpoint("[::ffff:10.0.0.1]:443"), Remote: endpoint("[::ffff:10.0.0.9]:5000"), State: machine.TCPCloseWait, Inode: 2},
			{Local: endpoint("10.0.0.1:80"), Remote: endpoint("10.0.0.9:5001"), State: machine.TCPTimeWait},
			{Local: endpoint("[fe80::1]:443"), Remote: endpoint("[fe80::2]:5000"), State: established, Link: 7, Inode: 4},
			{Local: endpoint("[::]:443"), Remote: endpoint("[::]:0"), State: listen, Inode: 5},
			{Local: endpoint("[::]:443"), Remote: endpoint("[::]:0"), State: listen, Inode: 6}, // SO_REUSEPORT
			{Local: endpoint("[::]:80"), Remote: endpoint("[::]:0"), State: listen, V6Only: true, Inode: 7},
			{Local: endpoint("0.0.0.0:80"), Remote: endpoint("0.0.0.0:0"), State: listen, Inode: 8},
			{Local: endpoint("[::1]:25"), Remote: endpoint("[::]:0"), State: listen, Inode: 99},
		},
		udp: []machine.UDPSocket{
			{Local: endpoint("0.0.0.0:5353"), Remote: endpoint("0.0.0.0:0"), Inode: 21},
			{Local: endpoint("0.0.0.0:5353"), Remote: endpoint("0.0.0.0:0"), Inode: 20},
			{Local: endpoint("[::]:161"), Remote: endpoint("[::]:0"), Inode: 22},
			{Local: endpoint("[::]:162"), Remote: endpoint("[::]:0"), V6Only: true, Inode: 23},
			{Local: endpoint("10.0.0.1:9000"), Remote: endpoint("10.0.0.2:53"), Inode: 24},
			{Local: endpoint("[2001:db8::1]:9000"), Remote: endpoint("[2001:db8::2]:53"), Inode: 25},
		},
		owners: machine.SocketOwners{
			2: 200, 3: 300, 4: 400, 5: 500, 6: 600, 7: 700, 8: 800, 20: 2000, 21: 2100, 22: 2200, 23: 2300, 24: 2400, 25: 2500,
		},
	}
	m := d.mib(t)
	const (
		closeWait = "1.4.10.0.0.1.443.1.4.10.0.0.9.5000"
		timeWait  = "1.4.10.0.0.1.80.1.4.10.0.0.9.5001"
		global    = "2.16.32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.1.443.2.16.32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.9.5000"
		linkLocal = "4.20.254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.7.443.4.20.254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.2.0.0.0.7.5000"
	)
	checkColumns(t, m, "6.19.1", map[string][]string{
		"7": {timeWait + " 11", closeWait + " 8", global + " 5", linkLocal + " 5"},
		"8": {timeWait + " 0", closeWait + " 200", global + " 300", linkLocal + " 400"},
	})
	checkColumns(t, m, "6.20.1", map[string][]string{
		"4": {
			"0.0.443 500", "1.4.0.0.0.0.80 800",
			"2.16.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.80 700", "2.16.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.25 0",
		},
	})
	checkColumns(t, m, "7.7.1", map[string][]string{
		"8": {
			"0.0.161.0.0.0.22 2200",
			"1.4.0.0.0.0.5353.0.0.0.20 2000", "1.4.0.0.0.0.5353.0.0.0.21 2100",
			"1.4.10.0.0.1.9000.1.4.10.0.0.2.53.24 2400",
			"2.16.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.162.0.0.0.23 2300",
			"2.16.32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.1.9000.2.16.32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.2.53.25 2500",
		},
	})
	mibtest.Test(t, m, mib2.Roots()...)
}
