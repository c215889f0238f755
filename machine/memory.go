package machine

import (
	"bytes"
	"errors"
	"math"
)

// Memory is the use of main memory and swap, in octets, by the names of /proc/meminfo. Each is Unknown where the system does not tell it.
type Memory struct {
	Total, Free, Available int64
	Buffers                int64
	Cached                 int64 // the page cache, without what the kernel can take back of its own
	Reclaimable            int64 // of the kernel's own caches (SReclaimable)
	Shared                 int64 // Shmem: tmpfs and shared memory
	SwapTotal, SwapFree    int64
}

// unknownMemory is a Memory of which nothing is known.
var unknownMemory = Memory{Unknown, Unknown, Unknown, Unknown, Unknown, Unknown, Unknown, Unknown, Unknown}

// parseMeminfo reads /proc/meminfo: "MemTotal:  24684096 kB", a figure a line, of which each kernel has others.
func parseMeminfo(b []byte) (*Memory, error) {
	m := unknownMemory
	fields := map[string]*int64{
		"MemTotal": &m.Total, "MemFree": &m.Free, "MemAvailable": &m.Available, "Buffers": &m.Buffers, "Cached": &m.Cached,
		"SReclaimable": &m.Reclaimable, "Shmem": &m.Shared, "MemShared": &m.Shared, "SwapTotal": &m.SwapTotal, "SwapFree": &m.SwapFree,
	}
	var line []byte
	for len(b) > 0 {
		line, b = cutLine(b)
		name, rest, ok := bytes.Cut(line, []byte(":"))
		to := fields[string(name)]
		if !ok || to == nil {
			continue
		}
		if kB, ok := parseNumber(nextField(&rest)); ok && kB <= math.MaxInt64/1024 {
			*to = int64(kB) * 1024
		}
	}
	if m.Total == Unknown {
		return nil, errors.New("no MemTotal in it")
	}
	return &m, nil
}
