package sim

import (
	"math"
	"time"
)

// Port is one interface of a simulated device. Its traffic is a known function of time, so that a test or a person can
// say what a collector must show.
type Port struct {
	Index     uint32 // ifIndex
	Name      string // ifName
	Descr     string // ifDescr; Name if empty
	Alias     string // ifAlias
	Type      int32  // ifType; 0 is ethernetCsmacd(6)
	MTU       int32  // ifMtu; 0 is 1500
	Speed     uint64 // bits a second
	AdminDown bool   // ifAdminStatus down(2)
	Down      bool   // ifOperStatus down(2) throughout
	Flap      Flap

	InRate, OutRate float64 // octets a second while up, on average
	Swing           float64 // by how much of itself a rate swings around its average, 0 to 1
	Period          time.Duration
	ErrorRate       float64 // ifInErrors a second while up
	InBase, OutBase uint64  // what the octet counters start from: close to 2^32 makes Counter32 wrap soon
}

// Flap makes a port go down by itself: first after Offset, then every Every, each time for For. The zero Flap never does.
type Flap struct{ Offset, Every, For time.Duration }

// phase returns the time since a port went down last, negative before the first time.
func (f Flap) phase(age time.Duration) time.Duration {
	if f.Every <= 0 || age < f.Offset {
		return -1
	}
	return (age - f.Offset) % f.Every
}

// up reports whether the port is up at the given age of the device.
func (p *Port) up(age time.Duration) bool {
	if p.AdminDown || p.Down {
		return false
	}
	phase := p.Flap.phase(age)
	return phase < 0 || phase >= p.Flap.For
}

// lastChange returns the age at which the port entered its state.
func (p *Port) lastChange(age time.Duration) time.Duration {
	phase := p.Flap.phase(age)
	switch {
	case p.AdminDown || p.Down || phase < 0:
		return 0
	case phase >= p.Flap.For:
		return age - phase + p.Flap.For
	default:
		return age - phase
	}
}

// active returns how long the port has been up at the given age.
func (p *Port) active(age time.Duration) time.Duration {
	switch {
	case p.AdminDown || p.Down || age < 0:
		return 0
	case p.Flap.Every <= 0 || age < p.Flap.Offset:
		return age
	}
	cycles := (age - p.Flap.Offset) / p.Flap.Every
	return p.Flap.Offset + cycles*(p.Flap.Every-p.Flap.For) + max(0, p.Flap.phase(age)-p.Flap.For)
}

// volume returns what rate, swinging, has brought while the port was up: the integral of
// rate·(1 + Swing·sin(2πt/Period)), which never falls.
func (p *Port) volume(rate float64, age time.Duration) uint64 {
	t := p.active(age).Seconds()
	v := rate * t
	if p.Period > 0 {
		omega := 2 * math.Pi / p.Period.Seconds()
		v += rate * p.Swing / omega * (1 - math.Cos(omega*t))
	}
	return uint64(v)
}

// InOctets returns ifHCInOctets at the given age of the device.
func (p *Port) InOctets(age time.Duration) uint64 { return p.InBase + p.volume(p.InRate, age) }

// OutOctets returns ifHCOutOctets at the given age of the device.
func (p *Port) OutOctets(age time.Duration) uint64 { return p.OutBase + p.volume(p.OutRate, age) }

// packets returns the packets that so many octets are, of 640 octets each.
func packets(octets uint64) uint64 { return octets / 640 }
