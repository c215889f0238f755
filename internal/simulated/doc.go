// Package simulated tests the collector against simulated devices, over a network in memory: agents with every fault, loss, reboots.
package simulated
