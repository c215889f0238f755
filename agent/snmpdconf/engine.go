package snmpdconf

import (
	"encoding/hex"
	"strings"
)

// Engine is what the files say of the snmpEngineID. The zero Engine leaves it to the agent.
type Engine struct {
	ID   string // the octets, by engineID or exactEngineID
	Type EngineIDType
	NIC  string // engineIDNic; "" is DefaultNIC
}

// EngineIDType is from what an snmpEngineID is made: the fifth octet of RFC 3411's format.
type EngineIDType uint8

// The types that engineIDType names.
const (
	EngineIDIPv4 EngineIDType = 1
	EngineIDIPv6 EngineIDType = 2
	EngineIDMAC  EngineIDType = 3
)

// EngineIDPrefix begins an snmpEngineID in RFC 3411's format, of Net-SNMP's enterprise number 8072; the type follows.
const EngineIDPrefix = "\x80\x00\x1f\x88"

// DefaultNIC is the interface whose hardware address an snmpEngineID of EngineIDMAC is made from.
const DefaultNIC = "eth0"

const (
	engineIDText   = "\x04"
	minEngineID    = 5 // octets, RFC 3411
	maxEngineID    = 32
	maxEngineIDTxt = maxEngineID - len(EngineIDPrefix) - 1
)

// engineID takes the rest of the line as it stands for the text of an snmpEngineID.
func (p *parser) engineID(name, value string) {
	if len(value) > maxEngineIDTxt {
		p.errorf("%s is %d octets long; the most is %d", name, len(value), maxEngineIDTxt)
		return
	}
	p.once("engineID")
	p.config.Engine.ID = EngineIDPrefix + engineIDText + value
}

// exactEngineID reads the octets of an snmpEngineID in hex.
func (p *parser) exactEngineID(name, value string) {
	word, ok := bare(value)
	octets, err := hex.DecodeString(strings.TrimPrefix(strings.ToLower(word), "0x"))
	if !ok || err != nil || len(octets) < minEngineID || len(octets) > maxEngineID {
		p.errorf("%s must be %d to %d octets in hex, such as 0x80001f8804766d31", name, minEngineID, maxEngineID)
		return
	}
	p.once("engineID")
	p.config.Engine.ID = string(octets)
}

func (p *parser) engineIDType(name, value string) {
	word, ok := bare(value)
	if !ok || len(word) != 1 || word[0] < '1' || word[0] > '3' {
		p.errorf("%s must be 1 (IPv4 address), 2 (IPv6 address) or 3 (hardware address)", name)
		return
	}
	p.once(name)
	p.config.Engine.Type = EngineIDType(word[0] - '0')
}

func (p *parser) engineIDNIC(name, value string) {
	word, ok := bare(value)
	if !ok {
		p.errorf("%s has more than one value", name)
		return
	}
	p.once(name)
	p.config.Engine.NIC = word
}

// persistentDir takes the rest of the line for a folder.
func (p *parser) persistentDir(name, value string) {
	p.once(name)
	p.config.StateDir = value
}
