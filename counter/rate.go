package counter

const (
	// wrapMargin is how far over its limit a Counter32 that fell may have run and still be taken to have wrapped: it covers the error of the
	// elapsed time, not a faster interface.
	wrapMargin = 1.1
	// implausibleShare of its limit is more than any error of time makes of a true rate.
	implausibleShare = 1.5
	// hugeDifference between two readings of a Counter64 is a fault whatever its limit: 2^62 octets take 1.4 years at 800 Gb/s.
	hugeDifference = 1 << 62
)

// Rate judges one counter over iv: prev and cur are its two readings, bits its width (1 to 64), limit the most that it can count in a
// second in its own unit, 0 if that is unknown. perSecond is 0 unless v.HasRate.
//
//   - What iv says of the whole row, Gap excepted, is the verdict.
//   - A 64-bit counter that fell: Reset. A fall is never a wrap, which would take 46 years at 100 Gb/s.
//   - A narrower one: Ambiguous if it may have wrapped unseen, because iv (with its Slack) is 2^bits/limit or longer or limit is unknown. If it fell,
//     Wrapped where the modular difference is possible at limit (and a tenth over it), else Ambiguous: the row then has been reset,
//     which a Table says of all of it.
//   - Implausible: over 1.5 × limit; for a 64-bit counter a difference of 2^62 or more as well. Where a Counter64's limit was only assumed, pass 0.
//   - Gap, if iv says so: a number's other obstacles are named first.
//   - OK.
func Rate(iv Interval, prev, cur uint64, bits uint8, limit float64) (perSecond float64, v Verdict) {
	if iv.Verdict != OK && iv.Verdict != Gap {
		return 0, iv.Verdict
	}
	if iv.Elapsed <= 0 {
		return 0, Stale
	}
	seconds := iv.Elapsed.Seconds()
	diff, v, _ := difference(seconds, seconds+iv.Slack.Seconds(), prev, cur, bits, limit)
	switch {
	case !v.HasRate():
		return 0, v
	case iv.Verdict == Gap:
		return 0, Gap
	}
	return float64(diff) / seconds, v
}

// difference is what the counter advanced by if v has a rate. impossible says that a narrow counter fell further than any wrap explains.
// The agent may have counted for longest instead of seconds.
func difference(seconds, longest float64, prev, cur uint64, bits uint8, limit float64) (diff uint64, v Verdict, impossible bool) {
	if bits == 64 {
		if cur < prev {
			return 0, Reset, false
		}
		diff, v = cur-prev, OK
	} else {
		diff, v, impossible = narrowDifference(longest, prev, cur, bits, limit)
	}
	if v.HasRate() && !plausible(diff, seconds, bits, limit) {
		v = Implausible
	}
	return diff, v, impossible
}

func narrowDifference(longest float64, prev, cur uint64, bits uint8, limit float64) (diff uint64, v Verdict, impossible bool) {
	full := uint64(1) << bits // 0, which every value reaches, for bits that are no width
	possible := limit * longest
	if prev >= full || cur >= full || !(limit > 0) || possible >= float64(full) {
		return 0, Ambiguous, false
	}
	diff = (cur - prev) & (full - 1)
	switch {
	case cur >= prev:
		return diff, OK, false
	case float64(diff) <= possible*wrapMargin:
		return diff, Wrapped, false
	}
	return 0, Ambiguous, true
}

func plausible(diff uint64, seconds float64, bits uint8, limit float64) bool {
	if bits == 64 && diff >= hugeDifference {
		return false
	}
	return !(limit > 0) || float64(diff) <= implausibleShare*limit*seconds
}
