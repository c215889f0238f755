package notify

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"walkabout/internal/secret"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
	"walkabout/snmp/vacm"
)

// TargetAddr is a row of snmpTargetAddrTable (RFC 3413 section 4.1).
type TargetAddr struct {
	Name       string
	TDomain    oid.OID
	TAddress   string // octets
	Timeout    int32  // hundredths of a second
	RetryCount int32
	TagList    string // tags with white space between
	Params     string // a name of TargetParams
}

// TargetParams is a row of snmpTargetParamsTable.
type TargetParams struct {
	Name          string
	MPModel       int32 // SnmpMessageProcessingModel: 0 SNMPv1, 1 SNMPv2c, 3 SNMPv3
	SecurityModel vacm.SecurityModel
	SecurityName  string
	SecurityLevel snmp.SecurityLevel
}

// Entry is a row of snmpNotifyTable (RFC 3413 section 4.2).
type Entry struct {
	Name   string
	Tag    string
	Inform bool // snmpNotifyType
}

// FilterProfile is a row of snmpNotifyFilterProfileTable.
type FilterProfile struct {
	Params  string // a name of TargetParams
	Profile string
}

// FilterEntry is a row of snmpNotifyFilterTable.
type FilterEntry struct {
	Profile string
	vacm.Family
}

// Tables is the active rows of the tables that say who is to be notified. The first row of a name counts.
type Tables struct {
	Addrs    []TargetAddr
	Params   []TargetParams
	Notify   []Entry
	Profiles []FilterProfile
	Filters  []FilterEntry

	Policy *vacm.Policy // whose notify views apply
	// Community returns the community that stands for a securityName (RFC 3584 section 5.2.3); false if none does.
	Community func(securityName string) (secret.String, bool)
	// User returns the user of a securityName with keys at an engine.
	User func(engineID, securityName string) (usm.User, error)
	// Dial returns how sessions of TLS and DTLS are opened to a row of snmpTargetAddrTable with its row of snmpTargetParamsTable, by their names,
	// which are those of rows of snmpTlstmAddrTable and snmpTlstmParamsTable. nil is that there are none.
	Dial func(addr, params string) DialFunc
	// Prefix says that security names by TLS and DTLS begin with the transport's prefix (snmpTsmConfigurationUsePrefix).
	Prefix bool
}

// The most targets that tables select, each of which takes a goroutine, and the most rows of no use that are told of.
const (
	maxTargets = 1000
	maxErrors  = 20
)

// ErrTooMany is wrapped by the error of Tables that select more than 1000 targets: those behind are left out.
var ErrTooMany = errors.New("too many targets of notifications")

// Targets returns what the tables select (RFC 3413 section 3.3): a target for each row of snmpNotifyTable and each address that has its
// tag. An address of no use (of an unknown transport, or whose parameters or community are not there) gives none, and is told by the error, which
// joins one for each of the first 20.
func (t *Tables) Targets() ([]Target, error) {
	var out []Target
	var errs []error
	lists := make([][]string, len(t.Addrs)) // the tags of each
	for i := range t.Addrs {
		lists[i] = strings.FieldsFunc(t.Addrs[i].TagList, isDelimiter)
	}
	selected := map[string][]Target{} // by tag
	for _, n := range t.Notify {
		if n.Tag == "" {
			continue
		}
		if _, known := selected[n.Tag]; !known {
			var bad []error
			selected[n.Tag], bad = t.tagged(n.Tag, lists)
			errs = append(errs, bad[:min(len(bad), maxErrors-len(errs))]...)
		}
		for _, target := range selected[n.Tag] {
			if len(out) == maxTargets {
				return out, errors.Join(append(errs, fmt.Errorf("%w: the first %d are notified", ErrTooMany, maxTargets))...)
			}
			target.Name = nameEscapes.Replace(target.Name) + "/" + nameEscapes.Replace(n.Name)
			target.Inform = n.Inform && target.Version != snmp.V1
			out = append(out, target)
		}
	}
	return out, errors.Join(errs...)
}

