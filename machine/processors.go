package machine

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// CPUState is what a processor spends time on (Documentation/filesystems/proc.rst, /proc/stat).
type CPUState uint8

// The states in the order of /proc/stat. CPUUser has CPUGuest in it, and CPUNice has CPUGuestNice.
const (
	CPUUser CPUState = iota
	CPUNice
	CPUSystem
	CPUIdle
	CPUWait
	CPUInterrupt
	CPUSoftIRQ
	CPUSteal
	CPUGuest
	CPUGuestNice

	cpuStates
)

// TicksPerSecond is the unit of CPUTimes.
const TicksPerSecond = 100

// CPUTimes is the time that was spent in each state, in ticks of 1/100 s.
type CPUTimes struct {
	known [cpuStates]bool
	ticks [cpuStates]uint64
}

// NewCPUTimes returns times; states that it leaves out are not known.
func NewCPUTimes(times map[CPUState]uint64) CPUTimes {
	var t CPUTimes
	for s, n := range times {
		if s < cpuStates {
			t.set(s, n)
		}
	}
	return t
}

// Get returns the ticks of one state; false if this system does not tell it.
func (t *CPUTimes) Get(s CPUState) (uint64, bool) {
	if s >= cpuStates || !t.known[s] {
		return 0, false
	}
	return t.ticks[s], true
}

func (t *CPUTimes) set(s CPUState, n uint64) { t.known[s], t.ticks[s] = true, n }

// Total returns the ticks of all states.
func (t *CPUTimes) Total() (sum uint64) {
	for s, n := range t.ticks {
		if CPUState(s) < CPUGuest { // guests are counted as user and nice already
			sum += n
		}
	}
	return sum
}

// since returns what was added to t since before. A state that went back, as the kernel lets CPUIdle and CPUWait, has added nothing.
func (t *CPUTimes) since(before *CPUTimes) (d CPUTimes) {
	for s := range cpuStates {
		if t.known[s] && before.known[s] {
			d.set(s, t.ticks[s]-min(t.ticks[s], before.ticks[s]))
		}
	}
	return d
}

// Processor is one logical processor that is online.
type Processor struct {
	Number uint32 // the kernel's, from 0
	Model  string // "AuthenticAMD: AMD EPYC"; "" if it is not told
	Times  CPUTimes
	Recent CPUTimes // of the last minute, as Processors.Recent
}

// Processors is what the processors spend their time on.
type Processors struct {
	Times CPUTimes // of all, since boot
	// Recent is what was added in the last minute, or since the start of the program if that was later. It spans more where nobody asked
	// for a while. It is zero when no time has passed yet.
	Recent CPUTimes
	List   []Processor // ascending by Number
}

// since sets Recent of p and its processors to what was added after before. A processor that was not there before has none.
func (p *Processors) since(before *Processors) {
	p.Recent = p.Times.since(&before.Times)
	for i := range p.List {
		c := &p.List[i]
		if j, ok := slices.BinarySearchFunc(before.List, c.Number, compareProcessor); ok {
			c.Recent = c.Times.since(&before.List[j].Times)
		}
	}
}

func compareProcessor(c Processor, number uint32) int { return int(int64(c.Number) - int64(number)) }

// LoadAverage is the mean number of processes that run or want to, over the last 1, 5 and 15 minutes.
type LoadAverage [3]float64

// Kernel is the kernel's own counters since boot, and how it was started. A counter is Unknown where the system does not tell it.
type Kernel struct {
	Interrupts, ContextSwitches int64
	PagedIn, PagedOut           int64 // kilobytes read from and written to block devices (pgpgin, pgpgout)
	SwappedIn, SwappedOut       int64 // pages
	PageSize                    int64 // octets
	// Earlier is the counters of about a minute before, or of the start of the program if that was later, and Span how long that is ago; nil
	// and 0 where it is not known.
	Earlier *Kernel
	Span    time.Duration

	Processes  int64  // that exist now; threads are not counted
	Parameters string // the kernel's command line; "" if it is not told
	RootDevice uint64 // device number of the file system at /, as FileSystem.Device; 0 if it is not told
}

