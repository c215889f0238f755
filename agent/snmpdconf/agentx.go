package snmpdconf

import (
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"walkabout/snmp/oid"
)

// AgentX is how sub-agents are served (RFC 2741). The zero AgentX is that they are not.
type AgentX struct {
	Master  bool           // master agentx
	Sockets []AgentXSocket // agentXSocket; none is the default, /var/agentx/master
	Timeout time.Duration  // agentXTimeout; 0 is not set
	Retries int            // agentXRetries; -1 is not set
	Perms   AgentXPerms
	Allowed []oid.OID // agentXRegister: where sub-agents may register; nil is everywhere
}

// AgentXSocket is where sub-agents connect.
type AgentXSocket struct {
	Network string // unix, tcp4 or tcp6
	Address string // an absolute path, or HOST:PORT
}

func (s AgentXSocket) String() string { return s.Network + ":" + s.Address }

// AgentXPerms are the rights of unix sockets (agentXPerms). A mode of 0 is not set.
type AgentXPerms struct {
	Socket, Folder fs.FileMode
	User, Group    string // names or numbers; "" is not set
}

// agentXPort is AgentX' (RFC 2741 section 8.1).
const agentXPort = 705

// master turns AgentX on or off.
func (p *parser) master(name, value string) {
	switch word, _ := bare(value); strings.ToLower(word) {
	case "0", "off", "no", "false", "disable", "disabled":
		p.config.AgentX.Master = false
	case "agentx", "all", "1", "on", "yes", "true", "enable", "enabled":
		p.config.AgentX.Master = true
	default:
		p.warnf("%s: %s is nothing that this agent is the master of: agentx is", name, clip(word))
	}
}

func (p *parser) agentXSocket(name, value string) {
	w, ok := p.split(name, value, "[TRANSPORT:]ADDRESS[,...]", 1, 1)
	if !ok {
		return
	}
	p.once(name)
	p.config.AgentX.Sockets = nil
	for text := range strings.SplitSeq(w[0], ",") {
		s, err := ParseAgentXSocket(text)
		if err != nil {
			p.errorf("%s: %v", name, err)
			continue
		}
		p.config.AgentX.Sockets = append(p.config.AgentX.Sockets, s)
	}
}

// ParseAgentXSocket reads an address as agentXSocket has it: unix:PATH or a PATH from the root, tcp:HOST:PORT, HOST:PORT, HOST or PORT. The port is
// 705 and the host this one's loopback address unless they are given.
func ParseAgentXSocket(text string) (AgentXSocket, error) {
	rest, isUnix := strings.CutPrefix(text, "unix:")
	if isUnix || strings.HasPrefix(text, "/") {
		if !strings.HasPrefix(rest, "/") {
			return AgentXSocket{}, fmt.Errorf("%s: the path of a unix socket begins with /", clip(text))
		}
		return AgentXSocket{Network: "unix", Address: rest}, nil
	}
	network, host := "tcp4", "127.0.0.1"
	switch {
	case strings.HasPrefix(rest, "tcp:"):
		rest = rest[len("tcp:"):]
	case strings.HasPrefix(rest, "tcp6:"):
		network, host, rest = "tcp6", "::1", rest[len("tcp6:"):]
	}
	port := strconv.Itoa(agentXPort)
	if _, err := strconv.Atoi(rest); err == nil {
		port = rest
	} else if h, p, err := net.SplitHostPort(rest); err == nil {
		port = p
		if h != "" {
			host = h
		}
	} else if rest != "" {
		host = strings.Trim(rest, "[]")
	}
	if strings.Contains(host, ":") {
		if a, err := netip.ParseAddr(host); err != nil || network != "tcp6" {
			host = "/" // no other transport, and no IPv6 without saying so
		} else {
			host = a.String()
		}
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strings.ContainsAny(host, " /") {
		return AgentXSocket{}, fmt.Errorf("%s: write unix:PATH, tcp:HOST:PORT or tcp6:HOST:PORT, such as tcp:127.0.0.1:%d", clip(text), agentXPort)
	} else {
		return AgentXSocket{Network: network, Address: net.JoinHostPort(host, strconv.FormatUint(n, 10))}, nil
	}
}

func (p *parser) agentXTimeout(name, value string) {
	n := 0
	p.number(name, value, 1, 3600, &n)
	p.config.AgentX.Timeout = time.Duration(n) * time.Second
}

func (p *parser) agentXPerms(name, value string) {
	w, ok := p.split(name, value, "SOCKETMODE [FOLDERMODE [USER [GROUP]]]", 1, 4)
	if !ok {
		return
	}
	p.once(name)
	var perms AgentXPerms
	for i, to := range []*fs.FileMode{&perms.Socket, &perms.Folder} {
		if i >= len(w) {
			break
		}
		mode, err := strconv.ParseUint(w[i], 8, 16)
		if err != nil || mode == 0 || mode > 0o777 {
			p.errorf("%s: %s is no mode: write octal digits such as 660", name, clip(w[i]))
			return
		}
		*to = fs.FileMode(mode)
	}
	if len(w) > 2 {
		perms.User = w[2]
	}
	if len(w) > 3 {
		perms.Group = w[3]
	}
	p.config.AgentX.Perms = perms
}

func (p *parser) agentXRegister(name, value string) {
	w, ok := p.split(name, value, "OID...", 1, 0)
	if !ok {
		return
	}
	for _, text := range w {
		o, err := oid.Parse(text)
		if err != nil {
			p.errorf("%s: %s: write the OID in numbers", name, clip(text))
			continue
		}
		p.config.AgentX.Allowed = append(p.config.AgentX.Allowed, o)
	}
}
