package machine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// sctpFiles are what the kernel's module sctp tells; they are there while it is loaded.
type sctpFiles struct {
	folder                                                string // /proc/net/sctp
	snmp                                                  *procFile
	rtoInitial, rtoMin, rtoMax, cookieLife, maxInitRetran *procFile
	hz                                                    int64

	statTracker  statTracker
	associations sctpTracker
	recent       recent[[]SCTPAssociation]
}

func newSCTPFiles(proc string) sctpFiles {
	sysctl := func(name string) *procFile { return &procFile{path: filepath.Join(proc, "sys/net/sctp", name)} }
	folder := filepath.Join(proc, "net/sctp")
	return sctpFiles{
		folder: folder, snmp: &procFile{path: filepath.Join(folder, "snmp")}, hz: jiffiesPerSecond(),
		rtoInitial: sysctl("rto_initial"), rtoMin: sysctl("rto_min"), rtoMax: sysctl("rto_max"), cookieLife: sysctl("valid_cookie_life"),
		maxInitRetran: sysctl("max_init_retransmits"),
	}
}

func (s *sctpFiles) Close() {
	for _, f := range []*procFile{s.snmp, s.rtoInitial, s.rtoMin, s.rtoMax, s.cookieLife, s.maxInitRetran} {
		f.Close()
	}
}

// jiffiesPerSecond returns the kernel's HZ: its coarse clocks go by jiffies.
func jiffiesPerSecond() int64 {
	var t unix.Timespec
	if unix.ClockGetres(unix.CLOCK_MONOTONIC_COARSE, &t) != nil || t.Nano() < 1 {
		return 1000
	}
	return max(1, (1e9+t.Nano()/2)/t.Nano())
}

// noSCTP makes a file that is missing something that this system does not have.
func noSCTP(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the kernel has no SCTP, or has not loaded it: %w", errors.Join(err, errors.ErrUnsupported))
	}
	return err
}

func (s *linuxSource) sctpStats(at time.Time) (stats *Stats, err error) {
	err = s.sctp.snmp.read(func(b []byte) error {
		if stats, err = parseSNMP6(b); err == nil {
			s.sctp.statTracker.follow(stats, at)
		}
		return err
	})
	return stats, noSCTP(err)
}

func (s *linuxSource) sctpSettings(time.Time) (SCTPSettings, error) {
	out := SCTPSettings{Unknown, Unknown, Unknown, Unknown, Unknown}
	f := &s.sctp
	err := readSettings(setting{f.rtoInitial, &out.RTOInitial}, setting{f.rtoMin, &out.RTOMin}, setting{f.rtoMax, &out.RTOMax},
		setting{f.cookieLife, &out.CookieLife}, setting{f.maxInitRetran, &out.MaxInitRetransmits})
	return out, noSCTP(err)
}

func (s *linuxSource) sctpAssociations(at time.Time) ([]SCTPAssociation, error) {
	return s.sctp.recent.of(func() ([]SCTPAssociation, error) {
		assocs, err := os.ReadFile(filepath.Join(s.sctp.folder, "assocs"))
		if err != nil {
			return nil, noSCTP(err)
		}
		remaddr, err := os.ReadFile(filepath.Join(s.sctp.folder, "remaddr"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		list := parseSCTPAssociations(assocs, remaddr, s.sctp.hz)
		s.sctp.associations.follow(list, at)
		return list, nil
	})
}
