package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/vacm"
)

// TargetAddr is a row of snmpTargetAddrTable (RFC 3413) and of snmpTargetAddrExtTable (RFC 3584).
type TargetAddr struct {
	Name    string  // 1 to 32 octets
	Domain  oid.OID // of the transport: snmpUDPDomain (RFC 3417), or one of TRANSPORT-ADDRESS-MIB
	Address string  // TAddress: the octets that Domain gives a meaning
	Timeout int32   // hundredths of a second
	Retries int32   // 0 to 255
	TagList string  // with one blank, tab, CR or LF between tags
	Params  string  // the Name of TargetParams
	Mask    string  // as long as Address, or empty for one of all ones
	MMS     int32   // the largest message that is sent there, in octets; 0 is not known
}

// TargetParams is a row of snmpTargetParamsTable (RFC 3413).
type TargetParams struct {
	Name         string // 1 to 32 octets
	MPModel      int32  // 0 is SNMPv1, 1 SNMPv2c, 3 SNMPv3
	Model        vacm.SecurityModel
	SecurityName string
	Level        snmp.SecurityLevel
}

var (
	targetObjects = snmpModules.Append(12, 1)
	targetAddrs   = targetObjects.Append(2, 1)
	targetParams  = targetObjects.Append(3, 1)
	targetAddrExt = communityObjects.Append(2, 1)
)

// The places of the cells of the two tables.
const (
	addrDomain = iota
	addrAddress
	addrTimeout
	addrRetries
	addrTagList
	addrParams
	addrStorage
	addrStatus
	addrMask
	addrMMS
)

const (
	paramsMPModel = iota
	paramsModel
	paramsSecurityName
	paramsLevel
	paramsStorage
	paramsStatus
)

var nameKey = key{implied(name32)}

var (
	snmpUDPDomain    = oid.New(1, 3, 6, 1, 6, 1, 1)      // RFC 3417
	transportDomains = oid.New(1, 3, 6, 1, 2, 1, 100, 1) // RFC 3419

	snmpTLSTCPDomain  = oid.New(1, 3, 6, 1, 6, 1, 8) // RFC 9456
	snmpDTLSUDPDomain = oid.New(1, 3, 6, 1, 6, 1, 9)
)

// LocalDomain is the transport domain of unix sockets, whose TAddresses are paths (RFC 3419, transportDomainLocal).
var LocalDomain = transportDomains.Append(13)

// tlsAddress reports whether a is an SnmpTLSAddress: an IP address, of IPv6 in brackets, or a host's name, a colon and a port.
func tlsAddress(a string) bool {
	host, port, err := net.SplitHostPort(a)
	n, number := strconv.ParseUint(port, 10, 16)
	return err == nil && number == nil && n > 0 && host != ""
}

// addressSizes are the octets of the TAddresses of IP's transports: an address and a port, in network order.
var addressSizes = map[oid.OID]int{
	snmpUDPDomain:              6,
	transportDomains.Append(1): 6,  // UDP over IPv4
	transportDomains.Append(2): 18, // UDP over IPv6
	transportDomains.Append(5): 6,  // TCP over IPv4
	transportDomains.Append(6): 18, // TCP over IPv6
}

