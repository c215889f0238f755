package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"walkabout/internal/forge"
	"walkabout/snmp"
	"walkabout/snmp/ber"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
)

// hostile is a message that no manager with good intentions sends, and what is to become of it: what target.send returns. The message is made
// anew each time, for engines' time goes on.
type hostile struct {
	name string
	make func(f *target) []byte
	want string
}

func (c *hostile) allows(got string) bool { return slices.Contains(strings.Split(c.want, " or "), got) }

// kernelRefuses is for what can be written on Linux alone.
const kernelRefuses = "wrongType 1 or notWritable 1"

// hostileCases returns all of them.
func hostileCases() []hostile {
	return slices.Concat(hostileOctets(), hostileByCommunity(), hostileByV3(), hostileTexts(), hostileValues(), hostileIndexes(), hostileRows())
}

// hostileOctets is what is no message at all.
func hostileOctets() []hostile {
	const parseErr, badVersion = "silence snmpInASNParseErrs", "silence snmpInBadVersions"
	versioned := func(version ...byte) []byte { return sequence(version, []byte("\x04\x06public\xa0\x00")) }
	var out []hostile
	for name, c := range map[string]struct {
		octets []byte
		want   string
	}{
		"a tag alone":                     {[]byte{0x30}, parseErr},
		"text":                            {[]byte("GET / HTTP/1.0\r\n\r\n"), parseErr},
		"a length of 4 GiB":               {[]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 2, 1, 1}, parseErr},
		"a length in 126 octets":          {append([]byte{0x30, 0xfe}, make([]byte, 200)...), parseErr},
		"an indefinite length":            {[]byte{0x30, 0x80, 2, 1, 1, 4, 0, 0, 0}, parseErr},
		"sequences in sequences":          {nested(15000), parseErr},
		"octets behind the message":       {append(sequence([]byte{2, 1, 1}), 0), parseErr},
		"no version":                      {sequence(), parseErr},
		"an empty version":                {versioned(2, 0), parseErr},
		"a version of 9 octets":           {versioned(2, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1), parseErr},
		"version 2":                       {versioned(2, 1, 2), badVersion},
		"version -1":                      {versioned(2, 1, 0xff), badVersion},
		"version 3 and nothing else":      {sequence([]byte{2, 1, 3}), parseErr},
		"version 3 with a community":      {versioned(2, 1, 3), parseErr},
		"a community that is a sequence":  {sequence([]byte{2, 1, 1, 0x30, 0}), parseErr},
		"a PDU that is none":              {sequence([]byte{2, 1, 1}, community(), []byte{0xaf, 0}), parseErr},
		"64 KiB of one octet":             {[]byte(strings.Repeat("\x30", 65507)), parseErr},
		"64 KiB of nothing":               {sequence([]byte{2, 1, 1}, make([]byte, 65000)), parseErr},
		"a name whose arc has no end":     {getOf(1, []byte{0x30, 6, 6, 2, 0x2b, 0x86, 5, 0}), parseErr},
		"a name whose arc is over 2^32":   {getOf(1, []byte{0x30, 10, 6, 6, 0x2b, 0x9f, 0xff, 0xff, 0xff, 0x7f, 5, 0}), parseErr},
		"a name of 129 arcs":              {getOf(1, sequence(append([]byte{6, 0x81, 128, 0x2b}, make([]byte, 127)...), []byte{5, 0})), parseErr},
		"an integer of 5 octets":          {getOf(1, []byte{0x30, 10, 6, 1, 0x2b, 2, 5, 1, 0, 0, 0, 0}), parseErr},
		"an empty integer":                {getOf(1, []byte{0x30, 5, 6, 1, 0x2b, 2, 0}), parseErr},
		"a NULL with octets":              {getOf(1, []byte{0x30, 6, 6, 1, 0x2b, 5, 1, 0}), parseErr},
		"an IpAddress of 3 octets":        {getOf(1, []byte{0x30, 8, 6, 1, 0x2b, 0x40, 3, 1, 2, 3}), parseErr},
		"a Counter64 of 10 octets":        {getOf(1, []byte{0x30, 15, 6, 1, 0x2b, 0x46, 10, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1}), parseErr},
		"a value of a tag that is none":   {getOf(1, []byte{0x30, 5, 6, 1, 0x2b, 0x4f, 0}), parseErr},
		"variable bindings that overrun":  {getOf(1, []byte{0x30, 0x7f, 6, 1, 0x2b, 5, 0}), parseErr},
		"GETBULK by v1":                   {getOf(0, []byte{0x30, 5, 6, 1, 0x2b, 5, 0}, 0xa5), parseErr},
		"a trap of v1 by v2c":             {sequence([]byte{2, 1, 1}, community(), []byte{0xa4, 0}), parseErr},
		"a community of 65000 octets":     {sequence([]byte{2, 1, 1}, ber.AppendString(nil, 4, strings.Repeat("x", 65000)), pdu(0xa0)), "silence snmpInBadCommunityNames"},
		"a community that nobody knows":   {sequence([]byte{2, 1, 1}, ber.AppendString(nil, 4, "public"), pdu(0xa0)), "silence snmpInBadCommunityNames"},
		"no community":                    {sequence([]byte{2, 1, 0, 4, 0}, pdu(0xa0)), "silence snmpInBadCommunityNames"},
		"a response":                      {sequence([]byte{2, 1, 1}, community(), pdu(0xa2)), "silence snmpInGetResponses"},
		"a report by v2c":                 {sequence([]byte{2, 1, 1}, community(), pdu(0xa8)), "silence snmpInGetResponses"},
		"a trap":                          {sequence([]byte{2, 1, 1}, community(), pdu(0xa7)), "silence snmpInTraps"},
		"an inform":                       {sequence([]byte{2, 1, 1}, community(), pdu(0xa6)), "silence snmpInTraps"},
		"a request-id of the least":       {sequence([]byte{2, 1, 1}, community(), []byte{0xa0, 14, 2, 4, 0x80, 0, 0, 0, 2, 1, 0, 2, 1, 0, 0x30, 0}), "noError 0"},
		"an error-status in a request":    {sequence([]byte{2, 1, 1}, community(), []byte{0xa0, 11, 2, 1, 1, 2, 1, 5, 2, 1, 9, 0x30, 0}), "noError 0"},
		"lengths in more octets than due": {[]byte{0x30, 0x84, 0, 0, 0, 5, 2, 0x83, 0, 0, 1}, parseErr},
	} {
		out = append(out, hostile{name, func(*target) []byte { return c.octets }, c.want})
	}
	return out
}

