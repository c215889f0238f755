package snmpdconf

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
)

// Persistent is what Net-SNMP's agent remembers from one run to the next: the snmpd.conf of its persistent folder (snmp_config(5)), which
// it writes itself.
type Persistent struct {
	EngineID string // oldEngineID, 5 to 32 octets; "" if the agent never ran
	Boots    uint32 // engineBoots of its last run
	Users    []User // createUser lines, which an administrator wrote and the agent has not yet seen
	// Rows are what was SET, and the users that the agent made of earlier createUser lines; of two for one thing the later line.
	Rows []Row
}

// Row is a scalar, or the cells of a row of a table, as a mib.Keeper holds them: a key stands at its KeyChange object.
type Row struct {
	Line    int
	Objects []snmp.VarBind
}

// ReadPersistent reads such a file. The error is of a file that cannot be read, and wraps the system's. What is not taken over is told by
// the Diagnostics, without the secrets of the lines.
func ReadPersistent(name string) (*Persistent, []Diagnostic, error) {
	text, _, err := readFile(name)
	if err != nil {
		return nil, nil, err
	}
	p, diagnostics := ParsePersistent(name, text)
	return p, diagnostics, nil
}

// ParsePersistent reads the text of such a file; name is what the Diagnostics call it.
func ParsePersistent(name string, text []byte) (*Persistent, []Diagnostic) {
	r := persistentReader{parser: newParser(), known: map[oid.OID]int{}, told: map[string]bool{}}
	r.file = name
	for line := range bytes.Lines(text) {
		r.line++
		if s := strings.TrimRight(skipSpace(string(line)), " \t\n\v\f\r"); s != "" {
			r.read(s)
		}
	}
	r.out.Users = slices.Concat(r.config.Users, r.config.Notifications.RemoteUsers)
	return &r.out, r.diagnostics
}

// persistentReader reads a persistent file.
type persistentReader struct {
	*parser
	out   Persistent
	known map[oid.OID]int // the place of a row by the name of its first object
	told  map[string]bool
}

func (r *persistentReader) read(line string) {
	name, rest, err := nextWord(line)
	if err != nil {
		r.tell(err.Error() + ": the line is not taken over")
		return
	}
	switch strings.ToLower(name) {
	case "oldengineid":
		if id, ok := parseEngineID(rest); ok {
			r.out.EngineID = id
			return
		}
		r.warnf("%s is not 5 to 32 octets in hex", name)
	case "engineboots":
		if n, err := strconv.ParseUint(rest, 10, 31); err == nil {
			r.out.Boots = uint32(n)
			return
		}
		r.warnf("%s is not a number from 0 to 2147483647", name)
	case "createuser":
		r.directive("createUser", rest)
	case "setserialno", "engineidtype", "engineidnic": // a number that may begin anywhere; and what oldEngineID was made from
	default:
		r.readRow(name, rest)
	}
}

// errFields is a line that has more or less than its fields.
var errFields = errors.New("fields are missing, or more than they should be")

func (r *persistentReader) readRow(name, rest string) {
	read := persistentRows[strings.ToLower(name)]
	if read == nil {
		r.tell(clip(name) + " lines are not taken over")
		return
	}
	objects, err := read(&fields{rest: rest})
	switch {
	case err != nil:
		r.tell(fmt.Sprintf("%s: not taken over: %v", name, err))
		return
	case len(objects) == 0:
		return
	}
	row := Row{r.line, objects}
	if i, ok := r.known[objects[0].Name]; ok {
		r.out.Rows[i] = row
		return
	}
	r.known[objects[0].Name] = len(r.out.Rows)
	r.out.Rows = append(r.out.Rows, row)
}

// tell remarks on a line, once on many that are alike: tables may be long.
func (r *persistentReader) tell(message string) {
	if !r.told[message] {
		r.told[message] = true
		r.warnf("%s", message)
	}
}

// UserRows returns the rows of the createUser lines, with their keys at the engine, or at that of their -e.
func (p *Persistent) UserRows(engineID string) ([]Row, error) {
	var out []Row
	for i := range p.Users {
		u := &p.Users[i]
		at := u.EngineID
		if at == "" {
			at = engineID
		}
		keyed, err := u.Keys(at)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", u.File, u.Line, err)
		}
		out = append(out, Row{u.Line, userObjects(at, keyed, usmProtocols[keyed.Auth], privProtocols[keyed.Priv], "")})
	}
	return out, nil
}

