package usm

import (
	"time"

	"walkabout/snmp"
	"walkabout/snmp/ber"
)

// SealContent is Seal of a ScopedPDU that is encoded already: content is what snmp.ScopedPDU.AppendContent would append.
func (r *Remote) SealContent(dst []byte, w *Sealer, m snmp.MessageV3, k *Keyed, level snmp.SecurityLevel, content []byte, now time.Time) []byte {
	boots, seconds := r.clock(now)
	w.plain = w.plain[:0]
	if m.Encrypted = level == snmp.AuthPriv; m.Encrypted {
		w.plain = ber.AppendHeader(w.plain, ber.TagSequence, len(content))
	}
	w.plain = append(w.plain, content...)
	return w.sealPlain(dst, m, envelope{r.octets, boots, seconds, []byte(k.user.Name), k.user, level, &r.salt})
}