func sequence(parts ...[]byte) []byte {
	return ber.AppendString(nil, ber.TagSequence, string(slices.Concat(parts...)))
}

func nested(depth int) []byte {
	var b []byte
	for range depth {
		b = append(b, 0x30, 0x82, 0xff, 0xff)
	}
	return b
}

func community() []byte { return ber.AppendString(nil, ber.TagOctetString, hidden) }

// pdu returns a PDU without variable bindings, or with those that are given.
func pdu(tag byte, vbs ...byte) []byte {
	head := []byte{2, 1, 1, 2, 1, 0, 2, 1, 0}
	return ber.AppendString(nil, tag, string(append(head, sequence(vbs)...)))
}

// getOf returns a request for one variable binding by v1 or v2c, a GET unless another PDU is given.
func getOf(version byte, vb []byte, tag ...byte) []byte {
	return sequence([]byte{2, 1, version}, community(), pdu(append(tag, 0xa0)[0], vb...))
}

// hostileByCommunity is what someone asks who has the community.
func hostileByCommunity() []hostile {
	bulk := func(nonRepeaters, repetitions int32, names ...oid.OID) snmp.PDU {
		p := snmp.NewGetBulk(1, nonRepeaters, repetitions)
		p.VarBinds = asked(names...)
		return p
	}
	root := oid.New(1, 3)
	var out []hostile
	for name, c := range map[string]struct {
		version snmp.Version
		pdu     snmp.PDU
		want    string
	}{
		"GET of 8000 names":                {snmp.V2c, snmp.PDU{Type: snmp.GetRequest, VarBinds: asked(slices.Repeat([]oid.OID{root}, 8000)...)}, "noError 0"},
		"GETBULK of all there is":          {snmp.V2c, bulk(0, math.MaxInt32, root), "noError 0"},
		"GETBULK of 5000 names":            {snmp.V2c, bulk(0, math.MaxInt32, slices.Repeat([]oid.OID{root}, 5000)...), "noError 0"},
		"GETBULK of negative numbers":      {snmp.V2c, bulk(math.MinInt32, math.MinInt32, root), "noError 0"},
		"GETNEXT of 3000 names at the end": {snmp.V2c, snmp.PDU{Type: snmp.GetNextRequest, VarBinds: asked(slices.Repeat([]oid.OID{oid.New(2, 39)}, 3000)...)}, "noError 0"},
		"SET of what nobody has":           {snmp.V2c, snmp.PDU{Type: snmp.SetRequest, VarBinds: asked(root)}, "notWritable 1"},
		"SET of what nobody has, by v1":    {snmp.V1, snmp.PDU{Type: snmp.SetRequest, VarBinds: asked(root)}, "noSuchName 1"},
		"SET of 2000 objects, one of them no": {snmp.V2c, snmp.PDU{Type: snmp.SetRequest, VarBinds: append(slices.Repeat(
			[]snmp.VarBind{{Name: oid.MustParse("1.3.6.1.2.1.1.4.0"), Value: snmp.OctetString("x")}}, 2000), asked(root)...)}, "notWritable 2001"},
		"SET of one object to two values": {snmp.V2c, snmp.PDU{Type: snmp.SetRequest, VarBinds: []snmp.VarBind{
			{Name: oid.MustParse("1.3.6.1.2.1.1.4.0"), Value: snmp.OctetString("x")}, {Name: oid.MustParse("1.3.6.1.2.1.1.4.0"), Value: snmp.OctetString("y")},
		}}, "inconsistentValue 2"},
	} {
		out = append(out, hostile{name, func(*target) []byte {
			m := snmp.Message{Version: c.version, Community: hidden, PDU: c.pdu}
			return m.Append(nil)
		}, c.want})
	}
	return out
}

