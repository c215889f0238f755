package machine

import (
	"bytes"
	"errors"
	"math"
)

// errNoStats means that a file which should hold statistics has none that are known.
var errNoStats = errors.New("no statistics in it")

// column is what a name in the file stands for: a Stat, or messages of an ICMP type.
type column struct {
	kind columnKind
	id   uint8 // a Stat or an ICMP type
}

type columnKind uint8

const (
	columnUnknown columnKind = iota
	columnStat
	columnICMPIn
	columnICMPOut
)

var statByName = func() map[string]Stat {
	m := make(map[string]Stat, statCount)
	for s := range statCount {
		m[s.String()] = s
	}
	return m
}()

// columnOf returns what the kernel's name stands for, such as "TcpInSegs", "IcmpMsgInType3" or "Icmp6OutType133".
func columnOf(name []byte) column {
	if s, ok := statByName[string(name)]; ok {
		return column{columnStat, uint8(s)}
	}
	rest, ok := bytes.CutPrefix(name, []byte("IcmpMsg"))
	if !ok {
		if rest, ok = bytes.CutPrefix(name, []byte("Icmp6")); !ok {
			return column{}
		}
	}
	c := column{kind: columnICMPIn}
	number, ok := bytes.CutPrefix(rest, []byte("InType"))
	if !ok {
		c.kind = columnICMPOut
		if number, ok = bytes.CutPrefix(rest, []byte("OutType")); !ok {
			return column{}
		}
	}
	t, ok := parseNumber(number)
	if !ok || t > math.MaxUint8 {
		return column{}
	}
	c.id = uint8(t)
	return c
}

// setColumn sets what c stands for, and reports whether that is anything.
func (s *Stats) setColumn(c column, v uint64) bool {
	switch c.kind {
	case columnStat:
		s.set(Stat(c.id), v)
	case columnICMPIn:
		s.icmpType(c.id).In = v
	case columnICMPOut:
		s.icmpType(c.id).Out = v
	default:
		return false
	}
	return true
}

// snmpParser reads the form of /proc/net/snmp: for each protocol a line of names and a line of values, both begun by the protocol's
// name and a colon. It goes by names, and remembers what the lines of names meant, which hardly ever change.
type snmpParser struct {
	groups []snmpGroup // in the file's order
}

type snmpGroup struct {
	names   []byte // the whole line
	columns []column
}

// parse returns what b tells. Names that it does not know, and values that are no number, it leaves out.
func (p *snmpParser) parse(b []byte) (*Stats, error) {
	s := &Stats{}
	found := false
	var names, line []byte
	seen := 0
	for len(b) > 0 {
		line, b = cutLine(b)
		prefix := bytes.IndexByte(line, ':') + 1
		if prefix == 0 {
			continue
		}
		if !bytes.HasPrefix(names, line[:prefix]) {
			names = line
			continue
		}
		columns := p.columns(seen, names, prefix)
		seen++
		names = nil
		values := line[prefix:]
		for _, c := range columns {
			if v, ok := parseNumber(nextField(&values)); ok {
				found = s.setColumn(c, v) || found
			}
		}
	}
	if !found {
		return nil, errNoStats
	}
	return s, nil
}

// columns returns what the line of names means, the i-th of the file; prefix is the length of the protocol's name and colon.
func (p *snmpParser) columns(i int, names []byte, prefix int) []column {
	if i < len(p.groups) && bytes.Equal(p.groups[i].names, names) {
		return p.groups[i].columns
	}
	p.groups = p.groups[:min(i, len(p.groups))]
	g := snmpGroup{names: bytes.Clone(names)}
	full := bytes.Clone(names[:prefix-1])
	rest := names[prefix:]
	for name := nextField(&rest); len(name) > 0; name = nextField(&rest) {
		full = append(full[:prefix-1], name...)
		g.columns = append(g.columns, columnOf(full))
	}
	p.groups = append(p.groups, g)
	return g.columns
}

// parseSNMP6 reads the form of /proc/net/snmp6: a name and a value a line.
func parseSNMP6(b []byte) (*Stats, error) {
	s := &Stats{}
	found := false
	var line []byte
	for len(b) > 0 {
		line, b = cutLine(b)
		name := nextField(&line)
		if v, ok := parseNumber(nextField(&line)); ok {
			found = s.setColumn(columnOf(name), v) || found
		}
	}
	if !found {
		return nil, errNoStats
	}
	return s, nil
}

func cutLine(b []byte) (line, rest []byte) {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return b[:i], b[i+1:]
	}
	return b, nil
}

// nextField takes the next field off b; empty at its end.
func nextField(b *[]byte) []byte {
	rest := *b
	for len(rest) > 0 && isSpace(rest[0]) {
		rest = rest[1:]
	}
	end := 0
	for end < len(rest) && !isSpace(rest[end]) {
		end++
	}
	*b = rest[end:]
	return rest[:end]
}

func isSpace(c byte) bool { return c <= ' ' }

// parseNumber reads a decimal number of -2^63 to 2^64-1; a negative one is returned in two's complement.
func parseNumber(b []byte) (uint64, bool) {
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 20 {
		return 0, false
	}
	var n uint64
	for _, c := range b {
		d := uint64(c - '0')
		if d > 9 || n > (math.MaxUint64-d)/10 {
			return 0, false
		}
		n = 10*n + d
	}
	if !negative {
		return n, true
	}
	if n > 1<<63 {
		return 0, false
	}
	return -n, true
}
