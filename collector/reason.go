package collector

import (
	"errors"

	"walkabout/collector/session"
)

// Reason names the kind of err, of a Poll or of a part of one, in one word for a metric: those of session.Reason, and
// "not_increasing", "too_much", "empty" and "other_name" for agents that do not keep to the protocol.
func Reason(err error) string {
	for own, reason := range map[error]string{
		errNotIncreasing: "not_increasing", errTooMuch: "too_much", errEmpty: "empty", errOtherName: "other_name",
	} {
		if errors.Is(err, own) {
			return reason
		}
	}
	return session.Reason(err)
}