func asked(names ...oid.OID) []snmp.VarBind {
	var vbs []snmp.VarBind
	for _, n := range names {
		vbs = append(vbs, snmp.VarBind{Name: n})
	}
	return vbs
}

// hostileByV3 has one part wrong of a message that is right otherwise (RFC 3412 section 7.2, RFC 3414 section 3.2).
func hostileByV3() []hostile {
	const parseErr = "silence snmpInASNParseErrs"
	const both = snmp.AuthFlag | snmp.PrivFlag
	var out []hostile
	for name, c := range map[string]struct {
		edit func(m *forge.Message)
		want string
	}{
		"discovery":             {func(m *forge.Message) { m.EngineID, m.User.Name, m.Flags = "", "", snmp.ReportableFlag }, "report usmStatsUnknownEngineIDs noAuthNoPriv"},
		"discovery by a report": {func(m *forge.Message) { m.EngineID, m.Flags, m.Scoped.PDU.Type = "", snmp.ReportableFlag, snmp.Report }, "silence usmStatsUnknownEngineIDs"},
		"discovery by a trap":   {func(m *forge.Message) { m.EngineID, m.Flags, m.Scoped.PDU.Type = "", snmp.ReportableFlag, snmp.TrapV2 }, "silence usmStatsUnknownEngineIDs"},
		"an old trap": {func(m *forge.Message) {
			m.Boots, m.Flags, m.Scoped.PDU.Type = m.Boots-1, snmp.AuthFlag|snmp.ReportableFlag, snmp.TrapV2
		}, "silence usmStatsNotInTimeWindows"},
		"discovery that takes no report":      {func(m *forge.Message) { m.EngineID, m.User.Name, m.Flags = "", "", 0 }, "silence usmStatsUnknownEngineIDs"},
		"an engine ID of 4 octets":            {func(m *forge.Message) { m.EngineID = "\x80\x00\x00\x00" }, "report usmStatsUnknownEngineIDs noAuthNoPriv"},
		"an engine ID of 60000 octets":        {func(m *forge.Message) { m.EngineID = strings.Repeat("x", 60000) }, "report usmStatsUnknownEngineIDs noAuthNoPriv"},
		"an unknown user":                     {func(m *forge.Message) { m.User.Name = "nobody" }, "report usmStatsUnknownUserNames noAuthNoPriv"},
		"no user":                             {func(m *forge.Message) { m.User.Name = "" }, "report usmStatsUnknownUserNames noAuthNoPriv"},
		"a user of 33 octets":                 {func(m *forge.Message) { m.User.Name = strings.Repeat("x", 33) }, parseErr},
		"more than the user's keys can":       {func(m *forge.Message) { m.User.Name = "weak" }, "report usmStatsUnsupportedSecLevels noAuthNoPriv"},
		"privacy without authentication":      {func(m *forge.Message) { m.Flags = snmp.PrivFlag | snmp.ReportableFlag }, "silence snmpInvalidMsgs"},
		"another user's keys":                 {func(m *forge.Message) { m.User.AuthKey = slices.Repeat([]byte{1}, 32) }, "report usmStatsWrongDigests noAuthNoPriv"},
		"another user's keys, no report":      {func(m *forge.Message) { m.User.AuthKey, m.Flags = slices.Repeat([]byte{1}, 32), both }, "silence usmStatsWrongDigests"},
		"a digest of 23 octets":               {func(m *forge.Message) { m.Cut = 1 }, "report usmStatsWrongDigests noAuthNoPriv"},
		"a digest of 12 octets":               {func(m *forge.Message) { m.Cut = 12 }, "report usmStatsWrongDigests noAuthNoPriv"},
		"a digest of 1 octet":                 {func(m *forge.Message) { m.Cut = 23 }, "report usmStatsWrongDigests noAuthNoPriv"},
		"no digest":                           {func(m *forge.Message) { m.Cut = 24 }, "report usmStatsWrongDigests noAuthNoPriv"},
		"another protocol's digest":           {func(m *forge.Message) { m.User.Auth, m.User.AuthKey = usm.SHA, m.User.AuthKey[:20] }, "report usmStatsWrongDigests noAuthNoPriv"},
		"a replay of the start before":        {func(m *forge.Message) { m.Boots-- }, "report usmStatsNotInTimeWindows authNoPriv"},
		"a replay, no report":                 {func(m *forge.Message) { m.Boots, m.Flags = m.Boots-1, both }, "silence usmStatsNotInTimeWindows"},
		"a message of the next start":         {func(m *forge.Message) { m.Boots++ }, "report usmStatsNotInTimeWindows authNoPriv"},
		"boots that are stuck":                {func(m *forge.Message) { m.Boots = math.MaxInt32 }, "report usmStatsNotInTimeWindows authNoPriv"},
		"negative boots":                      {func(m *forge.Message) { m.Boots = -1 }, parseErr},
		"a time that comes yet":               {func(m *forge.Message) { m.Time += 1000 }, "report usmStatsNotInTimeWindows authNoPriv"},
		"the last time":                       {func(m *forge.Message) { m.Time = math.MaxInt32 }, "report usmStatsNotInTimeWindows authNoPriv"},
		"a negative time":                     {func(m *forge.Message) { m.Time = -1 }, parseErr},
		"another privacy key":                 {func(m *forge.Message) { m.User.PrivKey = make([]byte, 16) }, "report usmStatsDecryptionErrors noAuthNoPriv or silence snmpInASNParseErrs"}, // once in thousands it begins as a sequence does
		"no salt":                             {func(m *forge.Message) { m.Salt = "" }, "report usmStatsDecryptionErrors noAuthNoPriv"},
		"a salt of 9 octets":                  {func(m *forge.Message) { m.Salt = "saltsalts" }, "report usmStatsDecryptionErrors noAuthNoPriv"},
		"a salt of 60000 octets":              {func(m *forge.Message) { m.Salt = strings.Repeat("s", 60000) }, "report usmStatsDecryptionErrors noAuthNoPriv"},
		"plain data where privacy is claimed": {func(m *forge.Message) { m.Plain = true }, "report usmStatsDecryptionErrors noAuthNoPriv"},
		"an unknown security model":           {func(m *forge.Message) { m.Model = 5 }, "silence snmpUnknownSecurityModels"},
		"TSM without TLS":                     {func(m *forge.Message) { m.Model = 4 }, "silence snmpTsmInvalidCaches"},
		"the security model of v2c":           {func(m *forge.Message) { m.Model = 2 }, "silence snmpUnknownSecurityModels"},
		"security model 0":                    {func(m *forge.Message) { m.Model = 0 }, parseErr},
		"a msgMaxSize of 483":                 {func(m *forge.Message) { m.MaxSize = 483 }, parseErr},
		"a negative msgMaxSize":               {func(m *forge.Message) { m.MaxSize = -1 }, parseErr},
		"a msgMaxSize of 484": {func(m *forge.Message) {
			m.MaxSize, m.Scoped.PDU.VarBinds = 484, asked(slices.Repeat([]oid.OID{oid.New(1, 3)}, 200)...)
		}, "tooBig 0"},
		"another engine's context":               {func(m *forge.Message) { m.Scoped.ContextEngineID = "other" }, "report snmpUnknownPDUHandlers authPriv"},
		"no engine's context":                    {func(m *forge.Message) { m.Scoped.ContextEngineID = "" }, "report snmpUnknownPDUHandlers authPriv"},
		"an unknown context":                     {func(m *forge.Message) { m.Scoped.ContextName = "nowhere" }, "report snmpUnknownContexts authPriv"},
		"a context of 60000 octets":              {func(m *forge.Message) { m.Scoped.ContextName = strings.Repeat("c", 60000) }, "report snmpUnknownContexts authPriv"},
		"a response by v3":                       {func(m *forge.Message) { m.Scoped.PDU.Type, m.Flags = snmp.Response, both }, "silence snmpUnknownPDUHandlers"},
		"a report by v3":                         {func(m *forge.Message) { m.Scoped.PDU.Type, m.Flags = snmp.Report, both }, "silence snmpUnknownPDUHandlers"},
		"a trap by v3":                           {func(m *forge.Message) { m.Scoped.PDU.Type, m.Flags = snmp.TrapV2, snmp.AuthFlag|snmp.ReportableFlag }, "silence snmpUnknownPDUHandlers"},
		"an inform by v3":                        {func(m *forge.Message) { m.Scoped.PDU.Type = snmp.InformRequest }, "report snmpUnknownPDUHandlers authPriv"},
		"a level that the user has no access at": {func(m *forge.Message) { m.Flags = snmp.AuthFlag | snmp.ReportableFlag }, "authorizationError 0"},
		"no security":                            {func(m *forge.Message) { m.Flags = snmp.ReportableFlag }, "authorizationError 0"},
	} {
		out = append(out, hostile{name, func(f *target) []byte {
			m := f.message(snmp.PDU{Type: snmp.GetRequest, RequestID: 1, VarBinds: asked(oid.MustParse("1.3.6.1.2.1.1.1.0"))})
			c.edit(&m)
			return f.octets(&m)
		}, c.want})
	}
	return out
}

