// Package collector polls SNMP agents and turns what they answer into samples with rates.
//
// A Collector polls each Target at its own phase of the interval, by a goroutine that lasts as long as the poll, so that a slow or dead
// agent delays no other. What a poll asks for is said by Profiles; package session asks; package counter decides which
// counter has a rate. Each finished poll goes to a Sink.
package collector
