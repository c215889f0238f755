package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"golang.org/x/sys/unix"
)

// How large the machines are.
const (
	links       = 1001 // with lo
	connections = 5000 // rows of tcpConnTable, both ends of each connection
	routes      = 10000
)

// scene is a machine of size, and the walks that are measured on it.
type scene struct {
	name, title string
	setUp       func(ctx context.Context) (end func(), err error)
	walks       []walk
}

// walk is of tables, one after the other.
type walk struct {
	name   string
	tables []tableOf
	byRow  bool
	least  int // rows of each table
}

// tableOf is a conceptual table: its entry below mib-2 and its columns that both agents have.
type tableOf struct {
	entry   string
	columns []uint32
}

var (
	ifTable        = tableOf{"2.2.1", []uint32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 18, 19, 20}}
	ifXTable       = tableOf{"31.1.1.1", []uint32{1, 2, 6, 7, 8, 10, 11, 15, 16, 17, 18, 19}}
	tcpConnTable   = tableOf{"6.13.1", []uint32{1, 2, 3, 4, 5}}
	tcpConnection  = tableOf{"6.19.1", []uint32{7, 8}}
	inetCidrRoute  = tableOf{"4.24.7.1", []uint32{7, 8, 9, 11, 12, 13, 14, 15, 16, 17}}
	ipCidrRoute    = tableOf{"4.24.4.1", []uint32{1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16}}
	ipRouteRFC1213 = tableOf{"4.21.1", []uint32{1, 2, 3, 7, 8, 9, 11}}
)

var scenes = []scene{
	{
		name: "links", title: fmt.Sprintf("%d interfaces (veth)", links), setUp: makeLinks,
		walks: []walk{
			{"ifTable and ifXTable by rows", []tableOf{ifTable, ifXTable}, true, links},
			{"ifTable and ifXTable by columns", []tableOf{ifTable, ifXTable}, false, links},
		},
	},
	{
		name: "connections", title: fmt.Sprintf("%d TCP connections", connections), setUp: makeConnections,
		walks: []walk{
			{"tcpConnTable by rows", []tableOf{tcpConnTable}, true, connections},
			{"tcpConnTable by columns", []tableOf{tcpConnTable}, false, connections},
			{"tcpConnectionTable by rows, with processes", []tableOf{tcpConnection}, true, connections},
		},
	},
	{
		name: "routes", title: fmt.Sprintf("%d routes", routes), setUp: makeRoutes,
		walks: []walk{
			{"inetCidrRouteTable by rows", []tableOf{inetCidrRoute}, true, routes},
			{"inetCidrRouteTable by columns", []tableOf{inetCidrRoute}, false, routes},
			{"ipCidrRouteTable by rows", []tableOf{ipCidrRoute}, true, routes},
			{"ipRouteTable by rows", []tableOf{ipRouteRFC1213}, true, routes},
		},
	},
}

// makeLinks makes pairs of veth, all of which are up.
func makeLinks(ctx context.Context) (func(), error) {
	var b strings.Builder
	for i := range (links - 1) / 2 {
		fmt.Fprintf(&b, "link add a%d type veth peer name b%d\nlink set a%d up\nlink set b%d up\n", i, i, i, i)
	}
	return func() {}, ip(ctx, b.String())
}

// makeConnections connects this process with itself. The connections keep silent: probes of all of them at once overrun the queue of lo (the sysctl
// net.core.netdev_max_backlog), and what an agent is asked meanwhile is lost with them.
func makeConnections(ctx context.Context) (func(), error) {
	const silent = -1
	dialer, config := net.Dialer{KeepAlive: silent}, net.ListenConfig{KeepAlive: silent}
	limit := unix.Rlimit{}
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return nil, err
	}
	limit.Cur = limit.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return nil, err
	}
	l, err := config.Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	open := []io.Closer{l}
	end := func() {
		for _, c := range open {
			_ = c.Close()
		}
	}
	for range connections / 2 {
		near, err := dialer.DialContext(ctx, "tcp4", l.Addr().String())
		if err != nil {
			end()
			return nil, err
		}
		far, err := l.Accept()
		open = append(open, near)
		if err != nil {
			end()
			return nil, err
		}
		open = append(open, far)
	}
	return end, nil
}

// errRoutes says that the constants do not fit.
var errRoutes = errors.New("more routes than 10.0.0.0/8 has networks of 24 bits")

// makeRoutes makes routes by two gateways.
func makeRoutes(ctx context.Context) (func(), error) {
	if routes > 1<<16 {
		return nil, errRoutes
	}
	var b strings.Builder
	b.WriteString("link add a0 type veth peer name b0\nlink set a0 up\nlink set b0 up\naddr add 192.0.2.1/24 dev a0\n")
	for i := range routes {
		fmt.Fprintf(&b, "route add 10.%d.%d.0/24 via 192.0.2.%d proto bgp metric %d\n", i>>8, i&0xFF, 2+i%2, 20)
	}
	return func() {}, ip(ctx, b.String())
}