// set3 is a SET by v3 of someone who may write everything.
func set3(name string, want string, vbs ...snmp.VarBind) hostile {
	return hostile{name, func(f *target) []byte {
		m := f.message(snmp.PDU{Type: snmp.SetRequest, RequestID: 1, VarBinds: vbs})
		return f.octets(&m)
	}, want}
}

// The objects that can be written, of the system and of its interface 1, and below snmpModules.
var (
	writableTexts   = []string{"1.3.6.1.2.1.1.4.0", "1.3.6.1.2.1.1.5.0", "1.3.6.1.2.1.1.6.0"}
	writableNumbers = []string{"1.3.6.1.2.1.11.30.0", "1.3.6.1.2.1.31.1.1.1.14.1"}
	writableOnLinux = []string{"1.3.6.1.2.1.2.2.1.7.1", "1.3.6.1.2.1.31.1.1.1.18.1", "1.3.6.1.2.1.4.1.0", "1.3.6.1.2.1.4.2.0"}
	writableByDH    = []string{"1.3.6.1.3.101.1.1.2.1.1.5.128.0.0.0.1.1.117", "1.3.6.1.3.101.1.1.2.1.2.5.128.0.0.0.1.1.117", "1.3.6.1.3.101.1.1.2.1.3.5.128.0.0.0.1.1.117", "1.3.6.1.3.101.1.1.2.1.4.5.128.0.0.0.1.1.117"}
	locks           = []string{"1.1.6.1.0", "12.1.1.0", "15.1.2.1.0", "16.1.5.1.0"}
	snmpModules     = "1.3.6.1.6.3."
	writableTables  = []struct {
		entry          string
		columns        []uint32
		status, member uint32 // RowStatus; a column that is an octet string, whose most are limit
		limit          int
		index          string // of a row that may be made
	}{
		{"12.1.2.1", []uint32{2, 3, 4, 5, 6, 7, 8, 9}, 9, 3, 255, "110.109.115"},
		{"12.1.3.1", []uint32{2, 3, 4, 5, 6, 7}, 7, 4, 255, "112"},
		{"13.1.1.1", []uint32{2, 3, 4, 5}, 5, 2, 255, "110"},
		{"13.1.2.1", []uint32{1, 2, 3}, 3, 1, 32, "112"},
		{"13.1.3.1", []uint32{2, 3, 4, 5}, 5, 2, 16, "1.102.1.3"},
		{"15.1.2.2.1", []uint32{4, 5, 6, 7, 8, 9, 10, 11, 12, 13}, 13, 11, 32, "5.128.0.0.0.1.1.117"},
		{"16.1.2.1", []uint32{3, 4, 5}, 5, 3, 32, "3.1.117"},
		{"16.1.4.1", []uint32{4, 5, 6, 7, 8, 9}, 9, 5, 32, "1.103.0.3.3"},
		{"16.1.5.2.1", []uint32{3, 4, 5, 6}, 6, 3, 16, "1.118.2.1.3"},
		{"18.1.1.1", []uint32{2, 3, 4, 5, 6, 7, 8}, 8, 5, 32, "105"},
		{"18.1.2.1", []uint32{1, 2}, 0, 1, 255, "110.109.115"},
	}
)

