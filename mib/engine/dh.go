package engine

import (
	"context"
	"crypto/rand"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
)

// SNMP-USM-DH-OBJECTS-MIB (RFC 2786) without its kick-start: keys that are agreed upon by Diffie and Hellman, so that who knows the old key
// and hears the change does not know the new one.
var (
	usmDHPublicObjects = oid.New(1, 3, 6, 1, 3, 101, 1, 1)
	usmDHUserKeyEntry  = usmDHPublicObjects.Append(2, 1)
)

// The group is that of 2048 bits of RFC 3526 section 3; those that RFC 2786 names are too small by now. Managers take the group from
// usmDHParameters.
const (
	dhPrime = "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404dd" +
		"ef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed" +
		"ee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf0598da48361c55d39a69163fa8fd24cf5f" +
		"83655d23dca3ad961c62f356208552bb9ed529077096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3b" +
		"e39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf6955817183995497cea956ae515d2261898fa0510" +
		"15728e5a8aacaa68ffffffffffffffff"
	dhBase        = 2
	dhOctets      = 256
	dhPrivateBits = 512 // privateValueLength; RFC 3526 section 8 wants 320 at most
)

var dhGroup = struct{ p, g, last *big.Int }{p: mustHex(dhPrime), g: big.NewInt(dhBase), last: new(big.Int).Sub(mustHex(dhPrime), big.NewInt(2))}

func mustHex(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 16)
	if !ok {
		panic("no number: " + s)
	}
	return n
}

// agreement is our side of the next agreement: the values of all DHKeyChange objects, until one of them is SET. It is immutable.
type agreement struct {
	private *big.Int
	public  string // y, of dhOctets octets, the first of which is not 0
}

func newAgreement() (*agreement, error) {
	top := new(big.Int).Lsh(big.NewInt(1), dhPrivateBits-1)
	for {
		private, err := rand.Int(rand.Reader, top)
		if err != nil {
			return nil, fmt.Errorf("a random number: %w", err)
		}
		private.Add(private, top)
		public := new(big.Int).Exp(dhGroup.g, private, dhGroup.p)
		if b := public.Bytes(); len(b) == dhOctets {
			return &agreement{private, string(b)}, nil
		}
	}
}

// secret returns the octets of the shared secret with who sent z; false if z is none that an honest peer has.
func (a *agreement) secret(z string) ([]byte, bool) {
	n := new(big.Int).SetBytes([]byte(z))
	if len(z) > dhOctets || n.Cmp(big.NewInt(2)) < 0 || n.Cmp(dhGroup.last) > 0 {
		return nil, false
	}
	return n.Exp(n, a.private, dhGroup.p).FillBytes(make([]byte, dhOctets)), true
}

// dhColumns are the columns by which usmDHUserKeyTable augments usmUserTable; their cells are empty.
func dhColumns() []column {
	change := octets(0, 2*dhOctets)
	public := func(s *state) snmp.Value { return snmp.OctetString(s.agreement.public) }
	return []column{
		{name: usmDHUserKeyEntry.Append(1), syntax: change, shown: public, secret: true, assign: agreeAuthKey},
		{name: usmDHUserKeyEntry.Append(2), syntax: change, shown: public, secret: true, assign: own(agreeAuthKey)},
		{name: usmDHUserKeyEntry.Append(3), syntax: change, shown: public, secret: true, assign: agreePrivKey},
		{name: usmDHUserKeyEntry.Append(4), syntax: change, shown: public, secret: true, assign: own(agreePrivKey)},
	}
}

func agreeAuthKey(e *edit, v snmp.Value) (snmp.ErrorStatus, error) {
	p := usm.AuthProtocol(protocolOf(authProtocols, e.row.cells[userAuthProtocol]))
	return e.agreeKey(userAuthKey, p.KeyLen(), v)
}

func agreePrivKey(e *edit, v snmp.Value) (snmp.ErrorStatus, error) {
	p := usm.PrivProtocol(protocolOf(privProtocols, e.row.cells[userPrivProtocol]))
	return e.agreeKey(userPrivKey, p.KeyLen(), v)
}

// agreeKey sets a key of n octets by a DHKeyChange: our y, and the z of who asks. Where the user has no protocol, n is 0, and that changes nothing.
func (e *edit) agreeKey(column, n int, v snmp.Value) (snmp.ErrorStatus, error) {
	if e.row.cells[userCloneFrom].Kind() == snmp.KindNull {
		return snmp.InconsistentName, errNotCloned
	}
	z, ok := strings.CutPrefix(v.Octets(), e.agreement.public)
	if !ok {
		return snmp.WrongValue, errors.New("it does not begin with the value that the object has by now")
	}
	secret, ok := e.agreement.secret(z)
	if !ok {
		return snmp.WrongValue, errors.New("it does not end with a public value of the group of usmDHParameters")
	}
	e.next.agreement = nil
	if n > 0 {
		e.row.cells[column] = snmp.OctetString(string(secret[len(secret)-n:]))
	}
	return snmp.NoError, nil
}

// usmDHParameters is read-only here.
func (m *MIB) usmDHParameters() (mib.Group, error) {
	der, err := asn1.Marshal(struct {
		Prime, Base        *big.Int
		PrivateValueLength int
	}{dhGroup.p, dhGroup.g, dhPrivateBits})
	value := snmp.OctetString(string(der))
	return mib.Group{Entry: usmDHPublicObjects, Columns: []uint32{1}, Open: func(context.Context, *mib.Request) mib.Snapshot {
		return mib.Scalars(func(uint32) (snmp.Value, bool) { return value, true })
	}}, err
}