// unknownKernel is a Kernel of which nothing is known.
var unknownKernel = Kernel{
	Interrupts: Unknown, ContextSwitches: Unknown, PagedIn: Unknown, PagedOut: Unknown, SwappedIn: Unknown, SwappedOut: Unknown,
	PageSize: Unknown, Processes: Unknown,
}

// parseStat reads /proc/stat into processors, without their models, and the counters of k that are there.
func parseStat(b []byte, k *Kernel) (*Processors, error) {
	p := &Processors{}
	found := false
	var line []byte
	for len(b) > 0 {
		line, b = cutLine(b)
		name := nextField(&line)
		number, isCPU := bytes.CutPrefix(name, []byte("cpu"))
		switch {
		case isCPU && len(number) == 0:
			p.Times, found = parseCPUTimes(line), true
		case isCPU:
			if n, ok := parseNumber(number); ok && n < 1<<31 {
				p.List = append(p.List, Processor{Number: uint32(n), Times: parseCPUTimes(line)})
			}
		case string(name) == "intr":
			parseAmount(nextField(&line), &k.Interrupts)
		case string(name) == "ctxt":
			parseAmount(nextField(&line), &k.ContextSwitches)
		}
	}
	if !found {
		return nil, errors.New("no line cpu in it")
	}
	slices.SortFunc(p.List, func(a, b Processor) int { return compareProcessor(a, b.Number) })
	return p, nil
}

func parseCPUTimes(line []byte) (t CPUTimes) {
	for s := range cpuStates {
		n, ok := parseNumber(nextField(&line))
		if !ok {
			break // older kernels have fewer
		}
		t.set(s, n)
	}
	return t
}

// parseAmount sets to where field is a number that fits.
func parseAmount(field []byte, to *int64) {
	if n, ok := parseNumber(field); ok && n <= math.MaxInt64 {
		*to = int64(n)
	}
}

// parseVmstat reads the counters of /proc/vmstat that k has.
func parseVmstat(b []byte, k *Kernel) error {
	fields := map[string]*int64{"pgpgin": &k.PagedIn, "pgpgout": &k.PagedOut, "pswpin": &k.SwappedIn, "pswpout": &k.SwappedOut}
	var line []byte
	for len(b) > 0 {
		line, b = cutLine(b)
		if to := fields[string(nextField(&line))]; to != nil {
			parseAmount(nextField(&line), to)
		}
	}
	return nil
}

// parseLoadAverage reads /proc/loadavg: "0.47 0.31 0.35 1/78 27780".
func parseLoadAverage(b []byte) (l LoadAverage, err error) {
	for i := range l {
		field := string(nextField(&b))
		if l[i], err = strconv.ParseFloat(field, 64); err != nil || !(l[i] >= 0 && l[i] < 1e9) {
			return l, fmt.Errorf("%q is no load average", field)
		}
	}
	return l, nil
}

// parseCPUInfo returns the models of the processors of /proc/cpuinfo, whose names for things differ from one architecture to the next.
func parseCPUInfo(b []byte) map[uint32]string {
	models := map[uint32]string{}
	var vendor, model string
	number, known := uint32(0), false
	flush := func() {
		if known && model != "" {
			models[number] = strings.TrimPrefix(vendor+": "+model, ": ")
		}
		vendor, model, known = "", "", false
	}
	var line []byte
	for len(b) > 0 {
		line, b = cutLine(b)
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			flush()
			continue
		}
		text := strings.Join(strings.Fields(string(value)), " ")
		switch string(bytes.TrimSpace(name)) {
		case "processor":
			if n, err := strconv.ParseUint(text, 10, 31); err == nil {
				flush()
				number, known = uint32(n), true
			}
		case "vendor_id":
			vendor = text
		case "model name", "cpu model", "cpu", "Processor", "uarch":
			if model == "" {
				model = text
			}
		}
	}
	flush()
	return models
}
