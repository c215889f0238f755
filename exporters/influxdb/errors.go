package influxdb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	influxhttp "github.com/influxdata/influxdb-client-go/v2/api/http"

	"walkabout/exporters"
	"walkabout/internal/clienttls"
	"walkabout/internal/secret"
)

// refusal is an answer that blames the points of a request.
type refusal struct {
	words    string
	dropped  int  // how many points the server says that it dropped; 0 if it does not say
	tooLarge bool // for one request
	// garbled is set where the answer is not HTTP. 1.8 repeats a line that it cannot parse in a header, with what control
	// octets a string in it holds. So this blames a point, but only if the server answers well about others.
	garbled bool
}

func (e *refusal) Error() string { return "server answers " + e.words }

// classify turns what WriteRecord returned into nil, a *refusal, or an error of package exporters.
func (e *Exporter) classify(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var answer *influxhttp.Error
	if !errors.As(err, &answer) || answer.StatusCode == 0 {
		return e.unanswered(ctx, err)
	}
	code := answer.StatusCode
	status := fmt.Sprintf("%d %s", code, http.StatusText(code))
	words := e.words(answer)
	switch {
	case code == http.StatusBadRequest || code == http.StatusUnprocessableEntity:
		return &refusal{words: status + ": " + words, dropped: dropped(words)}
	case code == http.StatusRequestEntityTooLarge:
		return &refusal{words: status + ": " + words, tooLarge: true}
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return e.configError("%s refuses the token (%s: %s); check that it may write to bucket %q (for InfluxDB 1.8 it is user:password)", e.base, status, words, e.config.Bucket)
	case code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable:
		return e.retryError("busy", exporters.RetryAfter(answer.Header), "server answers %s: %s", status, words)
	case code == http.StatusRequestTimeout || code == http.StatusGatewayTimeout:
		return e.retryError("timeout", exporters.RetryAfter(answer.Header), "server answers %s: %s", status, words)
	case code == http.StatusNotFound || strings.Contains(words, "retention policy not found"): // 1.8 says 500 to the latter
		if command := e.create(words, answer.Header.Get("X-Influxdb-Version")); command != "" {
			return e.configError("%s: %s; create it with: %s", e.base, words, command)
		}
		return e.configError("%s is no InfluxDB with a v2 write API (%s: %s); check url", e.base, status, words)
	case code >= http.StatusInternalServerError:
		return e.retryError("server", exporters.RetryAfter(answer.Header), "server answers %s: %s", status, words)
	default:
		return e.configError("%s does not take writes (%s: %s); check url", e.base, status, words)
	}
}

// unanswered classifies an error that came without an answer.
func (e *Exporter) unanswered(ctx context.Context, err error) error {
	var stranger *notInfluxDB
	var timeout net.Error
	var garbled textproto.ProtocolError
	switch {
	case errors.As(err, &garbled):
		return &refusal{words: "what is not HTTP: " + e.presentable(garbled.Error()), garbled: true}
	case errors.As(err, &stranger):
		return e.configError("%s: %w; check url", e.base, stranger)
	case clienttls.Untrusted(err):
		return e.configError("no trust by TLS: %w; check tls", err)
	case ctx.Err() != nil:
		return e.retryError("canceled", 0, "%w", ctx.Err())
	case errors.As(err, &timeout) && timeout.Timeout():
		return e.retryError("timeout", 0, "%w", err)
	default:
		return e.retryError("unreachable", 0, "%w", err)
	}
}

func (e *Exporter) configError(format string, args ...any) error {
	return &exporters.ConfigError{Err: fmt.Errorf("influxdb output: "+format, args...)}
}

func (e *Exporter) retryError(reason string, after time.Duration, format string, args ...any) error {
	return &exporters.RetryError{Reason: reason, After: after, Err: fmt.Errorf("influxdb output: "+format, args...)}
}

// words returns what the server said.
func (e *Exporter) words(answer *influxhttp.Error) string {
	if answer.Message == "" && answer.Err != nil { // the library could not read the answer
		return e.presentable(answer.Err.Error())
	}
	return e.presentable(answer.Message)
}

// presentable returns a server's words for people: cut short, and without the token, should it repeat that.
func (e *Exporter) presentable(words string) string {
	if token := e.config.Token.Reveal(); token != "" {
		words = strings.ReplaceAll(words, token, secret.Mask)
	}
	words = strings.TrimSpace(words)
	if len(words) > maxSaid {
		words = strings.ToValidUTF8(words[:maxSaid], "") + "…"
	}
	switch {
	case words == "":
		return "no explanation"
	case !utf8.ValidString(words):
		return strconv.Quote(words)
	default:
		return words
	}
}

// maxSaid is less than the 1,024 octets at which 1.8 cuts its words off, so that what is not cut here is whole.
const maxSaid = 1000

// dropped reads the count at the end of 1.8's and 2's "partial write: … dropped=N". What stands before it may quote a device.
func dropped(words string) int {
	const mark = " dropped="
	i := strings.LastIndex(words, mark)
	if i < 0 || !strings.Contains(words, "partial write: ") {
		return 0
	}
	n, err := strconv.Atoi(words[i+len(mark):])
	if err != nil {
		return 0
	}
	return n
}