// fields takes the fields off a line, one after another. After an error it gives zero values.
type fields struct {
	rest string
	err  error
}

// fail keeps the first error.
func (f *fields) fail(err error) {
	if f.err == nil {
		f.err = err
	}
}

// word takes the next word.
func (f *fields) word() string {
	if f.err != nil {
		return ""
	}
	if f.rest == "" {
		f.fail(errFields)
		return ""
	}
	word, rest, err := nextWord(f.rest)
	if err != nil {
		f.fail(err)
		return ""
	}
	f.rest = rest
	return word
}

// octets takes octets: 0x and hex, else a word, which is quoted where it has spaces.
func (f *fields) octets() string {
	isHex := strings.HasPrefix(f.rest, "0x")
	word := f.word()
	if !isHex || f.err != nil {
		return word
	}
	octets, err := hex.DecodeString(word[len("0x"):])
	if err != nil {
		f.fail(errors.New("0x is not followed by octets in hex"))
	}
	return string(octets)
}

// text takes octets that were a string of C: the NUL at their end is none of them.
func (f *fields) text() string { return strings.TrimSuffix(f.octets(), "\x00") }

func (f *fields) number() int32 {
	n, err := strconv.ParseInt(f.word(), 10, 32)
	if err != nil {
		f.fail(errors.New("a field is not the number that it should be"))
	}
	return int32(n)
}

// oid takes a numeric OID; NULL is 0.0, which stands for none.
func (f *fields) oid() oid.OID {
	word := f.word()
	if word == "NULL" {
		return nowhere
	}
	o, err := oid.Parse(word)
	if err != nil || o.IsEmpty() {
		f.fail(errors.New("a field is not the numeric OID that it should be"))
	}
	return o
}

// end returns the objects, or what was wrong with the line.
func (f *fields) end(objects []snmp.VarBind) ([]snmp.VarBind, error) {
	if f.rest != "" {
		f.fail(errFields)
	}
	return objects, f.err
}

var (
	nowhere = oid.New(0, 0)
	// usmProtocols and privProtocols are in the order of usm's constants (RFC 3414, RFC 7860, RFC 3826, and Net-SNMP's for AES-192 and AES-256).
	usmProtocols = []oid.OID{
		usmAuth(1), usmAuth(2), usmAuth(3), usmAuth(4), usmAuth(5), usmAuth(6), usmAuth(7),
	}
	privProtocols = []oid.OID{
		usmPriv(1), usmPriv(2), usmPriv(4), oid.New(1, 3, 6, 1, 4, 1, 14832, 1, 3), oid.New(1, 3, 6, 1, 4, 1, 14832, 1, 4),
		oid.New(1, 3, 6, 1, 4, 1, 9, 12, 6, 1, 1), oid.New(1, 3, 6, 1, 4, 1, 9, 12, 6, 1, 2),
	}
)

func usmAuth(arc uint32) oid.OID { return oid.New(1, 3, 6, 1, 6, 3, 10, 1, 1, arc) }
func usmPriv(arc uint32) oid.OID { return oid.New(1, 3, 6, 1, 6, 3, 10, 1, 2, arc) }

// usmUser reads STATUS STORAGE ENGINEID NAME SECNAME CLONEFROM AUTHPROTOCOL AUTHKEY PRIVPROTOCOL PRIVKEY PUBLIC.
func usmUser(f *fields) ([]snmp.VarBind, error) {
	f.number() // of a row that is not active its createUser or its SET was never finished
	f.number()
	engineID := f.octets()
	var u usm.User
	u.Name, u.SecurityName = f.text(), f.text()
	f.oid() // whom it was cloned from
	auth := f.oid()
	u.AuthKey = []byte(f.octets())
	priv := f.oid()
	u.PrivKey = []byte(f.octets())
	public := f.text()
	protocol := slices.Index(privProtocols, priv)
	switch {
	case f.err != nil:
	case !slices.Contains(usmProtocols, auth) || protocol < 0:
		f.fail(fmt.Errorf("the user %s has a protocol that is not known here", clip(u.Name)))
	case len(engineID) < minEngineID || len(engineID) > maxEngineID:
		f.fail(fmt.Errorf("the user %s has no engine ID of 5 to 32 octets", clip(u.Name)))
	case len(u.PrivKey) > usm.PrivProtocol(protocol).KeyLen(): // older versions keep all that the digest gives
		u.PrivKey = u.PrivKey[:usm.PrivProtocol(protocol).KeyLen()]
	}
	return f.end(userObjects(engineID, u, auth, priv, public))
}
