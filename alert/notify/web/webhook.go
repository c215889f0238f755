package web

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"walkabout/alert/notify"
	"walkabout/internal/secret"
)

// Webhook is a notify.Sender that posts a notify.Document. docs/notifiers.md tells its receivers what they may rely on.
type Webhook struct {
	*poster
	key []byte // nil: not signed
}

// secretPrefix is before the base64 of a secret, as standardwebhooks.com has it.
const secretPrefix = "whsec_"

// NewWebhook checks o and returns a Webhook. It sends nothing. With a signing secret each request is signed by HMAC-SHA256 as
// standardwebhooks.com specifies: over the message's ID, the time of the attempt and the body, so that a receiver can refuse what is forged, old
// or repeated. A secret that begins with "whsec_" is base64 behind that, any other is taken as it is.
func NewWebhook(o Options, signing secret.String) (*Webhook, error) {
	p, err := newPoster("webhook", o)
	if err != nil {
		return nil, err
	}
	w := &Webhook{poster: p}
	text := signing.Reveal()
	if encoded, ok := strings.CutPrefix(text, secretPrefix); ok {
		if w.key, err = base64.StdEncoding.DecodeString(encoded); err != nil {
			return nil, errors.New("webhook: signing_secret: what stands behind whsec_ is no base64")
		}
	} else if text != "" {
		w.key = []byte(text)
	}
	if w.key != nil && len(w.key) < 16 {
		return nil, errors.New("webhook: signing_secret: at least 16 octets are wanted, as openssl rand -base64 32 makes them")
	}
	return w, nil
}

// Send implements notify.Sender.
func (w *Webhook) Send(ctx context.Context, m *notify.Message) error {
	body, err := m.Document()
	if err != nil {
		return &notify.RejectedError{Err: fmt.Errorf("webhook: encoding: %w", err)}
	}
	header := map[string]string{"webhook-id": m.ID}
	if w.key != nil {
		at := strconv.FormatInt(time.Now().Unix(), 10)
		header["webhook-timestamp"] = at
		header["webhook-signature"] = "v1," + w.sign(m.ID, at, body)
	}
	return w.post(ctx, body, header)
}

// sign returns the signature of an attempt.
func (w *Webhook) sign(id, at string, body []byte) string {
	h := hmac.New(sha256.New, w.key)
	_, _ = h.Write([]byte(id + "." + at + "."))
	_, _ = h.Write(body)
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// Preview implements notify.Sender.
func (w *Webhook) Preview(m *notify.Message) (string, error) {
	body, err := m.Document()
	return "POST " + w.where() + "\n\n" + pretty(body), err
}
