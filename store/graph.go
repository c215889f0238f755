package store

import (
	"context"
	"errors"
)

var errNotYet = errors.New("store: not there yet")

// Graph returns one interface; without any series of it the Lines are empty and the reason of their gaps tells why. The error is ctx's, or the database's.
func (s *Store) Graph(ctx context.Context, q GraphQuery) (Graph, error) {
	return Graph{}, errNotYet
}

// Graphs returns the interfaces of q.Device that have at least one of the counters in the span, by name.
func (s *Store) Graphs(ctx context.Context, q GraphQuery) ([]Graph, error) {
	return nil, errNotYet
}

// States returns when the interface was in which state.
func (s *Store) States(ctx context.Context, q StateQuery) (States, error) {
	return States{}, errNotYet
}

// Values returns the gauges that q asks for.
func (s *Store) Values(ctx context.Context, q ValueQuery) (Values, error) {
	return Values{}, errNotYet
}
