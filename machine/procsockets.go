package machine

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io/fs"
	"math"
	"net/netip"
	"os"
	"strconv"
)

// readProcSockets reads those of files that exist, of the form of /proc/net/tcp, tcp6, udp or udp6. They serve where sock_diag is not
// to be had, which costs a fraction of it.
func readProcSockets[T any](convert func(inetSocket) T, files ...string) ([]T, error) {
	var out []T
	exists := false
	for _, path := range files {
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // no IPv6, or none of that protocol
		}
		if err != nil {
			return nil, err
		}
		exists = true
		var line []byte
		for len(b) > 0 {
			line, b = cutLine(b)
			if s, ok := parseProcSocket(line); ok {
				out = append(out, convert(s))
			}
		}
	}
	if !exists {
		return nil, &fs.PathError{Op: "read", Path: files[0], Err: fs.ErrNotExist}
	}
	return out, nil
}

// parseProcSocket reads one line (Documentation/networking/proc_net_tcp.rst). It is false for one that is not of the known form, such
// as the head.
func parseProcSocket(line []byte) (s inetSocket, ok bool) {
	nextField(&line) // the number of the line
	if s.local, ok = parseHexAddrPort(nextField(&line)); !ok {
		return s, false
	}
	if s.remote, ok = parseHexAddrPort(nextField(&line)); !ok {
		return s, false
	}
	state, err := strconv.ParseUint(string(nextField(&line)), 16, 8)
	if err != nil {
		return s, false
	}
	s.state = uint8(state)
	for range 5 { // queues, timer, retransmissions, user, probes
		nextField(&line)
	}
	if inode, ok := parseNumber(nextField(&line)); ok && inode <= math.MaxUint32 {
		s.inode = uint32(inode)
	}
	return s, true
}

// parseHexAddrPort reads "0100007F:0016": the address as words of 32 bits in the machine's order, the port.
func parseHexAddrPort(b []byte) (netip.AddrPort, bool) {
	text, portText, ok := bytes.Cut(b, []byte(":"))
	if !ok || len(text) != 8 && len(text) != 32 {
		return netip.AddrPort{}, false
	}
	var raw [16]byte
	n, err := hex.Decode(raw[:], text)
	if err != nil {
		return netip.AddrPort{}, false
	}
	for i := 0; i < n; i += 4 {
		binary.NativeEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	port, err := strconv.ParseUint(string(portText), 16, 16)
	if err != nil {
		return netip.AddrPort{}, false
	}
	addr, _ := netip.AddrFromSlice(raw[:n])
	return netip.AddrPortFrom(addr, uint16(port)), true
}
