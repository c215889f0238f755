package trap

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"walkabout/internal/statedir"
	"walkabout/snmp/usm"
)

// State is what must outlive a restart: our snmpEngineID, by which the keys of informs are made, the number of our starts, and how far the clocks of
// the engines went that send traps, without which those of before could be sent again.
type State struct {
	EngineID string // 5 to 32 octets
	Boots    uint32 // snmpEngineBoots
	Senders  []usm.Clock
}

// StateFile is the name of the file within the state folder.
const StateFile = "traps.json"

// stateVersion is the form of the file that is written and read.
const stateVersion = 1

// maxStateFile bounds the file: 100,000 engines take some 12 MB.
const maxStateFile = 64 << 20

type stateFile struct {
	Version  int           `json:"version"`
	EngineID string        `json:"engine_id"` // in hexadecimal, as below
	Boots    uint32        `json:"engine_boots"`
	Senders  []senderState `json:"senders"`
}

type senderState struct {
	EngineID string    `json:"engine_id"`
	Boots    uint32    `json:"engine_boots"`
	Time     uint32    `json:"engine_time"`
	At       time.Time `json:"at"`
}

// engineIDPrefix begins an snmpEngineID in the format of RFC 3411: the enterprise number 8072 of Net-SNMP, whose format 128 is eight octets of
// the owner's choice.
var engineIDPrefix = []byte{0x80, 0, 0x1f, 0x88, 0x80}

// OpenState reads the file in the folder dir, counts the start, and writes it again before anything is said with it. Without a file there is a new
// engine. A file that is something else is an error: a new engine would take its keys from every sender of informs.
func OpenState(dir string) (State, error) {
	path := filepath.Join(dir, StateFile)
	s, err := readState(path)
	if errors.Is(err, fs.ErrNotExist) {
		id := append([]byte(nil), engineIDPrefix...)
		random := make([]byte, 8)
		if _, err := rand.Read(random); err != nil {
			return State{}, fmt.Errorf("a random snmpEngineID: %w", err)
		}
		s, err = State{EngineID: string(append(id, random...))}, nil
	}
	if err != nil {
		return State{}, err
	}
	s.Boots = min(s.Boots+1, usm.MaxBoots)
	return s, s.Save(dir)
}

func readState(path string) (State, error) {
	info, err := os.Stat(path)
	if err != nil {
		return State{}, fmt.Errorf("the receiver's state: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxStateFile {
		return State{}, fmt.Errorf("%s is no file of the receiver's state", path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return State{}, fmt.Errorf("the receiver's state: %w", err)
	}
	var f stateFile
	if err := json.Unmarshal(b, &f); err != nil {
		return State{}, fmt.Errorf("%s: %w", path, err)
	}
	if f.Version != stateVersion {
		return State{}, fmt.Errorf("%s has version %d; this program reads %d", path, f.Version, stateVersion)
	}
	s := State{Boots: min(f.Boots, usm.MaxBoots)}
	if s.EngineID, err = engineID(f.EngineID); err != nil {
		return State{}, fmt.Errorf("%s: %w", path, err)
	}
	for _, e := range f.Senders {
		id, err := engineID(e.EngineID)
		if err != nil {
			return State{}, fmt.Errorf("%s: %w", path, err)
		}
		s.Senders = append(s.Senders, usm.Clock{EngineID: id, Boots: e.Boots, Time: e.Time, At: e.At})
	}
	return s, nil
}

func engineID(text string) (string, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) < 5 || len(b) > 32 {
		return "", fmt.Errorf("%q is no snmpEngineID: 5 to 32 octets in hexadecimal", text)
	}
	return string(b), nil
}

// Save writes s into the folder dir, whole or not at all.
func (s State) Save(dir string) error {
	f := stateFile{Version: stateVersion, EngineID: hex.EncodeToString([]byte(s.EngineID)), Boots: s.Boots, Senders: []senderState{}}
	for _, e := range s.Senders {
		f.Senders = append(f.Senders, senderState{EngineID: hex.EncodeToString([]byte(e.EngineID)), Boots: e.Boots, Time: e.Time, At: e.At.UTC()})
	}
	b, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return fmt.Errorf("the receiver's state: %w", err)
	}
	if err := statedir.Replace(filepath.Join(dir, StateFile), append(b, '\n')); err != nil {
		return fmt.Errorf("the receiver's state: %w", err)
	}
	return nil
}

// State returns what is to be kept now.
func (r *Receiver) State() State {
	boots, _ := r.engine.Clock(r.sleep.added(time.Now()))
	return State{EngineID: r.engine.ID(), Boots: boots, Senders: r.senders.Clocks()}
}
