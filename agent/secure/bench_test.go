package secure_test

import (
	"testing"
	"time"

	"walkabout/snmp"
)

// BenchmarkGet is a GET of sysUpTime over a session, both ends of it in this process.
func BenchmarkGet(b *testing.B) {
	for _, transport := range transports {
		b.Run(transport, func(b *testing.B) {
			s := newStation(b)
			conn, err := s.dial(transport, s.ca.client("joe"))
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close()
			if _, p, err := ask(conn, question()); err != nil || p.ErrorStatus != snmp.NoError {
				b.Fatal(p.ErrorStatus, err)
			}
			if err := conn.SetDeadline(time.Time{}); err != nil {
				b.Fatal(err)
			}
			q, in := question(), make([]byte, 65536)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := conn.Write(q); err != nil {
					b.Fatal(err)
				}
				if _, err := conn.Read(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkHandshake is a whole session: the handshake with both certificates, a GET, and the end.
func BenchmarkHandshake(b *testing.B) {
	for _, transport := range transports {
		b.Run(transport, func(b *testing.B) {
			s := newStation(b)
			joe := s.ca.client("joe")
			b.ReportAllocs()
			for b.Loop() {
				if ok, err := s.served(transport, joe); !ok {
					b.Fatal(err)
				}
			}
		})
	}
}
