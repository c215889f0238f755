// Package persist keeps what an SNMP engine must remember from one start to the next: its snmpEngineID, its snmpEngineBoots, and
// what was SET. docs/persistent.md describes the file.
package persist

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"walkabout/internal/statedir"
	"walkabout/snmp"
)

// FileName is the file's name within the state folder.
const FileName = "engine.conf"

// State is what is kept. The zero State is that of an engine that never started.
type State struct {
	EngineID string // snmpEngineID, 5 to 32 octets
	Boots    uint32 // snmpEngineBoots of the last start, up to 2^31-1
	// Objects are those of mib.Keepers, in the order in which they were given to Save. Their values are secrets in part.
	Objects []snmp.VarBind
}

var (
	// ErrCorrupt is wrapped by Load where the file holds something else.
	ErrCorrupt = errors.New("not a file of the engine's state")
	// ErrTooLarge is wrapped by Save where the file would exceed MaxSize.
	ErrTooLarge = errors.New("more than can be kept")
	// ErrNotKept is wrapped by Save for a value of a type that has no line.
	ErrNotKept = errors.New("cannot be kept")
)

// MaxSize is the most octets of the file.
const MaxSize = 8 << 20

// Load reads the file of the folder dir. Without one the State is zero.
func Load(dir string) (State, error) {
	path := filepath.Join(dir, FileName)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, nil
	}
	if err != nil {
		return State{}, fmt.Errorf("engine's state: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return State{}, fmt.Errorf("engine's state: %w", err)
	}
	s, err := parse(text)
	if err != nil {
		return State{}, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

func parse(text []byte) (s State, err error) {
	if len(text) > MaxSize {
		return s, fmt.Errorf("%w: more than %d octets", ErrCorrupt, MaxSize)
	}
	n := 0
	for line := range bytes.Lines(text) {
		n++
		name, value, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
		switch {
		case name == "" || name[0] == '#':
		case name == "engineID" && s.EngineID == "":
			id, err := hex.DecodeString(strings.TrimPrefix(value, "0x"))
			if err != nil || len(id) < 5 || len(id) > 32 {
				return s, fmt.Errorf("%w: line %d: an engineID is 5 to 32 octets in hex", ErrCorrupt, n)
			}
			s.EngineID = string(id)
		case name == "engineBoots" && s.Boots == 0:
			boots, err := strconv.ParseUint(value, 10, 31)
			if err != nil || boots == 0 {
				return s, fmt.Errorf("%w: line %d: engineBoots is a number from 1 to 2147483647", ErrCorrupt, n)
			}
			s.Boots = uint32(boots)
		case name == "object":
			vb, ok := parseObject(value)
			if !ok {
				return s, fmt.Errorf("%w: line %d: an object is its numeric OID, a type (i, u, t, a, o, s or x) and a value of it", ErrCorrupt, n)
			}
			s.Objects = append(s.Objects, vb)
		default:
			return s, fmt.Errorf("%w: line %d: not known here, or there twice", ErrCorrupt, n)
		}
	}
	if s.EngineID == "" || s.Boots == 0 {
		return s, fmt.Errorf("%w: it lacks engineID or engineBoots", ErrCorrupt)
	}
	return s, nil
}

// Save replaces the file of the folder dir, whose lock the caller holds. When it returns without an error, s is on the disk; with one, or
// after a crash, the file holds s or what it held before.
func Save(dir string, s State) error {
	text := fmt.Appendf(nil, "# What this SNMP engine remembers (docs/persistent.md). snmpd replaces it: stop snmpd before you edit.\nengineID 0x%x\nengineBoots %d\n",
		s.EngineID, s.Boots)
	for _, vb := range s.Objects {
		var err error
		if text, err = appendObject(append(text, "object "...), vb); err != nil {
			return fmt.Errorf("engine's state: %w", err)
		}
		text = append(text, '\n')
	}
	if len(text) > MaxSize {
		return fmt.Errorf("engine's state: %w: %d octets, the most is %d", ErrTooLarge, len(text), MaxSize)
	}
	if err := statedir.Replace(filepath.Join(dir, FileName), text); err != nil {
		return fmt.Errorf("engine's state: %w", err)
	}
	return nil
}
