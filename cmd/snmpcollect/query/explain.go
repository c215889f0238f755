package query

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"walkabout/collector"
	"walkabout/collector/session"
	"walkabout/collector/smi"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Advice is an error with what to do about it.
type Advice struct {
	Err  error
	Text string
}

func (a *Advice) Error() string { return a.Err.Error() + "\n" + a.Text }
func (a *Advice) Unwrap() error { return a.Err }

func advise(err error, format string, args ...any) error {
	return &Advice{err, fmt.Sprintf(format, args...)}
}

// Explain makes err, of a query by a session of o, one that says what it means and what to do. Where nobody answered it asks, with one question of
// SNMPv3 that needs no credential, whether an agent is there at all.
func Explain(ctx context.Context, err error, dial collector.Dial, o session.Options) error {
	var dns *net.DNSError
	var response *session.ResponseError
	where := net.JoinHostPort(o.Host, fmt.Sprint(o.Port))
	switch {
	case err == nil || errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, smi.ErrUnknown):
		return advise(err, "Names that are not built in need their MIB files (-M FOLDER -m MODULE); an OID in digits needs none.")
	case errors.As(err, &dns):
		return advise(err, "The name cannot be resolved: is it spelt right, and is it an address or the name of a target?")
	case errors.Is(err, session.ErrTimeout) && o.Credential.Priv != "" && speaksV3(ctx, dial, o):
		return advise(err, "An agent is there: it answers SNMPv3. Many agents are silent to what they cannot decrypt: the privacy password (-X) or protocol (-x, now %s)\n"+
			"is another there.%s", o.Credential.Priv, unknownContext(o.Credential))
	case errors.Is(err, session.ErrTimeout) && o.Credential.Version == snmp.V3 && speaksV3(ctx, dial, o):
		return advise(err, "An agent is there: it answers SNMPv3, but not this request. It may need more time (-t SECONDS).%s", unknownContext(o.Credential))
	case errors.Is(err, session.ErrTimeout) && o.Credential.Version == snmp.V3:
		return advise(err, "Not even the first question of SNMPv3, which needs no credential, was answered. Nobody is at %s, or a firewall or the agent's\n"+
			"own list of networks is between, or the agent speaks no SNMPv3 (try -v 2c -c COMMUNITY).", where)
	case errors.Is(err, session.ErrTimeout) && speaksV3(ctx, dial, o):
		return advise(err, "An agent is there: it answers SNMPv3. So the community is wrong, or the agent does not take it from this address, or it takes\n"+
			"no SNMPv%v.", o.Credential.Version)
	case errors.Is(err, session.ErrTimeout):
		return advise(err, "Nobody is at %s, or a firewall is between, or the agent does not take this community, or not from this address: to all of\n"+
			"these it is silent. Does ping answer? A slow agent needs more time (-t SECONDS).", where)
	case errors.Is(err, session.ErrUnreachable):
		return advise(err, "The network or the machine said so: there is no way to it, or it is up and no agent listens on UDP port %d there.", o.Port)
	case errors.Is(err, session.ErrUnknownUser):
		return advise(err, "The agent is there and has no user %q: -u NAME; users of Net-SNMP's agent and ours are made by createUser.", o.Credential.User)
	case errors.Is(err, session.ErrWrongDigest):
		return advise(err, "The agent knows the user %q, and the authentication password (-A) or protocol (-a, now %s) is another there.", o.Credential.User, o.Credential.Auth)
	case errors.Is(err, session.ErrDecryption):
		return advise(err, "The authentication is right; the privacy password (-X) or protocol (-x, now %s) is another there.", o.Credential.Priv)
	case errors.Is(err, session.ErrSecurityLevel):
		return advise(err, "The agent wants the user %q with other protection: authentication (-a, -A), privacy (-x, -X), or neither.", o.Credential.User)
	case errors.Is(err, session.ErrContext):
		return advise(err, "The agent has no context %q (-n CONTEXT, or context: and context_engine_id: of the credential).", o.Credential.Context)
	case errors.As(err, &response) && response.Status == snmp.AuthorizationError && o.Credential.Version == snmp.V3 && o.Credential.Priv == "":
		return advise(err, "The agent knows the user %q, and does not let it see this: it may want authentication (-a, -A) and privacy (-x, -X) for it, or its views and\n"+
			"access rules exclude it.", o.Credential.User)
	case errors.As(err, &response) && response.Status == snmp.AuthorizationError:
		return advise(err, "The credential is right, and the agent does not let it see this: its views and access rules decide.")
	}
	return err
}

// unknownContext is what else an agent may be silent to, if c names a context. Net-SNMP's is.
func unknownContext(c session.Credential) string {
	if c.Context == "" {
		return ""
	}
	return fmt.Sprintf(" Or it has no context %q (-n): to that, too, many are silent.", c.Context)
}

// probeUser is a user that no agent has.
const probeUser = "walkabout-probe"

// speaksV3 reports whether an agent of SNMPv3 is there.
func speaksV3(ctx context.Context, dial collector.Dial, o session.Options) bool {
	o.Credential = session.Credential{Version: snmp.V3, User: probeUser}
	o.Timeout, o.Retries = min(o.Timeout, time.Second), 1
	o.Stats = &session.Stats{}
	client, err := dial(ctx, o)
	if err != nil {
		return false
	}
	defer client.Close()
	_, err = client.Get(ctx, nil, []oid.OID{oid.MustParse("1.3.6.1.2.1.1.3.0")}) // sysUpTime.0
	return err == nil || errors.Is(err, session.ErrAuthentication)
}
