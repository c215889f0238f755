package counter

import (
	"math"
	"time"
)

// Extend adds a reading of a source that is bits wide (1 to 64) to a 64-bit counter whose last value was prev, and keeps its low bits equal to
// the source's, so that the source may be served as Counter32 beside it.
//
// It holds only while the source is read at least every WrapTime/4: then a source that runs forward never advances by half its range between
// two readings, and one that seems to has gone backwards. whole is then false, next's high bits are prev's, and the caller must
// tell a discontinuity (ifCounterDiscontinuityTime takes sysUpTime, RFC 2863). A source of 64 bits that falls has always gone backwards. Where the
// readings cannot be kept up, the 64-bit object is to be left out.
//
// The first reading of a source is its value: Extend(cur, cur, bits).
func Extend(prev, cur uint64, bits uint8) (next uint64, whole bool) {
	mask := uint64(math.MaxUint64) >> (64 - bits)
	ahead := (cur - prev) & mask
	if bits < 64 && ahead > mask/2 || bits == 64 && cur < prev {
		return prev&^mask | cur&mask, false
	}
	return prev + ahead, true
}

// WrapTime is how long a counter of this many bits (1 to 64) takes to pass its whole range at limit units a second, T in this
// package's rules; the longest Duration where it is longer or limit is not above 0.
func WrapTime(bits uint8, limit float64) time.Duration {
	t := math.Ldexp(1, int(bits)) / limit * float64(time.Second)
	if !(limit > 0) || t >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(t)
}