// hostileTexts is strings that are too long, or of octets that they may not have.
func hostileTexts() []hostile {
	var out []hostile
	for _, name := range writableTexts {
		for _, n := range []int{256, 1000, 60000} {
			out = append(out, set3(fmt.Sprintf("%s of %d octets", name, n), "wrongLength 1", snmp.VarBind{Name: oid.MustParse(name), Value: snmp.OctetString(strings.Repeat("x", n))}))
		}
		out = append(out, set3(name+" of no text", "wrongValue 1", snmp.VarBind{Name: oid.MustParse(name), Value: snmp.OctetString("\xff\xfe")}))
	}
	for _, table := range writableTables {
		for _, n := range []int{table.limit + 1, 60000} {
			name := oid.MustParse(fmt.Sprintf("%s%s.%d.%s", snmpModules, table.entry, table.member, table.index))
			out = append(out, set3(fmt.Sprintf("%v of %d octets", name, n), "wrongLength 1", snmp.VarBind{Name: name, Value: snmp.OctetString(strings.Repeat("x", n))}))
		}
	}
	return out
}

// hostileValues gives every object that can be written values that no object can have.
func hostileValues() []hostile {
	objects := slices.Concat(writableTexts, writableNumbers, writableOnLinux, writableByDH)
	for _, lock := range locks {
		objects = append(objects, snmpModules+lock)
	}
	for _, table := range writableTables {
		for _, column := range table.columns {
			objects = append(objects, fmt.Sprintf("%s%s.%d.%s", snmpModules, table.entry, column, table.index))
		}
	}
	var out []hostile
	for _, object := range objects {
		want := "wrongType 1"
		if slices.Contains(writableOnLinux, object) {
			want = kernelRefuses
		}
		for _, v := range []snmp.Value{snmp.Null, snmp.NoSuchObject, snmp.NoSuchInstance, snmp.EndOfMibView, snmp.Counter64(math.MaxUint64), snmp.Opaque("\x9f\x78")} {
			out = append(out, set3(fmt.Sprintf("%s = %v", object, v), want, snmp.VarBind{Name: oid.MustParse(object), Value: v}))
		}
	}
	return out
}

