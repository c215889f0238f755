package mibfile_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"walkabout/collector/smi"
	"walkabout/collector/smi/mibfile"
)

const example = `-- A module as a vendor writes it.
EXAMPLE-MIB DEFINITIONS ::= BEGIN
IMPORTS
    MODULE-IDENTITY, OBJECT-TYPE, enterprises, Integer32, Counter64 FROM SNMPv2-SMI
    DisplayString, TruthValue, TEXTUAL-CONVENTION FROM SNMPv2-TC
    ifIndex FROM IF-MIB
    exampleRoot, ExampleState FROM EXAMPLE-SMI;

exampleModule MODULE-IDENTITY
    LAST-UPDATED "202601010000Z"
    ORGANIZATION "Example"
    CONTACT-INFO "a ""quoted"" word"
    DESCRIPTION  "Says -- nothing { of use."
    ::= { exampleRoot 1 }

ExampleDeci ::= TEXTUAL-CONVENTION
    DISPLAY-HINT "d-1"
    STATUS current
    DESCRIPTION "Tenths."
    SYNTAX Integer32 (-1000..1000)

exampleObjects OBJECT IDENTIFIER ::= { exampleModule 1 }
exampleSerial OBJECT-TYPE
    SYNTAX DisplayString (SIZE (0..32))
    MAX-ACCESS read-only
    STATUS current
    DESCRIPTION "x"
    DEFVAL { "a}b" }
    ::= { exampleObjects 1 }
exampleTable OBJECT-TYPE
    SYNTAX SEQUENCE OF ExampleEntry
    MAX-ACCESS not-accessible STATUS current DESCRIPTION "x"
    ::= { exampleObjects 2 }
exampleEntry OBJECT-TYPE
    SYNTAX ExampleEntry
    MAX-ACCESS not-accessible STATUS current DESCRIPTION "x"
    INDEX { ifIndex, IMPLIED exampleName }
    ::= { exampleTable 1 }
ExampleEntry ::= SEQUENCE { exampleName OCTET STRING, exampleTemp ExampleDeci }
exampleName OBJECT-TYPE SYNTAX OCTET STRING (SIZE(1..20)) MAX-ACCESS not-accessible STATUS current DESCRIPTION "x" ::= { exampleEntry 1 }
exampleTemp OBJECT-TYPE SYNTAX ExampleDeci UNITS "deci" MAX-ACCESS read-only STATUS current DESCRIPTION "x" ::= { exampleEntry 2 }
exampleState OBJECT-TYPE SYNTAX ExampleState MAX-ACCESS read-only STATUS current DESCRIPTION "x" ::= { exampleEntry 3 }
exampleFlags OBJECT-TYPE SYNTAX BITS { hot(0), cold(1) } MAX-ACCESS read-only STATUS current DESCRIPTION "x" ::= { exampleEntry 4 }
exampleKey OBJECT-TYPE SYNTAX OCTET STRING (SIZE (6)) MAX-ACCESS read-only STATUS current DESCRIPTION "x" ::= { exampleEntry 5 }
exampleMoreTable OBJECT-TYPE SYNTAX SEQUENCE OF ExampleMoreEntry MAX-ACCESS not-accessible STATUS current DESCRIPTION "x" ::= { exampleObjects 3 }
exampleMoreEntry OBJECT-TYPE SYNTAX ExampleMoreEntry MAX-ACCESS not-accessible STATUS current DESCRIPTION "x"
    AUGMENTS { exampleEntry } ::= { exampleMoreTable 1 }
exampleMore OBJECT-TYPE SYNTAX Counter64 MAX-ACCESS read-only STATUS current DESCRIPTION "x" ::= { exampleMoreEntry 1 }
exampleAlarm NOTIFICATION-TYPE OBJECTS { exampleTemp, exampleState } STATUS current DESCRIPTION "x" ::= { exampleModule 0 1 }
exampleComp MODULE-COMPLIANCE STATUS current DESCRIPTION "x" MODULE MANDATORY-GROUPS { exampleGroup } OBJECT exampleTemp SYNTAX Integer32 DESCRIPTION "y" ::= { exampleModule 9 }
END
`

