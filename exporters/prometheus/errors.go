package prometheus

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"walkabout/exporters"
	"walkabout/internal/secret"
)

const (
	// maxWords bounds what is read of a server's answer. Prometheus tells of each bad series of a request.
	maxWords = 4 << 10
	// maxDiscarded is how much more is read of it for the sake of the connection.
	maxDiscarded = 256 << 10
	// maxSaid is how much of it people are told.
	maxSaid = 1000
)

// errOnlyVersion1 is that the server does not know version 2.0: it says so (415), or answers without the header that 2.0 demands. A server of 1.0
// finds a message of 2.0 to be an empty one, and is content.
var errOnlyVersion1 = errors.New("the server does not speak remote write 2.0")

// refusal is an answer that blames the samples of a request.
type refusal struct {
	words    string
	all      bool // of them, and none was written
	tooLarge bool // for one request
	tooOld   bool // for the server's storage, whatever their series
}

func (e *refusal) Error() string { return "server answers " + e.words }

// classify turns an answer into nil, errOnlyVersion1, a *refusal or an error of package exporters.
func (e *Exporter) classify(answer *http.Response, words string) error {
	code := answer.StatusCode
	words = e.presentable(words)
	status := fmt.Sprintf("%d %s: %s", code, http.StatusText(code), words)
	written, said := samplesWritten(answer.Header)
	switch {
	case e.speak == version2 && (code == http.StatusUnsupportedMediaType || !said && (code/100 == 2 || code == http.StatusBadRequest)):
		return errOnlyVersion1
	case code/100 == 2 && (e.speak == version1 || written >= e.request.points):
		return nil
	case code/100 == 2:
		return &refusal{words: fmt.Sprintf("%d of %d samples were written, and no reason", written, e.request.points), all: written == 0}
	case code == http.StatusBadRequest || code == http.StatusUnprocessableEntity:
		return &refusal{words: status, all: e.speak == version2 && said && written == 0, tooOld: tooOld(words)}
	case code == http.StatusRequestEntityTooLarge:
		return &refusal{words: status, tooLarge: true}
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return configError("%s refuses the credentials (%s); check user, password, token and tls", e.target, status)
	case code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable:
		return retryError("busy", exporters.RetryAfter(answer.Header), "server answers %s", status)
	case code == http.StatusRequestTimeout || code == http.StatusGatewayTimeout:
		return retryError("timeout", exporters.RetryAfter(answer.Header), "server answers %s", status)
	case code >= http.StatusInternalServerError:
		return retryError("server", exporters.RetryAfter(answer.Header), "server answers %s", status)
	case code == http.StatusNotFound || code == http.StatusMethodNotAllowed:
		return configError("%s receives no remote write (%s); Prometheus needs --web.enable-remote-write-receiver and the path /api/v1/write", e.target, status)
	case code == http.StatusUnsupportedMediaType:
		return configError("%s does not speak this version of remote write (%s); set version", e.target, status)
	case code/100 == 3:
		return configError("%s redirects (%d, to %.200q); write that as url if it is right", e.target, code, answer.Header.Get("Location"))
	default:
		return configError("%s does not take writes (%s); check url", e.target, status)
	}
}

// samplesWritten reads the header of version 2.0 and reports whether it is there.
func samplesWritten(h http.Header) (int, bool) {
	n, err := strconv.Atoi(h.Get("X-Prometheus-Remote-Write-Samples-Written"))
	return n, err == nil
}

// tooOld reports whether words are those of Prometheus (storage.ErrOutOfBounds, storage.ErrTooOldSample) or Mimir about a sample that is too old for
// any series. Samples "out of order" are so for their series only, and those of the future are out of bounds too.
func tooOld(words string) bool {
	return (strings.Contains(words, "out of bounds") || strings.Contains(words, "too old") || strings.Contains(words, "too-old")) && !strings.Contains(words, "future")
}

// unanswered classifies an error that came without an answer.
func (e *Exporter) unanswered(ctx context.Context, err error) error {
	var certificate *tls.CertificateVerificationError
	var timeout net.Error
	var whole *url.Error
	if errors.As(err, &whole) { // it shows the URL, whose query may hold a key
		err = whole.Err
	}
	switch {
	case errors.As(err, &certificate):
		return configError("%s shows a certificate that cannot be trusted: %w", e.target, certificate)
	case ctx.Err() != nil:
		return retryError("canceled", 0, "%w", ctx.Err())
	case errors.As(err, &timeout) && timeout.Timeout():
		return retryError("timeout", 0, "%s: %w", e.target, err)
	default:
		return retryError("unreachable", 0, "%s: %w", e.target, err)
	}
}

func configError(format string, args ...any) error {
	return &exporters.ConfigError{Err: fmt.Errorf("prometheus output: "+format, args...)}
}

func retryError(reason string, after time.Duration, format string, args ...any) error {
	return &exporters.RetryError{Reason: reason, After: after, Err: fmt.Errorf("prometheus output: "+format, args...)}
}

// presentable returns a server's words for people: cut short, on one line, and without secrets, should it repeat them.
func (e *Exporter) presentable(words string) string {
	secrets := []secret.String{e.config.Token, e.config.Password}
	for _, s := range e.config.Headers {
		secrets = append(secrets, s)
	}
	for _, s := range secrets {
		if !s.IsZero() {
			words = strings.ReplaceAll(words, s.Reveal(), secret.Mask)
		}
	}
	words = strings.Join(strings.Fields(strings.ToValidUTF8(words, "\uFFFD")), " ")
	if words == "" {
		return "no explanation"
	}
	if len(words) > maxSaid {
		words = strings.ToValidUTF8(words[:maxSaid], "") + "…"
	}
	return words
}
