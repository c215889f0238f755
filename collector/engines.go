package collector

import (
	"slices"
	"sync"

	"walkabout/counter"
)

// engines knows which targets have told which snmpEngineID, of which no two devices should have the same (RFC 3411 section 5). Where devices were
// cloned they do: here each is polled as if it had one of its own, but others that poll them will mix up their clocks.
type engines struct {
	mu sync.Mutex
	of map[uint64][]string // by identity: names of targets
}

// identity is what tells targets apart that should be: contexts of one engine (several name servers, VLANs) are targets of their own.
func identity(engineID, context string) uint64 {
	if context == "" {
		return counter.Hash(engineID)
	}
	return counter.Hash(engineID + "\x00" + context)
}

// move takes note that a target's engine is another; 0 is none. It returns the other targets with that engine.
func (e *engines) move(target string, from, to uint64) (others []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if from != 0 {
		e.of[from] = slices.DeleteFunc(e.of[from], func(name string) bool { return name == target })
		if len(e.of[from]) == 0 {
			delete(e.of, from)
		}
	}
	if to == 0 {
		return nil
	}
	others = slices.Clone(e.of[to])
	if e.of == nil {
		e.of = map[uint64][]string{}
	}
	e.of[to] = append(e.of[to], target)
	return others
}

// others returns the other targets that have a target's engine.
func (e *engines) others(target string, engine uint64) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(e.of[engine]), func(name string) bool { return name == target })
}
