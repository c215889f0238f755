package main

import (
	"fmt"
	"time"

	"github.com/gosnmp/gosnmp"

	"walkabout/snmp"
)

// The user that the daemons know, and whom SNMPv3 requests are from.
const (
	v3User         = "bench"
	v3AuthPassword = "authpassword"
	v3PrivPassword = "privpassword"
	v3Config       = "createUser " + v3User + " SHA " + v3AuthPassword + " AES " + v3PrivPassword + "\nrouser " + v3User + " priv\n"
)

// v3Client seals requests to a daemon and opens its answers. The same octets are sent again and again: neither daemon remembers what it has
// answered within the time window, and each message costs it all that a new one would.
type v3Client struct{ session *gosnmp.GoSNMP }

// newV3Client finds out the daemon's engine and its time.
func newV3Client(d *daemon) (*v3Client, error) {
	x := &gosnmp.GoSNMP{Target: d.Addr.Addr().String(), Port: d.Addr.Port(), Version: gosnmp.Version3, Timeout: 5 * time.Second, MaxOids: gosnmp.MaxOids,
		SecurityModel: gosnmp.UserSecurityModel, MsgFlags: gosnmp.AuthPriv, SecurityParameters: &gosnmp.UsmSecurityParameters{UserName: v3User,
			AuthenticationProtocol: gosnmp.SHA, AuthenticationPassphrase: v3AuthPassword,
			PrivacyProtocol: gosnmp.AES, PrivacyPassphrase: v3PrivPassword}}
	if err := x.Connect(); err != nil {
		return nil, fmt.Errorf("SNMPv3: %w", err)
	}
	if _, err := x.Get([]string{"1.3.6.1.2.1.1.3.0"}); err != nil {
		_ = x.Conn.Close()
		return nil, fmt.Errorf("SNMPv3: %w", err)
	}
	return &v3Client{x}, nil
}

func (c *v3Client) close() { _ = c.session.Conn.Close() }

// seal returns p as a message of level authPriv with the request-id firstID.
func (c *v3Client) seal(p snmp.PDU) ([]byte, error) {
	var list []gosnmp.SnmpPDU
	for _, vb := range p.VarBinds {
		list = append(list, gosnmp.SnmpPDU{Name: vb.Name.String(), Type: gosnmp.Null})
	}
	c.session.SetRequestID(firstID - 1)
	return c.session.SnmpEncodePacket(gosnmp.PDUType(p.Type), list, uint8(p.NonRepeaters()), uint32(p.MaxRepetitions()))
}

// open checks an answer and returns its request-id.
func (c *v3Client) open(b []byte, varBinds int) (int32, error) {
	p, err := c.session.SnmpDecodePacket(b)
	if err != nil {
		return 0, fmt.Errorf("SNMPv3: %w", err)
	}
	if p.PDUType != gosnmp.GetResponse || p.Error != gosnmp.NoError || len(p.Variables) != varBinds {
		return 0, fmt.Errorf("SNMPv3: a PDU of type %v with %v and %d variable bindings, of %d", p.PDUType, p.Error, len(p.Variables), varBinds)
	}
	for _, v := range p.Variables {
		switch v.Type {
		case gosnmp.Counter32, gosnmp.Counter64, gosnmp.TimeTicks:
		default:
			return 0, fmt.Errorf("SNMPv3: %s is of type %v", v.Name, v.Type)
		}
	}
	return int32(p.RequestID), nil
}
