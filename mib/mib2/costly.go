package mib2

import (
	"context"

	"walkabout/machine"
	"walkabout/mib"
)

// costly returns the request's reading, of which parts are to be read that cost much on a large machine. Who waits behind q need not wait for them.
func (m *MIB) costly(q *mib.Request, parts ...machine.Part) *machine.Reading {
	r := m.reading(q)
	for _, p := range parts {
		if !r.Has(p) {
			q.Slow()
		}
	}
	return r
}

func (m *MIB) tcpSockets(ctx context.Context, q *mib.Request) ([]machine.TCPSocket, error) {
	return m.costly(q, machine.PartTCPSockets).TCPSockets(ctx)
}

func (m *MIB) udpSockets(ctx context.Context, q *mib.Request) ([]machine.UDPSocket, error) {
	return m.costly(q, machine.PartUDPSockets).UDPSockets(ctx)
}

func (m *MIB) ipv4Routes(ctx context.Context, q *mib.Request) ([]machine.Route, error) {
	return m.costly(q, machine.PartIPv4Routes).IPv4Routes(ctx)
}
