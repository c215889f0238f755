package discover

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"slices"

	"walkabout/internal/statedir"
)

// State is how far a search has come: what was found, and what is left to ask. Its zero value is the beginning.
type State struct {
	Search   string      `json:"search"` // what is searched for; of no meaning to Run
	Next     uint64      `json:"next"`   // addresses of Options.Prefixes before this one were asked
	Queue    []Neighbour `json:"queue,omitempty"`
	Followed int         `json:"followed,omitempty"`
	Devices  []Device    `json:"devices"`
	Refused  []Refusal   `json:"refused,omitempty"`
	Failed   int         `json:"failed,omitempty"`  // addresses that could not be asked
	Failure  string      `json:"failure,omitempty"` // why the last of them could not
}

// Neighbour is an address that a device named, Depth steps from Options.Prefixes.
type Neighbour struct {
	Address netip.Addr `json:"address"`
	Depth   int        `json:"depth"`
}

func (s State) clone() State {
	s.Queue, s.Devices, s.Refused = slices.Clone(s.Queue), slices.Clone(s.Devices), slices.Clone(s.Refused)
	return s
}

// ReadState returns the state in the file at path, the zero State if there is no such file.
func ReadState(path string) (State, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, nil
	}
	if err != nil {
		return State{}, err
	}
	var s State
	if err := json.Unmarshal(text, &s); err != nil {
		return State{}, fmt.Errorf("%s is no state of a search: %w", path, err)
	}
	return s, nil
}

// Write writes the state to the file at path so that there is always a whole one.
func (s State) Write(path string) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return statedir.Replace(path, text)
}
