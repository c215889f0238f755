package nats

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"walkabout/exporters"
	"walkabout/internal/clienttls"
)

func (c Config) check() error {
	if len(c.Servers) == 0 {
		return errors.New("servers are missing; give one, such as nats://127.0.0.1:4222")
	}
	secure := false
	for _, s := range c.Servers {
		u, err := url.Parse(s)
		switch {
		case err != nil || u.Hostname() == "" || u.Scheme != "nats" && u.Scheme != "tls":
			return errors.New("servers: one is not of the form nats://HOST:PORT or tls://HOST:PORT")
		case !exporters.ValidPort(u.Port()):
			return fmt.Errorf("servers: of one %w", exporters.ErrPort)
		case u.User != nil:
			return errors.New("servers: one holds a user name; give user and password, or token")
		}
		secure = secure || u.Scheme == "tls"
	}
	if !secure && !c.TLS.IsZero() {
		return errors.New("tls is given, and no server is tls://")
	}
	ways := []bool{c.User != "" || !c.Password.IsZero(), !c.Token.IsZero(), c.CredsFile != "", c.NKeyFile != ""}
	if n := len(slices.DeleteFunc(ways, func(given bool) bool { return !given })); n > 1 {
		return errors.New("give one of user and password, token, creds_file and nkey_file")
	}
	if (c.User == "") != c.Password.IsZero() {
		return errors.New("user and password go together")
	}
	return nil
}

// dialOptions returns how to connect, but for where and how long.
func (e *Exporter) dialOptions() ([]nats.Option, error) {
	c := e.config
	options := []nats.Option{nats.Name("walkabout"), nats.NoEcho()}
	switch {
	case c.User != "":
		options = append(options, nats.UserInfo(c.User, c.Password.Reveal()))
	case !c.Token.IsZero():
		options = append(options, nats.Token(c.Token.Reveal()))
	case c.CredsFile != "":
		if _, err := os.Stat(c.CredsFile); err != nil {
			return nil, fmt.Errorf("creds_file: %w", err)
		}
		options = append(options, nats.UserCredentials(c.CredsFile))
	case c.NKeyFile != "":
		option, err := nats.NkeyOptionFromSeed(c.NKeyFile)
		if err != nil {
			return nil, fmt.Errorf("nkey_file: %w", err)
		}
		options = append(options, option)
	}
	if !slices.ContainsFunc(c.Servers, func(s string) bool { return strings.HasPrefix(s, "tls:") }) {
		return options, nil
	}
	t, err := c.TLS.TLS()
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	return append(options, nats.Secure(t)), nil
}

// complain keeps what the server says of its own accord in c, if there is room.
func complain(c chan<- error) nats.ErrHandler {
	return func(_ *nats.Conn, _ *nats.Subscription, err error) {
		select {
		case c <- err:
		default:
		}
	}
}

// ended tells c that the connection ended, so that nobody waits for what does not come any more.
func ended(c chan<- error) nats.ConnHandler {
	return func(conn *nats.Conn) {
		select {
		case c <- fmt.Errorf("%w: %w", nats.ErrConnectionClosed, cmp.Or(conn.LastError(), io.EOF)):
		default:
		}
	}
}

// Codes of JetStream's API that the library has no errors for.
const (
	streamFullMessages = 10077 // maximum messages exceeded, or another limit: the description tells
	insufficientSpace  = 10023 // insufficient resources
)

// tooLarge reports whether a stream will never take a message.
func tooLarge(err error) bool { return errors.Is(err, jetstream.ErrStreamMessageExceedsMaximum) }

// classify turns a failure into an error of package exporters.
func (e *Exporter) classify(ctx context.Context, err error) error {
	var api *jetstream.APIError
	var timeout net.Error
	switch {
	case errors.As(err, new(*exporters.ConfigError)):
		return err
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked), errors.Is(err, nats.ErrAccountAuthExpired):
		return configError("the server refuses us: %w; check user, password, token or the file of credentials", err)
	case errors.Is(err, nats.ErrPermissionViolation):
		return configError("%w; allow publishing there, and subscribing to _INBOX.>", err)
	case errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, nats.ErrNoResponders):
		return configError("%w: no stream takes such messages; create it with: nats stream add snmp --subjects '%s' --defaults", err, e.subject.wildcard())
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return configError("%w: enable JetStream at the server, or publish without it by core: true", err)
	case errors.Is(err, nats.ErrSecureConnWanted), errors.Is(err, nats.ErrSecureConnRequired), clienttls.Untrusted(err):
		return configError("no trust by TLS: %w; check servers and tls", err)
	case errors.As(err, &api) && (api.ErrorCode == streamFullMessages || api.ErrorCode == insufficientSpace):
		return retryError("full", "the stream takes no more: %w", err)
	case errors.As(err, &api):
		return retryError("server", "%w", err)
	case errors.Is(err, context.Canceled):
		return retryError("canceled", "%w", err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout), errors.Is(err, jetstream.ErrAsyncPublishTimeout),
		errors.As(err, &timeout) && timeout.Timeout(), ctx.Err() != nil:
		return retryError("timeout", "%w", err)
	default:
		return retryError("unreachable", "%w", err)
	}
}

func configError(format string, args ...any) error {
	return &exporters.ConfigError{Err: fmt.Errorf("nats output: "+format, args...)}
}

func retryError(reason, format string, args ...any) error {
	return &exporters.RetryError{Reason: reason, Err: fmt.Errorf("nats output: "+format, args...)}
}

// wildcard returns what a stream must listen to for all of t's subjects.
func (t subject) wildcard() string {
	var b strings.Builder
	for i, p := range t.parts {
		if i%2 == 0 {
			b.WriteString(p)
		} else {
			b.WriteString("{}")
		}
	}
	tokens := strings.Split(b.String(), ".")
	for i, token := range tokens {
		if strings.Contains(token, "{}") {
			tokens[i] = "*"
		}
	}
	return strings.Join(tokens, ".")
}