const exampleSMI = `EXAMPLE-SMI { iso org(3) } DEFINITIONS ::= BEGIN
IMPORTS enterprises FROM SNMPv2-SMI;
exampleRoot OBJECT IDENTIFIER ::= { enterprises example(99999) 7 }
ExampleState ::= INTEGER { good(1), bad(2), worse(-1) }
END
SECOND-MIB DEFINITIONS ::= BEGIN
IMPORTS TRAP-TYPE FROM RFC-1215 OBJECT-TYPE FROM RFC-1212 snmp FROM RFC1213-MIB;
old OBJECT IDENTIFIER ::= { iso(1) org(3) dod(6) internet(1) private(4) enterprises(1) 99998 }
oldGauge OBJECT-TYPE SYNTAX Gauge ACCESS read-only STATUS mandatory ::= { old 1 }
oldTrap TRAP-TYPE ENTERPRISE old VARIABLES { oldGauge } ::= 5
oldCold TRAP-TYPE ENTERPRISE snmp ::= 0
END
`

// folder writes files and returns where they are.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLibrary(t *testing.T) {
	dir := folder(t, map[string]string{"EXAMPLE-MIB.txt": example, "other-name.my": exampleSMI, "broken.txt": "BROKEN-MIB DEFINITIONS ::= BEGIN x"})
	l := mibfile.NewLibrary(smi.BuiltIn(), dir)
	for name, want := range map[string]string{
		"EXAMPLE-MIB::exampleSerial": "1.3.6.1.4.1.99999.7.1.1.1 scalar OCTETS DisplayString 255a 0 []", "EXAMPLE-MIB::exampleTemp": "1.3.6.1.4.1.99999.7.1.1.2.1.2 column INTEGER ExampleDeci d-1 0 []",
		"EXAMPLE-MIB::exampleState": "1.3.6.1.4.1.99999.7.1.1.2.1.3 column INTEGER ExampleState  0 [{1 good} {2 bad} {-1 worse}]", "EXAMPLE-MIB::exampleFlags": "1.3.6.1.4.1.99999.7.1.1.2.1.4 column BITS   0 [{0 hot} {1 cold}]",
		"EXAMPLE-MIB::exampleKey": "1.3.6.1.4.1.99999.7.1.1.2.1.5 column OCTETS   6 []", "EXAMPLE-MIB::exampleMore": "1.3.6.1.4.1.99999.7.1.1.3.1.1 column Counter64   0 []",
		"EXAMPLE-MIB::exampleAlarm": "1.3.6.1.4.1.99999.7.1.0.1 notification NONE   0 []", "SECOND-MIB::oldGauge": "1.3.6.1.4.1.99998.1 scalar Unsigned32   0 []",
		"SECOND-MIB::oldTrap": "1.3.6.1.4.1.99998.0.5 notification NONE   0 []", "SECOND-MIB::oldCold": "1.3.6.1.6.3.1.1.5.1 notification NONE   0 []", "EXAMPLE-MIB::exampleTable": "1.3.6.1.4.1.99999.7.1.1.2 table NONE   0 []",
	} {
		o, err := l.Resolve(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := fmt.Sprint(o.OID, " ", o.Kind, " ", o.Syntax.Base, " ", o.Syntax.Convention, " ", o.Syntax.Hint, " ", o.Syntax.Size, " ", o.Syntax.Labels); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	more, err := l.Resolve("EXAMPLE-MIB::exampleMoreEntry")
	if err != nil || len(more.Index) != 2 || more.Index[0].Name != "ifIndex" || more.Index[0].Implied || !more.Index[1].Implied {
		t.Errorf("the index of a row that augments: %+v, %v", more.Index, err)
	}
	if alarm, _ := l.Resolve("EXAMPLE-MIB::exampleAlarm"); strings.Join(alarm.Refs, " ") != "exampleTemp exampleState" {
		t.Errorf("objects of a notification: %v", alarm.Refs)
	}
	if o, err := l.Resolve("IF-MIB::ifDescr"); err != nil || o.Module != "IF-MIB" {
		t.Errorf("what is built in: %v, %v", o, err)
	}
}

// TestProblems holds that what does not resolve is an error which names the file and the line.
func TestProblems(t *testing.T) {
	module := func(imports, body string) string {
		return "BAD-MIB DEFINITIONS ::= BEGIN\nIMPORTS " + imports + " enterprises FROM SNMPv2-SMI;\n" + body + "\nEND\n"
	}
	for name, tt := range map[string]struct{ text, want string }{
		"no parent":           {module("", "x OBJECT IDENTIFIER ::= { nowhere 1 }"), "bad.mib: line 3: x: nowhere is not defined"},
		"import of no file":   {module("y FROM MISSING-MIB", "x OBJECT IDENTIFIER ::= { y 1 }"), "line 3: x: imported from MISSING-MIB: module MISSING-MIB: no file"},
		"a circle":            {module("", "x OBJECT IDENTIFIER ::= { y 1 }\ny OBJECT IDENTIFIER ::= { x 1 }"), "line 3: x: is defined by itself"},
		"no type":             {module("", "x OBJECT-TYPE SYNTAX Nothing ::= { enterprises 1 }"), "line 3: x: type Nothing is not defined"},
		"a type of itself":    {module("", "A ::= B\nB ::= A\nx OBJECT-TYPE SYNTAX A ::= { enterprises 1 }"), "is defined by itself"},
		"augments itself":     {module("", "r OBJECT-TYPE SYNTAX R AUGMENTS { r } ::= { enterprises 1 }"), "is augmented by itself"},
		"cut off":             {"BAD-MIB DEFINITIONS ::= BEGIN\nx OBJECT IDENTIFIER ::= { iso", "bad.mib: line 2: "},
		"an open quote":       {module("", "x OBJECT-TYPE DESCRIPTION \"..."), "the quote is not closed"},
		"a number too large":  {module("", "x OBJECT IDENTIFIER ::= { enterprises 4294967296 }"), "where a number is expected"},
		"an index of nothing": {module("", "r OBJECT-TYPE SYNTAX R INDEX { nothing } ::= { enterprises 1 }"), "line 3: r: index nothing: type nothing is not defined"},
	} {
		dir := folder(t, map[string]string{"bad.mib": tt.text})
		_, err := mibfile.NewLibrary(smi.BuiltIn(), dir).Resolve("BAD-MIB::x")
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), filepath.Join(dir, "bad.mib")) {
			t.Errorf("%s: %v", name, err)
		}
	}
	other := "OTHER-MIB DEFINITIONS ::= BEGIN\nIMPORTS y, T, rEntry FROM BAD-MIB;\nEND\n"
	for body, want := range map[string]string{ // what two modules import from each other
		"x OBJECT IDENTIFIER ::= { y 1 }":                                  "is defined by itself",
		"x OBJECT-TYPE SYNTAX T ::= { enterprises 1 }":                     "type T is defined by itself",
		"x OBJECT-TYPE SYNTAX X INDEX { T } ::= { enterprises 1 }":         "index T: type T is defined by itself",
		"x OBJECT-TYPE SYNTAX X AUGMENTS { rEntry } ::= { enterprises 1 }": "rEntry is augmented by itself",
	} {
		dir := folder(t, map[string]string{"bad.mib": module("y, T, rEntry FROM OTHER-MIB", body), "other.mib": other})
		if _, err := mibfile.NewLibrary(smi.BuiltIn(), dir).Resolve("BAD-MIB::x"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", body, err)
		}
	}
	dir := folder(t, map[string]string{"a.txt": "nothing"})
	if _, err := mibfile.NewLibrary(smi.BuiltIn(), dir).Resolve("NO-MIB::x"); !errors.Is(err, mibfile.ErrNoFile) || !strings.Contains(err.Error(), dir) {
		t.Errorf("no file: %v", err)
	}
	if _, err := mibfile.NewLibrary(smi.BuiltIn(), filepath.Join(dir, "none")).Resolve("NO-MIB::x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
	if _, err := mibfile.NewLibrary(smi.BuiltIn()).Resolve("NO-MIB::x"); !errors.Is(err, smi.ErrUnknown) {
		t.Errorf("no directories: %v", err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(example)
	f.Add(exampleSMI)
	f.Add("EXAMPLE-MIB DEFINITIONS ::= BEGIN x OBJECT IDENTIFIER ::= { x 1 } END")
	dir := f.TempDir()
	path := filepath.Join(dir, "EXAMPLE-MIB")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		l := mibfile.NewLibrary(smi.BuiltIn(), dir)
		_ = l.Load("EXAMPLE-MIB") // whatever it says, it ends
	})
}
