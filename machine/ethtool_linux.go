package machine

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// prober asks about a link what rtnetlink does not tell.
type prober struct {
	sys string // root of sysfs
	fd  int    // a socket to ask by; it fixes the network namespace
}

func newProber(sys string) (*prober, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	return &prober{sys: sys, fd: fd}, nil
}

func (p *prober) Close() { unix.Close(p.fd) }

// fill completes l, which came from the kernel, by what its messages do not tell; old is what stood there, or nil.
func (p *prober) fill(old, l *Link) {
	l.Speed, l.Duplex = p.mode(l.Name)
	if old != nil && old.Name == l.Name && old.Kind == l.Kind {
		l.Connector = old.Connector
		return
	}
	l.Connector = p.connector(l)
}

// linkSettings is struct ethtool_link_settings (linux/ethtool.h) with room for the link modes: three masks of at most 127 words.
type linkSettings struct {
	cmd           uint32
	speed         uint32 // Mb/s
	duplex        uint8
	rest          [6]uint8
	modeWords     int8
	transceiver   uint8
	rest2         [3]uint8
	reserved      [7]uint32
	linkModeMasks [3 * 127]uint32
}

// mode returns the speed of a link in bits a second (ETHTOOL_GLINKSETTINGS, since Linux 4.6), 0 if it has none or cannot tell, and its duplex mode.
func (p *prober) mode(name string) (speed uint64, duplex Duplex) {
	ask := linkSettings{cmd: unix.ETHTOOL_GLINKSETTINGS}
	if !p.ethtool(name, &ask) {
		return 0, DuplexUnknown
	}
	if ask.modeWords < 0 {
		// The first answer is only how many words the kernel's masks have.
		ask = linkSettings{cmd: unix.ETHTOOL_GLINKSETTINGS, modeWords: -ask.modeWords}
		if !p.ethtool(name, &ask) || ask.modeWords <= 0 {
			return 0, DuplexUnknown
		}
	}
	switch ask.duplex {
	case 0:
		duplex = HalfDuplex
	case 1:
		duplex = FullDuplex
	}
	const unknown = 0xFFFFFFFF // SPEED_UNKNOWN; drivers of old say 0xFFFF
	if ask.speed == unknown || ask.speed == 0xFFFF {
		return 0, duplex
	}
	return uint64(ask.speed) * 1e6, duplex
}

// ethtool makes one request about the link of that name.
func (p *prober) ethtool(name string, ask *linkSettings) bool {
	// struct ifreq (netdevice(7)): the name, then a pointer.
	var request struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		pad  [16]byte
	}
	if len(name) >= len(request.name) {
		return false
	}
	copy(request.name[:], name)
	request.data = unsafe.Pointer(ask)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(p.fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request)))
	return errno == 0
}

// connector tells whether hardware stands behind a link, for kernels that do not say so themselves (IFLA_PARENT_DEV_NAME, since Linux
// 5.14). sysfs may be of another namespace than ours, where the name stands for something else: the index has to agree.
func (p *prober) connector(l *Link) Presence {
	if l.Connector != PresenceUnknown {
		return l.Connector
	}
	if l.Kind != "" || l.Type == TypeLoopback {
		return Absent
	}
	folder := filepath.Join(p.sys, "class/net", l.Name)
	b, err := os.ReadFile(filepath.Join(folder, "ifindex"))
	if err != nil {
		return PresenceUnknown
	}
	if index, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 32); err != nil || uint32(index) != l.Index {
		return PresenceUnknown
	}
	if _, err := os.Stat(filepath.Join(folder, "device")); err != nil {
		return Absent
	}
	return Present
}