// TransportAddress returns the transport domain and the TAddress of a receiver by UDP (udp4, udp6), TCP (tcp4, tcp6), TLS (tlstcp4, tlstcp6) or DTLS
// (dtlsudp4, dtlsudp6): an IP address, or else a host's name.
func TransportAddress(network, host string, port uint16) (domain oid.OID, address string) {
	switch {
	case strings.HasPrefix(network, "tls"):
		return snmpTLSTCPDomain, net.JoinHostPort(host, strconv.Itoa(int(port)))
	case strings.HasPrefix(network, "dtls"):
		return snmpDTLSUDPDomain, net.JoinHostPort(host, strconv.Itoa(int(port)))
	}
	ipv4, ipv6, name := snmpUDPDomain, transportDomains.Append(2), transportDomains.Append(14) // transportDomainUdpDns
	if strings.HasPrefix(network, "tcp") {
		ipv4, ipv6, name = transportDomains.Append(5), transportDomains.Append(6), transportDomains.Append(15)
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || ip.Zone() != "" {
		return name, net.JoinHostPort(host, strconv.Itoa(int(port)))
	}
	domain = ipv6
	if ip = ip.Unmap(); ip.Is4() {
		domain = ipv4
	}
	return domain, string(binary.BigEndian.AppendUint16(ip.AsSlice(), port))
}

// Prefix returns the IP addresses that a means by its mask, whatever the port; false if it is of another transport, or if they are no
// prefix.
func (a *TargetAddr) Prefix() (netip.Prefix, bool) {
	size := addressSizes[a.Domain]
	if size == 0 || len(a.Address) != size || a.Mask != "" && len(a.Mask) != size {
		return netip.Prefix{}, false
	}
	size -= 2
	ip, _ := netip.AddrFromSlice([]byte(a.Address[:size])) // of a length that is one
	if a.Mask == "" {
		return netip.PrefixFrom(ip, ip.BitLen()), true
	}
	ones, ended := 0, false
	for i := range 8 * size {
		switch bit := a.Mask[i/8]&(0x80>>(i%8)) != 0; {
		case bit && ended:
			return netip.Prefix{}, false
		case bit:
			ones++
		default:
			ended = true
		}
	}
	return netip.PrefixFrom(ip, ones).Masked(), true
}

func snmpTargetAddrTable() *table {
	none := snmp.OctetString("")
	return &table{
		key: nameKey,
		columns: []column{
			addrDomain:  {name: targetAddrs.Append(2), syntax: pointer(nil), must: true, frozen: true},
			addrAddress: {name: targetAddrs.Append(3), syntax: octets(1, 255), must: true, frozen: true},
			addrTimeout: {name: targetAddrs.Append(4), syntax: anyInteger, value: snmp.Integer(1500)},
			addrRetries: {name: targetAddrs.Append(5), syntax: integer(0, 255), value: snmp.Integer(3)},
			addrTagList: {name: targetAddrs.Append(6), syntax: tagList, value: none},
			addrParams:  {name: targetAddrs.Append(7), syntax: name32, must: true},
			addrStorage: {name: targetAddrs.Append(8), syntax: storageType},
			addrStatus:  {name: targetAddrs.Append(9), syntax: rowStatus},
			addrMask:    {name: targetAddrExt.Append(1), syntax: octets(0, 255), value: none, frozen: true},
			addrMMS: {name: targetAddrExt.Append(2), value: snmp.Integer(snmp.MinMaxSize), syntax: syntax{
				kind: snmp.KindInteger, max: math.MaxInt32, valid: func(v snmp.Value) bool { return v.Int() == 0 || v.Int() >= snmp.MinMaxSize },
			}},
		},
		storage: addrStorage,
		status:  addrStatus,
		check: func(_ *MIB, r *row) error {
			a := targetAddrOf(r)
			if n, known := addressSizes[a.Domain]; known && len(a.Address) != n {
				return errors.New("the address is not of the length that its domain has")
			}
			if (a.Domain == snmpTLSTCPDomain || a.Domain == snmpDTLSUDPDomain) && !tlsAddress(a.Address) {
				return errors.New("an address of TLS or DTLS is written HOST:PORT")
			}
			if len(a.Mask) != 0 && len(a.Mask) != len(a.Address) {
				return errors.New("the mask is not as long as the address")
			}
			return nil
		},
	}
}

func targetAddrOf(r *row) TargetAddr {
	index, _ := nameKey.parse(r.index)
	return TargetAddr{
		Name: index[0].Octets(), Domain: r.cells[addrDomain].OID(), Address: r.cells[addrAddress].Octets(),
		Timeout: int32(r.cells[addrTimeout].Int()), Retries: int32(r.cells[addrRetries].Int()), TagList: r.cells[addrTagList].Octets(),
		Params: r.cells[addrParams].Octets(), Mask: r.cells[addrMask].Octets(), MMS: int32(r.cells[addrMMS].Int()),
	}
}

// row returns the row of a, which the configuration says.
func (a *TargetAddr) row(t *table) *row {
	r := t.configured(appendText(oid.OID{}, a.Name))
	r.cells[addrDomain], r.cells[addrAddress] = snmp.ObjectID(a.Domain), snmp.OctetString(a.Address)
	r.cells[addrTimeout], r.cells[addrRetries] = snmp.Integer(a.Timeout), snmp.Integer(a.Retries)
	r.cells[addrTagList], r.cells[addrParams] = snmp.OctetString(a.TagList), snmp.OctetString(a.Params)
	r.cells[addrMask], r.cells[addrMMS] = snmp.OctetString(a.Mask), snmp.Integer(a.MMS)
	return r
}

// models are the message processing models, and the security models that belong to each.
var models = map[int32][]vacm.SecurityModel{0: {vacm.V1}, 1: {vacm.V2c}, 3: {vacm.USM, vacm.TSM}}

func snmpTargetParamsTable() *table {
	return &table{
		key: nameKey,
		columns: []column{
			paramsMPModel:      {name: targetParams.Append(2), syntax: anyInteger, must: true, frozen: true},
			paramsModel:        {name: targetParams.Append(3), syntax: model, must: true, frozen: true},
			paramsSecurityName: {name: targetParams.Append(4), syntax: adminString(0, 255), must: true, frozen: true},
			paramsLevel:        {name: targetParams.Append(5), syntax: level, must: true, frozen: true},
			paramsStorage:      {name: targetParams.Append(6), syntax: storageType},
			paramsStatus:       {name: targetParams.Append(7), syntax: rowStatus},
		},
		storage: paramsStorage,
		status:  paramsStatus,
		check: func(_ *MIB, r *row) error {
			p := targetParamsOf(r)
			if !slices.Contains(models[p.MPModel], p.Model) {
				return errors.New("the message processing model and the security model do not go together, or are not supported")
			}
			if p.MPModel != 3 && p.Level != snmp.NoAuthNoPriv {
				return errors.New("SNMPv1 and SNMPv2c have no authentication")
			}
			return nil
		},
	}
}

func targetParamsOf(r *row) TargetParams {
	index, _ := nameKey.parse(r.index)
	return TargetParams{
		Name: index[0].Octets(), MPModel: int32(r.cells[paramsMPModel].Int()), Model: vacm.SecurityModel(r.cells[paramsModel].Int()),
		SecurityName: r.cells[paramsSecurityName].Octets(), Level: snmp.SecurityLevel(r.cells[paramsLevel].Int()),
	}
}

// row returns the row of p, which the configuration says.
func (p *TargetParams) row(t *table) *row {
	r := t.configured(appendText(oid.OID{}, p.Name))
	r.cells[paramsMPModel], r.cells[paramsModel] = snmp.Integer(p.MPModel), snmp.Integer(int32(p.Model))
	r.cells[paramsSecurityName], r.cells[paramsLevel] = snmp.OctetString(p.SecurityName), snmp.Integer(int32(p.Level))
	return r
}

// targetScalars has snmpUnavailableContexts, which are none, for every context is here, and snmpUnknownContexts.
func (m *MIB) targetScalars() mib.Group {
	return mib.Group{Entry: targetObjects, Columns: []uint32{4, 5}, Open: func(context.Context, *mib.Request) mib.Snapshot {
		return mib.Scalars(func(column uint32) (snmp.Value, bool) {
			if column == 4 {
				return snmp.Counter32(0), true
			}
			return snmp.Counter32(uint32(m.options.MPD.UnknownContexts.Load())), true
		})
	}}
}
