package host

import (
	"math"
	"time"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// none is what a cell gives that does not exist.
func none() (snmp.Value, bool) { return snmp.Value{}, false }

// text returns a string of at most size octets.
func text(s string, size int) (snmp.Value, bool) { return mib.Text(s, size), true }

// number returns an Integer32 of 0 or more.
func number(n int64) (snmp.Value, bool) { return mib.Integer(max(n, 0)), true }

// kilobytes returns KBytes of an amount of octets; false if it is machine.Unknown.
func kilobytes(octets int64) (snmp.Value, bool) {
	if octets < 0 {
		return none()
	}
	return number(octets / 1024)
}

// truthValue returns a TruthValue (RFC 2579).
func truthValue(b bool) (snmp.Value, bool) {
	if b {
		return snmp.Integer(1), true
	}
	return snmp.Integer(2), true
}

// access returns readWrite(1) or readOnly(2).
func access(readOnly bool) (snmp.Value, bool) { return truthValue(!readOnly) }

// unknownDate is the DateAndTime that RFC 2790 has for a date that is not known: January 1, year 0000.
var unknownDate = snmp.OctetString("\x00\x00\x01\x01\x00\x00\x00\x00")

// dateAndTime returns a DateAndTime (RFC 2579) with the offset of t's zone from UTC.
func dateAndTime(t time.Time) (snmp.Value, bool) {
	if t.IsZero() || t.Year() < 0 || t.Year() > math.MaxUint16 {
		return unknownDate, true
	}
	_, offset := t.Zone()
	sign, minutes := byte('+'), offset/60
	if minutes < 0 {
		sign, minutes = '-', -minutes
	}
	return snmp.OctetString(string([]byte{
		byte(t.Year() >> 8), byte(t.Year()), byte(t.Month()), byte(t.Day()), byte(t.Hour()), byte(t.Minute()), byte(t.Second()),
		byte(t.Nanosecond() / 100_000_000), sign, byte(minutes / 60), byte(minutes % 60),
	})), true
}

// ticks returns sysUpTime at the moment t: a TimeStamp (RFC 2579), 0 for what was before the start.
func (m *MIB) ticks(t time.Time) (snmp.Value, bool) {
	if t.Before(m.start) {
		return snmp.TimeTicks(0), true
	}
	return hundredths(t.Sub(m.start)), true
}

// hundredths returns TimeTicks, which wrap after 497 days.
func hundredths(d time.Duration) snmp.Value {
	return snmp.TimeTicks(uint32(d / (10 * time.Millisecond)))
}

// indexOf returns the index of a row that is one number.
func indexOf(n uint32) oid.OID { return oid.New(n) }

// fit returns an allocation unit and two amounts in it, such that both fit an Integer32. Units and amounts are above 0.
func fit(unit int64, size, used uint64, real bool) (units, fitSize, fitUsed int64) {
	for !real && (size > math.MaxInt32 || used > math.MaxInt32) && unit <= math.MaxInt32/2 {
		unit, size, used = unit*2, size/2, used/2
	}
	return min(unit, math.MaxInt32), int64(min(size, math.MaxInt32)), int64(min(used, math.MaxInt32))
}

// known reports whether the system tells an amount.
func known(amount int64) bool { return amount != machine.Unknown }
