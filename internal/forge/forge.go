// Package forge puts SNMPv3 messages together for tests of what must refuse them: any part can be wrong, and what is around it right.
package forge

import (
	"encoding/binary"
	"fmt"
	"slices"

	"walkabout/snmp"
	"walkabout/snmp/ber"
	"walkabout/snmp/usm"
)

// MessageID is the msgID of every Message.
const MessageID = 4711

// Message is an SNMPv3 message of User, whose keys need not be those that the engine knows.
type Message struct {
	User        usm.User
	EngineID    string // msgAuthoritativeEngineID
	Boots, Time int32
	Flags       snmp.Flags
	Model       int32  // msgSecurityModel
	MaxSize     int32  // msgMaxSize
	Salt        string // msgPrivacyParameters; those of eight octets are used as such

	Plain bool // msgData is not encrypted, whatever Flags says
	Cut   int  // octets that the digest is too short by

	Scoped  snmp.ScopedPDU
	Content []byte // the octets of an encrypted message in the place of Scoped
}

// To returns a message of u to an engine that is right in every part, at u's level and reportable.
func To(engineID string, boots, time uint32, u usm.User, p snmp.PDU) Message {
	return Message{
		User: u, EngineID: engineID, Boots: int32(boots), Time: int32(time), Flags: u.Level().Flags() | snmp.ReportableFlag,
		Model: snmp.USMSecurityModel, MaxSize: snmp.MaxMessageSize, Salt: "saltsalt", Scoped: snmp.ScopedPDU{ContextEngineID: engineID, PDU: p},
	}
}

// Encode returns m's octets; an error is one of User's keys.
func (m *Message) Encode() ([]byte, error) {
	v3 := snmp.MessageV3{ID: MessageID, MaxSize: m.MaxSize, Flags: m.Flags, SecurityModel: m.Model, Data: m.Scoped.AppendContent(nil)}
	p := usm.Parameters{EngineID: []byte(m.EngineID), Boots: m.Boots, Time: m.Time, User: []byte(m.User.Name)}
	if m.Flags&snmp.PrivFlag != 0 && !m.Plain {
		c, err := usm.NewCipher(m.User.Priv, m.User.PrivKey)
		if err != nil {
			return nil, err
		}
		content := m.Content
		if content == nil {
			content = m.Scoped.Append(nil)
		}
		salt := uint64(1)
		if len(m.Salt) == usm.SaltLen {
			salt = binary.BigEndian.Uint64([]byte(m.Salt))
		}
		v3.Encrypted, p.Priv = true, []byte(m.Salt)
		v3.Data = c.Encrypt(nil, content, uint32(m.Boots), uint32(m.Time), salt)
	}
	auth := usm.NoAuth
	if m.Flags&snmp.AuthFlag != 0 {
		auth = m.User.Auth
	}
	var digest int
	v3.Security, digest = p.Append(nil, auth)
	if m.Cut > 0 {
		v3.Security = cut(v3.Security, digest, auth.DigestLen(), m.Cut)
		out, _ := v3.Append(nil)
		return out, nil
	}
	out, security := v3.Append(nil)
	if auth != usm.NoAuth {
		a, err := usm.NewAuthenticator(auth, m.User.AuthKey)
		if err != nil {
			return nil, err
		}
		a.Sign(out, security+digest)
	}
	return out, nil
}

// cut takes n octets off the digest of length octets at the place digest of security, with the lengths around it right.
func cut(security []byte, digest, length, n int) []byte {
	before, after := security[2:digest-2], security[digest+length:]
	short := ber.AppendString(nil, ber.TagOctetString, string(security[digest:digest+length-n]))
	return ber.AppendString(nil, ber.TagSequence, string(slices.Concat(before, short, after)))
}

// Answer is an opened message.
type Answer struct {
	Flags    snmp.Flags
	Security usm.Parameters
	Scoped   snmp.ScopedPDU
}

// Open opens an answer to u in its place; an error if it is none, or if it has a digest that is wrong.
func Open(u usm.User, b []byte) (a Answer, err error) {
	m, err := snmp.ParseV3(b)
	if err != nil {
		return a, err
	}
	a.Flags = m.Flags
	if a.Security, err = usm.Parse(m.Security); err != nil {
		return a, err
	}
	if m.Flags&snmp.AuthFlag != 0 {
		check, err := usm.NewAuthenticator(u.Auth, u.AuthKey)
		if err != nil {
			return a, err
		}
		if len(a.Security.Auth) != u.Auth.DigestLen() || !check.Verify(b, ber.Offset(b, a.Security.Auth)) {
			return a, usm.ErrNotAuthentic
		}
	}
	content := m.Data
	if m.Encrypted {
		if content, err = decrypt(u, &a.Security, m.Data); err != nil {
			return a, err
		}
	}
	err = new(snmp.Decoder).DecodeScoped(content, &a.Scoped)
	return a, err
}

func decrypt(u usm.User, p *usm.Parameters, data []byte) ([]byte, error) {
	c, err := usm.NewCipher(u.Priv, u.PrivKey)
	if err != nil {
		return nil, err
	}
	if len(p.Priv) != usm.SaltLen {
		return nil, fmt.Errorf("a salt of %d octets", len(p.Priv))
	}
	if err := c.Decrypt(data, uint32(p.Boots), uint32(p.Time), binary.BigEndian.Uint64(p.Priv)); err != nil {
		return nil, err
	}
	return snmp.DecryptedContent(data)
}
