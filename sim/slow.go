package sim

import (
	"slices"
	"time"

	"walkabout/agent"
	"walkabout/snmp"
)

// Slow returns d with the delays that are recorded (see ReadSNMPRec): an answer waits for all of its objects, and more than 99.999 s loses it. Without such it
// is d itself. It is for v1 and v2c.
func (r *Recording) Slow(d agent.Datagrams) agent.Datagrams {
	if !r.IsSlow() {
		return d
	}
	return &slow{Datagrams: d, recording: r}
}

// IsSlow reports whether delays are recorded.
func (r *Recording) IsSlow() bool {
	for _, v := range r.varied {
		if v.delay != nil {
			return true
		}
	}
	return false
}

type slow struct {
	agent.Datagrams
	recording *Recording
}

// WritePacket implements agent.Datagrams.
func (s *slow) WritePacket(b []byte, to agent.Peer) error {
	var m snmp.Message
	if err := new(snmp.Decoder).Decode(b, &m); err != nil {
		return s.Datagrams.WritePacket(b, to)
	}
	var wait time.Duration
	for _, vb := range m.PDU.VarBinds {
		if d := s.recording.varied[vb.Name].delay; d != nil {
			wait += d.at(time.Now())
		}
	}
	switch {
	case wait == 0:
		return s.Datagrams.WritePacket(b, to)
	case wait <= longestDelay:
		late := slices.Clone(b)
		time.AfterFunc(wait, func() { _ = s.Datagrams.WritePacket(late, to) }) // the socket may be closed by then
	}
	return nil
}
