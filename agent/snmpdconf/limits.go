package snmpdconf

import (
	"strconv"
	"strings"
	"time"
)

// Limits is what protects the agent and others from too much. A field that is 0 is not set.
type Limits struct {
	MaxUnauthenticatedSize int // octets of an answer by UDP to v1, v2c and noAuthNoPriv: 484 to 65507 (maxUnauthenticatedSize)
	// RequestsPerSecond is of one source, Burst how many may come at once (maxRequestsPerSecond).
	RequestsPerSecond, Burst int
	// Connections may be open, ConnectionsPerSource of them from one source (maxConnections).
	Connections, ConnectionsPerSource int
	// IdleTimeout is for a connection without a request, MessageTimeout for one request to arrive or one answer to be accepted
	// (connectionTimeout).
	IdleTimeout, MessageTimeout time.Duration
	// ReceiveBuffer and SendBuffer are octets of each UDP socket (serverRecvBuf, serverSendBuf).
	ReceiveBuffer, SendBuffer int
}

// mostOfLimit is the largest number of a limit that is no number of octets: enough for anybody, and far from where a sum would overflow.
const mostOfLimit = 1_000_000

// maxBuffer is the most octets of a socket's buffer: half of what the kernel counts with 32 bits.
const maxBuffer = 1 << 30

// number reads a value that is one number.
func (p *parser) number(name, value string, least, most int, to *int) {
	if n, ok := p.numbers(name, value, least, most, 1); ok {
		p.once(name)
		*to = n[0]
	}
}

// numbers reads a value of one number or up to count; those that are not given are 0.
func (p *parser) numbers(name, value string, least, most, count int) ([]int, bool) {
	out := make([]int, count)
	words := strings.Fields(value)
	for i, word := range words {
		if word[0] == '#' {
			words = words[:i]
			break
		}
	}
	ok := len(words) > 0 && len(words) <= count
	for i := 0; ok && i < len(words); i++ {
		n, err := strconv.Atoi(words[i])
		out[i], ok = n, err == nil && n >= least && n <= most
	}
	if !ok && count > 1 {
		p.errorf("%s must be one number from %d to %d, or two", name, least, most)
	} else if !ok {
		p.errorf("%s must be one number from %d to %d", name, least, most)
	}
	return out, ok
}

func (p *parser) maxRequestsPerSecond(name, value string) {
	if n, ok := p.numbers(name, value, 0, mostOfLimit, 2); ok {
		p.once(name)
		p.config.Limits.RequestsPerSecond, p.config.Limits.Burst = n[0], n[1]
	}
}

func (p *parser) maxConnections(name, value string) {
	if n, ok := p.numbers(name, value, 1, mostOfLimit, 2); ok {
		p.once(name)
		p.config.Limits.Connections, p.config.Limits.ConnectionsPerSource = n[0], n[1]
	}
}

func (p *parser) connectionTimeout(name, value string) {
	if n, ok := p.numbers(name, value, 1, mostOfLimit, 2); ok {
		p.once(name)
		p.config.Limits.IdleTimeout, p.config.Limits.MessageTimeout = time.Duration(n[0])*time.Second, time.Duration(n[1])*time.Second
	}
}

// bulkLimit reads maxGetbulkRepeats or maxGetbulkResponses: a number of which 0 is the default, and less than that no bound.
func (p *parser) bulkLimit(name, value string, to *int) {
	word, ok := bare(value)
	n, err := strconv.ParseInt(word, 10, 32)
	if err != nil || !ok {
		p.errorf("%s must be one number; 0 is the default, -1 is no bound", name)
		return
	}
	p.once(name)
	*to = int(max(n, 0))
}
