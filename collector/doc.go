// Package collector polls SNMP agents and turns what they answer into samples with rates.
//
// A Collector keeps one goroutine for each Target, which polls it at its own phase of the interval, so that a slow or dead
// agent delays no other. What a poll asks for is said by Profiles; package session asks; package counter decides which
// counter has a rate. Each finished poll goes to a Sink.
package collector
