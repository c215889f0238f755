package collector

import (
	"cmp"
	"errors"
	"slices"

	"walkabout/collector/session"
)

// Reason names the kind of err, of a Poll or of a part of one, in one word for a metric: those of session.Reason, and
// "host_down" and "snmp_silent" where ping told more; "not_increasing", "too_much", "empty" and "other_name" for agents that do not keep to the
// protocol; and "crowded" for a poll that too many others kept from being made.
func Reason(err error) string {
	switch {
	case errors.Is(err, ErrHostDown):
		return "host_down"
	case errors.Is(err, ErrSNMPSilent):
		return "snmp_silent"
	case errors.Is(err, errTooMuch):
		return "too_much"
	case errors.Is(err, errNotIncreasing):
		return "not_increasing"
	case errors.Is(err, errEmpty):
		return "empty"
	case errors.Is(err, errCrowded):
		return "crowded"
	case errors.Is(err, errOtherName):
		return "other_name"
	}
	return session.Reason(err)
}

// reasons names the kinds of all that err joins, each once and in order.
func reasons(err error) []string {
	var out []string
	for _, e := range parts(err) {
		out = append(out, cmp.Or(Reason(e), "other"))
	}
	slices.Sort(out)
	return slices.Compact(out)
}
