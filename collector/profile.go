package collector

import (
	"maps"
	"slices"
)

// Profiles are the profiles that Target.Collect may name, by name.
type Profiles map[string]*Profile

// Names returns the names in order.
func (p Profiles) Names() []string { return slices.Sorted(maps.Keys(p)) }

// Profile says what to ask an agent for, and what becomes of the answers.
type Profile struct {
}