// hostileIndexes asks for rows, and makes rows, whose indexes lie about their lengths or cannot be.
func hostileIndexes() []hostile {
	const max = "4294967295"
	var out []hostile
	for _, table := range writableTables {
		if table.status == 0 {
			continue
		}
		status := fmt.Sprintf("%s%s.%d", snmpModules, table.entry, table.status)
		for _, index := range []string{"", ".0.0.0.0.0." + max, "." + max + ".1", ".2147483648.1.2.3", ".256.257", ".300.1.2." + max, strings.Repeat(".200", 110), strings.Repeat("."+max, 110)} {
			name := oid.MustParse(status + index)
			out = append(out, set3(fmt.Sprintf("a row %v", name), "noCreation 1", snmp.VarBind{Name: name, Value: snmp.Integer(5)}))
			for _, operation := range []snmp.PDUType{snmp.GetRequest, snmp.GetNextRequest} {
				out = append(out, hostile{fmt.Sprintf("%v of %v", operation, name), func(f *target) []byte {
					m := f.message(snmp.PDU{Type: operation, RequestID: 1, VarBinds: asked(name)})
					return f.octets(&m)
				}, "noError 0"})
			}
		}
	}
	return out
}

// hostileRows makes rows of every table in one SET that has a mistake at its end; and one row that is right, and goes again.
func hostileRows() []hostile {
	var rows []snmp.VarBind
	for _, table := range writableTables {
		if table.status != 0 {
			name := oid.MustParse(fmt.Sprintf("%s%s.%d.%s", snmpModules, table.entry, table.status, table.index))
			rows = append(rows, snmp.VarBind{Name: name, Value: snmp.Integer(5)}) // createAndWait
		}
	}
	with := func(name string, v snmp.Value) []snmp.VarBind {
		return append(slices.Clone(rows), snmp.VarBind{Name: oid.MustParse(name), Value: v})
	}
	gone := slices.Clone(rows)
	for i := range gone {
		gone[i].Value = snmp.Integer(6) // destroy
	}
	last := len(rows) + 1
	return []hostile{
		set3("rows, and what cannot be written", fmt.Sprintf("notWritable %d", last), with("1.3.6.1.2.1.1.1.0", snmp.OctetString("x"))...),
		set3("rows, and a value of a wrong type", fmt.Sprintf("wrongType %d", last), with("1.3.6.1.2.1.1.4.0", snmp.Integer(1))...),
		set3("rows, and a row that is not there", fmt.Sprintf("inconsistentName %d", last), with(snmpModules+"13.1.1.1.2.9", snmp.OctetString("x"))...),
		set3("rows, and a lock that went on", fmt.Sprintf("inconsistentValue %d", last), with(snmpModules+locks[0], snmp.Integer(math.MaxInt32))...),
		set3("rows", "noError 0", rows...),
		set3("the rows once more", "inconsistentValue 1", rows...),
		set3("rows that are not ready", "inconsistentValue 1", snmp.VarBind{Name: rows[0].Name, Value: snmp.Integer(1)}),
		set3("rows away", "noError 0", gone...),
		set3("rows away once more", "noError 0", gone...),
	}
}

func TestHostile(t *testing.T) {
	f := startTarget(t)
	before := f.tables()
	for _, c := range hostileCases() {
		if got := f.send(c.make(f)); !c.allows(got) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	if after := f.tables(); after != before {
		t.Errorf("the tables are changed:\n%s\nwere\n%s", after, before)
	}
	f.finish()
}