// tagged returns the targets that have a tag, with the names of their addresses.
func (t *Tables) tagged(tag string, lists [][]string) (out []Target, errs []error) {
	for i := range t.Addrs {
		a := &t.Addrs[i]
		if !slices.Contains(lists[i], tag) {
			continue
		}
		target, err := t.target(a)
		if err != nil {
			errs = append(errs, fmt.Errorf("snmpTargetAddrTable, row %q, which has the tag %q: %w", a.Name, tag, err))
			continue
		}
		out = append(out, target)
	}
	return out, errs
}

// isDelimiter tells what stands between tags (SnmpTagList).
func isDelimiter(r rune) bool { return r == ' ' || r == '\t' || r == '\r' || r == '\n' }

// nameEscapes keep two rows of other names from targets of one name.
var nameEscapes = strings.NewReplacer(`\`, `\\`, "/", `\/`)

func (t *Tables) target(a *TargetAddr) (Target, error) {
	i := slices.IndexFunc(t.Params, func(p TargetParams) bool { return p.Name == a.Params })
	if i < 0 {
		return Target{}, fmt.Errorf("snmpTargetParamsTable has no active row %q", a.Params)
	}
	p := &t.Params[i]
	out := Target{
		Name: a.Name, Version: snmp.Version(p.MPModel), Level: p.SecurityLevel,
		Timeout: time.Duration(a.Timeout) * 10 * time.Millisecond, Retries: int(a.RetryCount), Filter: t.filter(p.Name),
	}
	var err error
	if out.Network, out.Address, err = transportAddress(a.TDomain, a.TAddress); err != nil {
		return out, err
	}
	var model vacm.SecurityModel
	if out.secure() {
		if t.Dial == nil {
			return out, fmt.Errorf("%w: there is no TLS", ErrTransport)
		}
		out.Dial = t.Dial(a.Name, p.Name)
	}
	switch {
	case out.Version == snmp.V3 && p.SecurityModel == vacm.TSM:
		if model, out.TSM = vacm.TSM, true; !out.secure() {
			return out, errors.New("the Transport Security Model needs an address of TLS or DTLS")
		}
		prefix, _, found := strings.Cut(p.SecurityName, ":")
		out.Misnamed = t.Prefix && !(found && strings.HasPrefix(out.Network, prefix) && (prefix == "tls" || prefix == "dtls"))
	case out.Version == snmp.V3 && p.SecurityModel == vacm.USM:
		model = vacm.USM
		out.User = func(engineID string) (usm.User, error) { return t.User(engineID, p.SecurityName) }
	case (out.Version == snmp.V1 || out.Version == snmp.V2c) && (p.SecurityModel == vacm.V1 || p.SecurityModel == vacm.V2c):
		model = p.SecurityModel
		var ok bool
		if out.Community, ok = t.Community(p.SecurityName); !ok {
			return out, fmt.Errorf("no community has the security name %q", p.SecurityName)
		}
	default:
		return out, fmt.Errorf("the security model %d does not go with the message processing model %d", p.SecurityModel, p.MPModel)
	}
	if out.View, err = t.Policy.Allowed(model, p.SecurityName, p.SecurityLevel, "", vacm.Notify); err != nil {
		return out, fmt.Errorf("security name %q may be notified of nothing: %w", p.SecurityName, err)
	}
	return out, nil
}

// filter returns the filter of target parameters; nil if they have no profile.
func (t *Tables) filter(params string) *Filter {
	i := slices.IndexFunc(t.Profiles, func(p FilterProfile) bool { return p.Params == params })
	if i < 0 {
		return nil
	}
	var families []vacm.Family
	for _, f := range t.Filters {
		if f.Profile == t.Profiles[i].Profile {
			families = append(families, f.Family)
		}
	}
	return NewFilter(families...)
}

// The transport domains of UDP and TCP (RFC 3417 section 3.1, RFC 3419 section 3), TLS and DTLS (RFC 9456).
var (
	snmpUDPDomain            = oid.New(1, 3, 6, 1, 6, 1, 1)
	snmpTLSTCPDomain         = oid.New(1, 3, 6, 1, 6, 1, 8)
	snmpDTLSUDPDomain        = oid.New(1, 3, 6, 1, 6, 1, 9)
	transportDomains         = oid.New(1, 3, 6, 1, 2, 1, 100, 1)
	transportDomainUDPIPv4   = transportDomains.Append(1)
	transportDomainUDPIPv6   = transportDomains.Append(2)
	transportDomainUDPIPv6z  = transportDomains.Append(4)
	transportDomainTCPIPv4   = transportDomains.Append(5)
	transportDomainTCPIPv6   = transportDomains.Append(6)
	transportDomainTCPIPv6z  = transportDomains.Append(8)
	transportDomainUDPByName = transportDomains.Append(14) // transportDomainUdpDns
	transportDomainTCPByName = transportDomains.Append(15) // transportDomainTcpDns
	transportDomainLocal     = transportDomains.Append(13)
)

// ErrTransport means a transport domain or an address that notifications cannot be sent to.
var ErrTransport = errors.New("not an address of UDP, TCP, TLS, DTLS or a unix socket")

// writtenDomains are the transport domains whose addresses are written: HOST:PORT, in which snmpTLSTCPDomain and snmpDTLSUDPDomain have IP addresses
// too (SnmpTLSAddress).
var writtenDomains = map[oid.OID]string{
	transportDomainUDPByName: "udp4", transportDomainTCPByName: "tcp4", snmpTLSTCPDomain: "tlstcp4", snmpDTLSUDPDomain: "dtlsudp4",
}

// transportAddress returns the network and HOST:PORT of a TAddress.
func transportAddress(domain oid.OID, a string) (network, address string, err error) {
	bad := fmt.Errorf("%w: domain %v, %d octets", ErrTransport, domain, len(a))
	if network := writtenDomains[domain]; network != "" {
		host, port, err := net.SplitHostPort(a)
		n, number := strconv.ParseUint(port, 10, 16)
		if err != nil || number != nil || n == 0 || host == "" {
			return "", "", bad
		}
		if ip, err := netip.ParseAddr(host); err == nil && ip.Is6() {
			network = strings.TrimSuffix(network, "4") + "6"
		}
		return network, a, nil
	}
	size, zone := 4, 0
	switch domain {
	case transportDomainLocal:
		if !strings.HasPrefix(a, "/") {
			return "", "", bad
		}
		return "unix", a, nil
	case snmpUDPDomain, transportDomainUDPIPv4:
		network = "udp4"
	case transportDomainUDPIPv6:
		network, size = "udp6", 16
	case transportDomainUDPIPv6z:
		network, size, zone = "udp6", 16, 4
	case transportDomainTCPIPv4:
		network = "tcp4"
	case transportDomainTCPIPv6:
		network, size = "tcp6", 16
	case transportDomainTCPIPv6z:
		network, size, zone = "tcp6", 16, 4
	default:
		return "", "", bad
	}
	if len(a) != size+zone+2 {
		return "", "", bad
	}
	ip, _ := netip.AddrFromSlice([]byte(a[:size])) // of a length that is one
	if zone > 0 {
		if index := binary.BigEndian.Uint32([]byte(a[size:])); index != 0 {
			ip = ip.WithZone(strconv.FormatUint(uint64(index), 10))
		}
	}
	port := binary.BigEndian.Uint16([]byte(a[len(a)-2:]))
	if port == 0 || ip.IsUnspecified() {
		return "", "", bad
	}
	return network, netip.AddrPortFrom(ip, port).String(), nil
}
