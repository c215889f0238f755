package snmpdconf

import (
	"math"
	"path"
	"strconv"
	"strings"
)

// Watch is what UCD-SNMP-MIB reports of as an error, and which disks UCD-DISKIO-MIB shows.
type Watch struct {
	Processes []WatchedProcess // proc
	Disks     []WatchedDisk    // disk
	AllDisks  *int             // includeAllDisks: the percentage that should be free; nil if it is not used
	Load      *[3]float64      // load; nil if it is not used
	Swap      *int64           // swap, in kB; nil if it is not used
	DiskIO    DiskIO
}

// WatchedProcess is how many processes of a name should run. With Max 0 there may be any number, unless Min is 0 too: then there should be
// none.
type WatchedProcess struct {
	Name     string
	Min, Max int32
}

// WatchedDisk is how much of a file system should be free: kB, or a percentage; the other is -1.
type WatchedDisk struct {
	Path    string // where it is mounted, or the device
	Minimum int64
	Percent int
}

// DiskIO is which disks diskIOTable shows.
type DiskIO struct {
	Only                                   []string // diskio: these alone; all if it is empty
	ExcludeFloppy, ExcludeLoop, ExcludeRAM bool     // diskio_exclude_fd and its kin
}

// maxWatched bounds the rows of a table that the files make.
const maxWatched = 1000

// The threshold of a disk directive without one (kB).
const defaultDiskMinimum = 100000

// words returns those of a value up to a comment; false, and a remark, if there are none or more than most.
func (p *parser) words(name, value, usage string, most int) ([]string, bool) {
	list, err := words(value)
	if err != nil {
		p.errorf("%s: %v", name, err)
		return nil, false
	}
	if len(list) == 0 || len(list) > most {
		p.errorf("%s: write %s %s", name, name, usage)
		return nil, false
	}
	return list, true
}

// proc reads NAME [MAX [MIN]]: at least one if neither is given, at most MAX if that alone is.
func (p *parser) proc(name, value string) {
	words, ok := p.words(name, value, "NAME [MAX [MIN]]", 3)
	if !ok {
		return
	}
	w := WatchedProcess{Name: words[0], Min: 1}
	if len(words) > 1 {
		w.Min = 0
	}
	for i, to := range []*int32{&w.Max, &w.Min} {
		if i+1 >= len(words) {
			break
		}
		n, err := strconv.ParseUint(words[i+1], 10, 31)
		if err != nil {
			p.errorf("%s: %s is no number of processes", name, clip(words[i+1]))
			return
		}
		*to = int32(n)
	}
	switch {
	case w.Max > 0 && w.Min > w.Max:
		p.errorf("%s: the most, %d, is less than the least, %d", name, w.Max, w.Min)
	case len(p.config.Watch.Processes) == maxWatched:
		p.errorf("%s: there are more than %d", name, maxWatched)
	default:
		p.config.Watch.Processes = append(p.config.Watch.Processes, w)
	}
}

// disk reads PATH [MINSPACE | MINPERCENT%].
func (p *parser) disk(name, value string) {
	words, ok := p.words(name, value, "PATH [KILOBYTES | PERCENT%]", 2)
	if !ok {
		return
	}
	d := WatchedDisk{Path: words[0], Minimum: defaultDiskMinimum, Percent: -1}
	if strings.HasPrefix(d.Path, "/") {
		d.Path = path.Clean(d.Path)
	}
	if len(words) == 2 {
		if percent, isPercent := strings.CutSuffix(words[1], "%"); isPercent {
			if d.Percent, ok = p.percent(name, percent); !ok {
				return
			}
			d.Minimum = -1
		} else {
			n, err := strconv.ParseUint(words[1], 10, 31)
			if err != nil {
				p.errorf("%s: %s is neither a number of kilobytes nor a percentage such as 10%%", name, clip(words[1]))
				return
			}
			d.Minimum = int64(n)
		}
	}
	for _, other := range p.config.Watch.Disks {
		if other.Path == d.Path {
			p.errorf("%s: %s has a line already", name, clip(d.Path))
			return
		}
	}
	if len(p.config.Watch.Disks) == maxWatched {
		p.errorf("%s: there are more than %d", name, maxWatched)
		return
	}
	p.config.Watch.Disks = append(p.config.Watch.Disks, d)
}

func (p *parser) percent(name, word string) (int, bool) {
	n, err := strconv.ParseUint(word, 10, 8)
	if err != nil || n > 100 {
		p.errorf("%s: %s is no percentage", name, clip(word))
		return 0, false
	}
	return int(n), true
}

// includeAllDisks reads MINPERCENT%. Of several lines the first stands, as in Net-SNMP's agent.
func (p *parser) includeAllDisks(name, value string) {
	words, ok := p.words(name, value, "PERCENT%", 1)
	if !ok {
		return
	}
	n, ok := p.percent(name, strings.TrimSuffix(words[0], "%"))
	switch {
	case !ok:
	case p.config.Watch.AllDisks != nil:
		p.warnf("%s has been said before; the line is ignored", name)
	default:
		p.config.Watch.AllDisks = &n
	}
}

// load reads MAX1 [MAX5 [MAX15]]; one that is left out is the one before it.
func (p *parser) load(name, value string) {
	words, ok := p.words(name, value, "MAX1 [MAX5 [MAX15]]", 3)
	if !ok {
		return
	}
	var limits [3]float64
	for i := range limits {
		word := words[min(i, len(words)-1)]
		n, err := strconv.ParseFloat(word, 64)
		if err != nil || !(n >= 0 && n < 1e6) {
			p.errorf("%s: %s is no load average", name, clip(word))
			return
		}
		limits[i] = n
	}
	p.once(name)
	p.config.Watch.Load = &limits
}

func (p *parser) swap(name, value string) {
	words, ok := p.words(name, value, "KILOBYTES", 1)
	if !ok {
		return
	}
	n, err := strconv.ParseInt(words[0], 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/1024 {
		p.errorf("%s: %s is no number of kilobytes", name, clip(words[0]))
		return
	}
	p.once(name)
	p.config.Watch.Swap = &n
}

func (p *parser) diskIO(name, value string) {
	words, ok := p.words(name, value, "DEVICE", 1)
	switch {
	case !ok:
	case len(p.config.Watch.DiskIO.Only) == maxWatched:
		p.errorf("%s: there are more than %d", name, maxWatched)
	default:
		p.config.Watch.DiskIO.Only = append(p.config.Watch.DiskIO.Only, words[0])
	}
}
