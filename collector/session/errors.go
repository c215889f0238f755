package session

import (
	"context"
	"errors"
	"fmt"
	"net"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// The errors of a request. What a Client returns wraps one of them, or a *ResponseError, or what the system said.
var (
	ErrTimeout     = errors.New("no answer") // nobody answered in time
	ErrUnreachable = errors.New("unreachable")
	ErrMalformed   = errors.New("malformed answer")

	// ErrAuthentication is wrapped by the errors after it: the agent refused the user (RFC 3414 section 3.2).
	ErrAuthentication = errors.New("authentication failed")
	ErrUnknownUser    = fmt.Errorf("%w: the agent does not know the user", ErrAuthentication)
	ErrWrongDigest    = fmt.Errorf("%w: wrong authentication password or protocol", ErrAuthentication)
	ErrDecryption     = fmt.Errorf("%w: wrong privacy password or protocol", ErrAuthentication)
	ErrSecurityLevel  = fmt.Errorf("%w: the agent does not allow this user without auth or priv, or does not know the protocol", ErrAuthentication)
	ErrUnknownEngine  = fmt.Errorf("%w: the agent does not have the engine ID that it gave", ErrAuthentication)
	ErrNotAuthentic   = fmt.Errorf("%w: the answers are not signed as the user's keys want it", ErrAuthentication)
	// ErrContext: the agent has not the contextName or contextEngineID that was asked for (RFC 3413 section 3.2, RFC 3412 section 7.2).
	ErrContext         = errors.New("the agent does not know the context, or the context engine ID")
	ErrNotInTimeWindow = errors.New("not in time window: the agent's snmpEngineBoots and snmpEngineTime are not taken")
)

// ResponseError is a Response with an error-status.
type ResponseError struct {
	Status snmp.ErrorStatus
	Index  int // which name of the request is meant, from 1; 0: none, or nonsense
}

func (e *ResponseError) Error() string {
	if e.Index > 0 {
		return fmt.Sprintf("the agent answered %v for variable %d", e.Status, e.Index)
	}
	return fmt.Sprintf("the agent answered %v", e.Status)
}

// reports are the counters that a Report names, and what it then means to the one who asked (RFC 3414 section 3.2, RFC 3412
// section 7.2).
var reports = map[oid.OID]error{
	oid.MustParse("1.3.6.1.6.3.15.1.1.1.0"): ErrSecurityLevel,   // usmStatsUnsupportedSecLevels
	oid.MustParse("1.3.6.1.6.3.15.1.1.2.0"): ErrNotInTimeWindow, // usmStatsNotInTimeWindows
	oid.MustParse("1.3.6.1.6.3.15.1.1.3.0"): ErrUnknownUser,     // usmStatsUnknownUserNames
	oid.MustParse("1.3.6.1.6.3.15.1.1.4.0"): ErrUnknownEngine,   // usmStatsUnknownEngineIDs
	oid.MustParse("1.3.6.1.6.3.15.1.1.5.0"): ErrWrongDigest,     // usmStatsWrongDigests
	oid.MustParse("1.3.6.1.6.3.15.1.1.6.0"): ErrDecryption,      // usmStatsDecryptionErrors
	oid.MustParse("1.3.6.1.6.3.12.1.4.0"):   ErrContext,         // snmpUnavailableContexts
	oid.MustParse("1.3.6.1.6.3.12.1.5.0"):   ErrContext,         // snmpUnknownContexts
	oid.MustParse("1.3.6.1.6.3.11.2.1.3.0"): ErrContext,         // snmpUnknownPDUHandlers
}

// Reason names the kind of err in one word for a metric: "timeout", "unreachable", "authentication", "time_window", "context",
// "malformed", "resolve", the error-status of a Response ("tooBig"; "unknown_status" for a number that has no name), "canceled", else "other".
func Reason(err error) string {
	var response *ResponseError
	var dns *net.DNSError
	switch {
	case errors.As(err, &response):
		if response.Status < snmp.NoError || response.Status > snmp.InconsistentName { // an agent could say another at each poll
			return "unknown_status"
		}
		return response.Status.String()
	case errors.Is(err, ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, ErrUnreachable):
		return "unreachable"
	case errors.Is(err, ErrAuthentication):
		return "authentication"
	case errors.Is(err, ErrNotInTimeWindow):
		return "time_window"
	case errors.Is(err, ErrContext):
		return "context"
	case errors.Is(err, ErrMalformed):
		return "malformed"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.As(err, &dns):
		return "resolve"
	}
	return "other"
}
